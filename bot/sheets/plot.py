"""Draws a training as it goes: losses over steps, and below them the strip of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from PIL import Image

from bot.screens import TrainingView
from bot.sheets.ground import ACCENT, FAINT, INK, KEPT, PAPER, can_draw, font_file, hex_colour
from bot.sheets.sheet import Reader, draw_sheet

WIDTH_PX, HEIGHT_PX, DPI = 1280, 620, 120
SMOOTHING = 0.9  # exponential, as training dashboards do

mpl.use("Agg")


def draw_training(view: TrainingView, read: Reader) -> Image.Image:
    """The loss plot, over the strip of samples when there is one."""
    plot = draw_losses(view)
    if view.strip is None or not view.strip.cells:
        return plot
    strip = draw_sheet(view.strip, read)
    whole = Image.new("RGB", (WIDTH_PX, plot.height + strip.height), PAPER)
    whole.paste(plot, (0, 0))
    whole.paste(strip, ((WIDTH_PX - strip.width) // 2, plot.height))
    return whole


def draw_losses(view: TrainingView) -> Image.Image:
    """Losses faint, their running mean strong, and the validation loss on the fixed grid with dots."""
    figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, facecolor=hex_colour(PAPER))
    axes = figure.add_subplot()
    axes.set_facecolor(hex_colour(PAPER))
    steps = [point.step for point in view.losses]
    losses = [point.loss for point in view.losses]
    checked = [(p.step, p.validation_loss) for p in view.losses if p.validation_loss is not None]
    axes.plot(steps, losses, color=hex_colour(FAINT), alpha=0.35, linewidth=1)
    axes.plot(steps, smoothed(losses), color=hex_colour(ACCENT), linewidth=2.2, label=_drawable(view.legend_training))
    if checked:
        axes.plot(
            [step for step, _ in checked],
            [loss for _, loss in checked],
            "o-",
            color=hex_colour(KEPT),
            linewidth=2,
            markersize=5,
            label=_drawable(view.legend_validation),
        )
    _mark(axes, view, dict(checked))
    weights = [(p.step, p.weight_norm) for p in view.losses if p.weight_norm is not None]
    if weights:
        _weigh(axes, view, weights)
    axes.set_xlim(0, max(view.total_steps, 1))
    _frame(axes, losses + [loss for _, loss in checked])
    axes.set_xlabel(_drawable(view.axis_step), color=hex_colour(INK), font=_font(view.axis_step))
    axes.set_ylabel(_drawable(view.axis_loss), color=hex_colour(INK), font=_font(view.axis_loss))
    if losses:
        words = "".join(
            (view.legend_training, view.legend_validation, view.legend_weights, view.legend_elbow, view.legend_advised)
        )
        axes.legend(frameon=False, loc="upper right", prop=_font(words))
    figure.tight_layout()
    target = BytesIO()
    figure.savefig(target, format="png")
    target.seek(0)
    return Image.open(target).convert("RGB")


def _weigh(axes: Axes, view: TrainingView, weights: Sequence[tuple[int, float]]) -> None:
    """The norm of what is learnt, dotted, on an axis of its own at the right: it should grow ever more slowly."""
    right = axes.twinx()
    right.plot(*zip(*weights, strict=True), color=hex_colour(INK), linestyle=":", linewidth=1.5)
    right.set_ylim(0, 1.6 * max(norm for _, norm in weights))  # below the legend
    right.spines["top"].set_visible(False)
    axes.plot([], [], color=hex_colour(INK), linestyle=":", linewidth=1.5, label=_drawable(view.legend_weights))


def _mark(axes: Axes, view: TrainingView, checked: Mapping[int, float]) -> None:
    """The elbow as a ring on the validation curve, the recommended checkpoint as an upright line."""
    if view.elbow in checked:
        place = ([view.elbow], [checked[view.elbow]])
        ring = axes.scatter(*place, s=220, facecolors="none", edgecolors=hex_colour(INK), linewidths=2.5, zorder=3)
        ring.set_label(_drawable(view.legend_elbow))
    if view.advised:
        axes.axvline(
            view.advised, color=hex_colour(KEPT), linestyle="--", linewidth=2, label=_drawable(view.legend_advised)
        )


def smoothed(values: Sequence[float]) -> list[float]:
    """Exponential running mean, unbiased at the start (Kingma & Ba 2015, section 3)."""
    mean, found = 0.0, []
    for count, value in enumerate(values, 1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * value
        found.append(mean / (1 - SMOOTHING**count))
    return found


def _frame(axes: Axes, values: Sequence[float]) -> None:
    """Single spikes may leave the frame, so that the curve stays readable."""
    if values:
        ordered = sorted(values)
        top = ordered[int(len(ordered) * 0.98)] * 1.15
        axes.set_ylim(0, top or 1)
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _drawable(text: str) -> str:
    return text if can_draw(text) else ""


def _font(text: str) -> FontProperties:
    return FontProperties(fname=str(font_file(text)), size=11)
