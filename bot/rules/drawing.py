"""The settings a model family draws best with, and the grid to compare them on."""

from __future__ import annotations

from dataclasses import replace

from storage.families import FAMILIES, Family
from storage.records import Drawing, MachineFacts, Style
from storage.states import ANCESTRAL, Sampler

COMPARED_STEPS = (10, 20, 30)


def best_drawing(facts: MachineFacts | None) -> Drawing:
    """The settings for the model in use, at its native size."""
    row = FAMILIES[facts.model.family if facts else Family.EMOJI]
    side = facts.model.size_px if facts else row.size_px
    return Drawing(
        sampler=row.sampler, steps=row.steps, guidance_scale=row.guidance_scale, width_px=side, height_px=side
    )


def drawing_of(style: Style, facts: MachineFacts | None) -> Drawing:
    """The settings of a style for the model in use: the person's own where they brought some, at the native size."""
    best = best_drawing(facts)
    if not style.own_drawing:
        return best
    return replace(style.drawing, width_px=best.width_px, height_px=best.height_px)


def comparison(drawing: Drawing) -> tuple[Drawing, ...]:
    """Samplers (rows) by steps (columns); the ancestral ones come last."""
    samplers = sorted(Sampler, key=lambda sampler: sampler in ANCESTRAL)
    return tuple(replace(drawing, sampler=sampler, steps=steps) for sampler in samplers for steps in COMPARED_STEPS)


def in_one_line(seed: int, drawing: Drawing) -> str:
    """Seed and settings as AUTOMATIC1111 writes them, to be copied."""
    return (
        f"Steps: {drawing.steps}, Sampler: {drawing.sampler.value}, CFG scale: {drawing.guidance_scale:g}, "
        f"Seed: {seed}, Size: {drawing.width_px}x{drawing.height_px}"
    )
