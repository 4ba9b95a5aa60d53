"""The model card's text: facts and numbers, in English, because the Hub reads it. No opinion that was not measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.recipe import Recipe
from storage.records import Checkpoint, MachineFacts, Style

OPTIONS = (
    ("min_snr_gamma", "min-SNR γ"),
    ("use_rslora", "rsLoRA"),
    ("use_dora", "DoRA"),
    ("caption_dropout", "caption dropout"),
)


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """Everything a card says."""

    trigger: str
    style: Style
    recipe: Recipe
    pictures: int
    checkpoint: Checkpoint | None
    machine: MachineFacts | None
    captions: Sequence[str]


def card_text(facts: CardFacts) -> str:
    """The body of a README.md; the engine puts the Hub's front matter and the title before it."""
    recipe = facts.recipe
    lines = [
        f"A LoRA that paints in one style whenever `{facts.trigger}` is in the prompt. Made with Styleseal.",
        "",
        "## How to call it",
        "",
        f"`a castle, {facts.trigger}` – strength 0.8 is a good start; 0.6 leaves more of the model, 1.0 more style.",
        "No style words are needed.",
        "",
        "## What it learned from",
        "",
        f"{facts.pictures} pictures, drawn by {model_of(facts.machine)} and chosen by a person. Captions name what is "
        "in a picture and leave the look to the trigger, for example:",
        "",
        *(f"- `{caption}`" for caption in facts.captions[:3]),
        "",
        f"The palette's own words were: {facts.style.modifiers}"
        + (f"; {facts.style.boosters}" if facts.style.boosters else "")
        + ".",
        "",
        "## How it was trained",
        "",
        "| | |",
        "|---|---|",
        f"| rank, alpha | {recipe.rank}, {recipe.alpha} |",
        f"| targets | {', '.join(recipe.targets)} |",
        f"| learning rate | {recipe.learning_rate:g}, {recipe.schedule}, {recipe.warmup_steps} warm-up steps |",
        f"| optimizer | {recipe.optimizer}, weight decay {recipe.weight_decay:g}, clipping {recipe.max_grad_norm:g} |",
        f"| batch | {recipe.batch_size} × {recipe.accumulation} |",
        f"| steps | {facts.checkpoint.step if facts.checkpoint else recipe.steps} of {recipe.steps} |",
        f"| seed | {recipe.seed} |",
        *(f"| {label} | {getattr(recipe, name)} |" for name, label in OPTIONS),
    ]
    return "\n".join(lines + measured(facts.checkpoint))


def measured(checkpoint: Checkpoint | None) -> list[str]:
    """What was measured on the checkpoint, where it was."""
    if checkpoint is None or checkpoint.style_gained is None or checkpoint.prompt_kept is None:
        return []
    return [
        "",
        "## What was measured",
        "",
        f"- style gained: {checkpoint.style_gained:.2f} (0 is the model without it, 1 the palette itself)",
        f"- prompt kept: {checkpoint.prompt_kept:.2f} (subjects outside the palette that are still told apart)",
        *(
            [f"- likeness to the nearest palette picture: {checkpoint.copying:.2f}"]
            if checkpoint.copying is not None
            else []
        ),
    ]


def model_of(machine: MachineFacts | None) -> str:
    """The base model's name, with the first digits of its weights' hash."""
    if machine is None:
        return "the base model"
    digest = f" ({machine.model.sha256[:10]})" if machine.model.sha256 else ""
    return f"{machine.model.pinned_name}{digest}"
