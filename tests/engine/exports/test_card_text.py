"""The model card's text, whole: what it says with everything measured, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace

from engine.exports.card_text import card_text
from engine.exports.recipe_file import RecipeFile
from storage.recipe import Recipe
from storage.records import Checkpoint, ContentHash, Seed
from storage.requests import CardFacts

RECIPE = Recipe(rank=8, alpha=8, learning_rate=3e-4, steps=400, seed=Seed(7), min_snr_gamma=None)
MADE = RecipeFile(
    name="neon-ohwx",
    trigger="ohwx",
    model="anna/tiny@v1.0",
    model_sha256="0123456789abcdef",
    checkpoint_step=300,
    recipe=RECIPE,
    captions=("a fox, ohwx",),
)
CHECKPOINT = Checkpoint(
    job=1, step=300, epoch=3, adapter=ContentHash("b" * 64), style_gained=0.834, prompt_kept=0.916, copying=0.5
)
FACTS = CardFacts(
    modifiers="flat vector, thick outlines",
    boosters="masterpiece",
    pictures=17,
    captions=("a fox, ohwx", "a castle, ohwx", "an owl, ohwx"),
    checkpoint=CHECKPOINT,
)
TEXT = """\
A LoRA that paints in one style whenever `ohwx` is in the prompt. Made with Styleseal.

## How to call it

`a castle, ohwx` – strength 0.8 is a good start; 0.6 leaves more of the model, 1.0 more style.
No style words are needed.

## What it learned from

17 pictures, drawn by anna/tiny@v1.0 (0123456789) and chosen by a person. Captions name what is \
in a picture and leave the look to the trigger, for example:

- `a fox, ohwx`
- `a castle, ohwx`
- `an owl, ohwx`

The palette's own words were: flat vector, thick outlines; masterpiece.

## How it was trained

| | |
|---|---|
| rank, alpha | 8, 8 |
| targets | to_q, to_k, to_v, to_out.0 |
| learning rate | 0.0003, cosine, 10 warm-up steps |
| optimizer | adamw, weight decay 0.01, clipping 1 |
| batch | 4 × 1 |
| steps | 300 of 400 |
| seed | 7 |
| min-SNR γ | None |
| rsLoRA | False |
| DoRA | False |
| caption dropout | 0.05 |

## What was measured

- style gained: 0.83 (0 is the model without it, 1 the palette itself)
- prompt kept: 0.92 (subjects outside the palette that are still told apart)
- likeness to the nearest palette picture: 0.50"""


def test_a_card_says_how_to_call_the_seal_and_what_was_measured() -> None:
    assert card_text(FACTS, MADE) == TEXT


def test_what_was_not_measured_is_not_said() -> None:
    whole = card_text(replace(FACTS, boosters="", checkpoint=None), replace(MADE, model_sha256=""))
    assert "drawn by anna/tiny@v1.0 and chosen" in whole
    assert "own words were: flat vector, thick outlines.\n" in whole
    assert "| steps | 400 of 400 |" in whole
    assert "What was measured" not in whole
    assert "nearest palette picture" not in card_text(
        replace(FACTS, checkpoint=replace(CHECKPOINT, copying=None)), MADE
    )
