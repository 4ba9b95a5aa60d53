"""The settings a model family draws best with, and the grid to compare them on."""

from __future__ import annotations

from dataclasses import replace

from storage.records import Drawing, MachineFacts, Style
from storage.states import ANCESTRAL, Sampler

# Steps and guidance that the families' own pages use; the embedded model was judged at DDIM 20, CFG 4.
FAMILIES = {
    "emoji": Drawing(sampler=Sampler.DDIM, steps=20, guidance_scale=4.0, width_px=128, height_px=128),
    "sd1": Drawing(sampler=Sampler.DPMPP_2M_KARRAS, steps=25, guidance_scale=7.0, width_px=512, height_px=512),
    "sd2": Drawing(sampler=Sampler.DPMPP_2M_KARRAS, steps=25, guidance_scale=7.0, width_px=768, height_px=768),
    "sdxl": Drawing(sampler=Sampler.DPMPP_2M_KARRAS, steps=28, guidance_scale=6.0, width_px=1024, height_px=1024),
}
COMPARED_STEPS = (10, 20, 30)


def best_drawing(facts: MachineFacts | None) -> Drawing:
    """The settings for the model in use, at its native size."""
    if facts is None:
        return FAMILIES["emoji"]
    drawing = FAMILIES.get(facts.model.family, FAMILIES["sd1"])
    return replace(drawing, width_px=facts.model.size_px, height_px=facts.model.size_px)


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
