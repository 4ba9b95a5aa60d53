"""What benches that train have in common: unseen looks as palettes, pictures of other subjects, and runs kept as lines.

A line holds distances instead of pictures, so that a table can be made again, and another judged by, without training.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image

from bench.unseen_looks import turned
from engine.measures.copying import copying
from engine.measures.style_features import style_features
from engine.measures.style_gained import mean_distance, spread
from engine.measures.subject import SubjectMeasure
from engine.models.find import EMBEDDED, find
from engine.models.loading import hash_of
from engine.models.machine import Machine
from engine.pictures.png_parameters import png_bytes
from engine.pictures.rows import Drawn, draw
from storage.records import ContentHash, Drawing, Seed
from storage.requests import Row, TrainingPicture

KEPT = Path("bench/kept")  # in the repository: an hour of two cores each
PALETTE = (
    "fox", "owl", "turtle", "rose", "red apple", "pizza", "birthday cake", "hot beverage", "castle", "rocket",
    "sailboat", "umbrella", "guitar", "camera", "crown", "key", "bell", "cactus",
)  # fmt: skip
ASKED = ("cat face", "penguin", "strawberry", "house", "helicopter", "trophy", "candle", "mushroom", "whale", "tulip")
TRIGGER = "ohwx"

Outcome = dict[str, Any]  # of a run, or of a checkpoint, as it lies in a line


def rows(subjects: Sequence[str], words: str, first_seed: int) -> list[Row]:
    """One picture a subject."""
    return [
        Row(prompt=f"a {subject}, {words}", negative="", seed=Seed(first_seed + n), subject=subject, drawing=Drawing())
        for n, subject in enumerate(subjects)
    ]


def drawn(machine: Machine, asked: Sequence[Row], active: dict[str, float]) -> list[Image.Image]:
    """The pictures of rows with these adapters on."""
    return [moment.image for moment in draw(machine, asked, lambda _row: active) if isinstance(moment, Drawn)]


class Palette:
    """The base's own cartoons, turned into an unseen look."""

    def __init__(self, machine: Machine, look: str) -> None:
        cartoons = draw(machine, rows(PALETTE, "cartoon, white background", 50))
        self.images = [turned(moment.image, look) for moment in cartoons if isinstance(moment, Drawn)]
        self.files = {ContentHash(f"{n:064}"): png_bytes(image, "") for n, image in enumerate(self.images)}
        self.pictures = [
            TrainingPicture(file=name, caption=f"a {subject}, {TRIGGER}", subject=subject)
            for name, subject in zip(self.files, PALETTE, strict=True)
        ]
        self.features = [style_features(machine, image) for image in self.images]
        self.spread = round(spread(self.features), 5)


class Scale:
    """Looks at pictures of fixed rows, with an adapter on and without."""

    def __init__(self, machine: Machine, asked: Sequence[Row]) -> None:
        self.machine, self.asked = machine, asked
        self.subject = SubjectMeasure(machine, (*(row.subject for row in asked), *PALETTE[:6]))
        self.bare = drawn(machine, asked, {})

    def base(self, palette: Palette) -> list[float]:
        """The bare model's distances from the palette, one a picture."""
        return self._distances(self.bare, palette)

    def seen(self, name: str, palette: Palette, strength: float = 1.0) -> Outcome:
        """Distances, subjects kept, one a picture, and the likeness to the palette of the adapter's pictures."""
        images = drawn(self.machine, self.asked, {name: strength})
        kept = [
            self.subject.rank_score(list(self.subject.errors(image)), row.subject)
            for image, row in zip(images, self.asked, strict=True)
        ]
        return {
            "strength": strength,
            "distances": self._distances(images, palette),
            "kept": [round(one, 4) for one in kept],
            "copying": round(copying(images, palette.images)[0], 4),
        }

    def _distances(self, images: Sequence[Image.Image], palette: Palette) -> list[float]:
        return [round(mean_distance(style_features(self.machine, one), palette.features), 5) for one in images]


Weights = Annotated[str, typer.Option(help="Runs of earlier weights, by the first twelve digits of their sha256.")]


class Runs:
    """Lines of one bench, of the present weights or of those named; the others are left where they are and not read."""

    def __init__(self, name: str, weights: str = "") -> None:
        self.file = KEPT / f"{name}.jsonl"
        self.weights = weights or hash_of(find(EMBEDDED))[:12]

    def read(self) -> list[Outcome]:
        """The runs of these weights."""
        lines = map(json.loads, self.file.read_text().splitlines()) if self.file.exists() else ()
        return [line for line in lines if line["weights"] == self.weights]

    def add(self, line: Outcome) -> None:
        """Writes one down."""
        self.file.parent.mkdir(exist_ok=True)
        with self.file.open("a") as file:
            file.write(json.dumps({"weights": self.weights, **line}) + "\n")
