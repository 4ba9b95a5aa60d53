"""Commands that make the data: `data`, and a sheet of real pictures to see what is aimed at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import typer

from emoji_sd.recipe.data import figures, icons, looks, pictures
from emoji_sd.recipe.data import vocabulary as vocabularies
from emoji_sd.recipe.progress import say

BUILD = Path("build/emoji_sd")  # everything that is not the result
app = typer.Typer()


@app.command()
def data() -> None:
    """Fetch the icon sets with npm, find the subjects, render the figures and draw the real pictures (3 minutes)."""
    if not (BUILD / "node_modules").exists():
        icons.fetch(BUILD)
    words = vocabularies.gather(BUILD)
    vocabularies.write(words)
    say(f"{len(words.subjects)} subjects, {len(words.pairs())} pairs, {len(words.held_out)} held out")
    if not (BUILD / "figures.npy").exists():
        figures.render(words, BUILD, BUILD / "figures.npy")
    if not pictures.is_whole(words, BUILD / "pictures.npy"):
        pictures.render(words, BUILD / "figures.npy", BUILD / "pictures.npy")
