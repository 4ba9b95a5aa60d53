"""The model card's text: facts and numbers, in English, because the Hub reads it. No opinion that was not measured."""

from __future__ import annotations

from engine.exports.recipe_file import RecipeFile
from storage.records import Checkpoint
from storage.requests import CardFacts

OPTIONS = (
    ("min_snr_gamma", "min-SNR γ"),
    ("use_rslora", "rsLoRA"),
    ("use_dora", "DoRA"),
    ("caption_dropout", "caption dropout"),
)


def card_text(facts: CardFacts, made: RecipeFile) -> str:
    """The body of a README.md, without the Hub's front matter and the title."""
    return "\n".join(
        [*how_to_call_it(made), *learnt_from(facts, made), *trained(facts, made), *measured(facts.checkpoint)]
    )


def how_to_call_it(made: RecipeFile) -> list[str]:
    """What to write into a prompt."""
    return [
        f"A LoRA that paints in one style whenever `{made.trigger}` is in the prompt. Made with Styleseal.",
        "",
        "## How to call it",
        "",
        f"`a castle, {made.trigger}` – strength 0.8 is a good start; 0.6 leaves more of the model, 1.0 more style.",
        "No style words are needed.",
    ]


def learnt_from(facts: CardFacts, made: RecipeFile) -> list[str]:
    """The palette, some of its captions, and the words that it was drawn with."""
    return [
        "",
        "## What it learned from",
        "",
        f"{facts.pictures} pictures, drawn by {model_of(made)} and chosen by a person. Captions name what is "
        "in a picture and leave the look to the trigger, for example:",
        "",
        *(f"- `{caption}`" for caption in facts.captions),
        "",
        f"The palette's own words were: {facts.modifiers}" + (f"; {facts.boosters}" if facts.boosters else "") + ".",
    ]


def trained(facts: CardFacts, made: RecipeFile) -> list[str]:
    """The recipe as a table."""
    recipe = made.recipe
    return [
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


def model_of(made: RecipeFile) -> str:
    """The base model's name, with the first digits of its weights' hash."""
    digest = f" ({made.model_sha256[:10]})" if made.model_sha256 else ""
    return f"{made.model}{digest}"
