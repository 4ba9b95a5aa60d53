"""Draws the picture of every look of a library: `python -m emoji_sd.draw_looks bot/library`, where looks.toml lies.

Must not know the bot's code; the file's keys (modifiers, boosters) are all it reads.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import torch
from PIL import Image

from engine.models.loading import load_model
from engine.pictures.rows import Drawn, draw
from storage.records import Drawing, Seed
from storage.requests import Row

SUBJECTS = {"fox": 7, "castle": 3, "red apple": 1, "guitar": 5}  # with seeds that draw them well in most looks
DRAWING = Drawing(steps=30)
SIDE_PX = 256  # of one of the four; the model draws 128


def rows_of(look: dict[str, str]) -> list[Row]:
    """The four subjects in one look."""
    return [
        Row(
            prompt=f"a {subject}, {look['modifiers']}, {look['boosters']}",
            negative="",
            seed=Seed(seed),
            subject=subject,
            drawing=DRAWING,
        )
        for subject, seed in SUBJECTS.items()
    ]


def main(library: Path) -> None:
    """All looks, two by two subjects each."""
    torch.set_num_threads(1)
    machine = load_model("emoji", device="cpu")
    looks: dict[str, dict[str, str]] = tomllib.loads((library / "looks.toml").read_text())
    (library / "looks").mkdir(exist_ok=True)
    for name, look in looks.items():
        sheet = Image.new("RGB", (2 * SIDE_PX, 2 * SIDE_PX))
        for event in draw(machine, rows_of(look)):
            if isinstance(event, Drawn):
                corner = (event.position % 2 * SIDE_PX, event.position // 2 * SIDE_PX)
                sheet.paste(event.image.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS), corner)
        sheet.quantize(255).save(library / "looks" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
