"""Writes the rows of a request: prompt, negative, seed and settings of each picture, in full."""

from __future__ import annotations

from collections.abc import Iterable

from bot.rules.prompt import compose, with_trigger
from storage.records import ContentHash, Drawing, Seed, Style
from storage.requests import Row, SealUse


def styled_rows(
    pairs: Iterable[tuple[str, Seed]], style: Style, negative: str, drawing: Drawing | None = None
) -> tuple[Row, ...]:
    """Rows of subjects in a style, each with its seed."""
    return tuple(
        Row(
            prompt=compose(subject, style),
            negative=negative,
            seed=seed,
            subject=subject,
            drawing=drawing or style.drawing,
        )
        for subject, seed in pairs
    )


def sealed_row(
    subject: str, trigger: str, seed: Seed, drawing: Drawing, *, adapter: ContentHash | None = None, weight: float = 0
) -> Row:
    """A picture by trigger alone, no style words; with an adapter and a weight above 0 the seal lies over the model."""
    seals = (SealUse(adapter=adapter, weight=weight),) if adapter and weight else ()
    return Row(
        prompt=with_trigger(subject, trigger),
        negative="",
        seed=seed,
        subject=subject,
        drawing=drawing,
        seals=seals,
        label=f"{weight:g}",
    )
