"""What a visitor without a GPU waits for with the embedded model: an album, a payload, a seal. Stated for two cores."""

from __future__ import annotations

from dataclasses import replace

from bench.drawing import SUBJECTS, timed, undressed
from bench.drawing import rows as album_rows
from bench.table import Line, compare
from bot.rules.recipe import preset_recipe
from engine.models.machine import Machine
from engine.pictures.png_parameters import png_bytes
from engine.pictures.rows import Drawn, draw
from engine.training.dataset import prepare
from engine.training.loop import Loop
from storage.records import ContentHash, Seed
from storage.requests import TrainingPicture

ALBUM_SECONDS, PAYLOAD_SECONDS, SEAL_SECONDS = 6.0, 70.0, 120.0
PAYLOAD, PALETTE = 48, 18
LIMIT = "the stated seconds"


def main() -> list[Line]:
    """An album of 4, a payload of 48 and a fast seal on 18 pictures, each at 20 steps, against the stated seconds."""
    machine = Machine.load(device="cpu")
    payload = [replace(album_rows()[number % len(SUBJECTS)], seed=Seed(100 + number)) for number in range(PAYLOAD)]
    drawn: list[Drawn] = []

    def album() -> None:
        list(draw(machine, album_rows(), undressed))

    def whole_payload() -> None:
        drawn.extend(moment for moment in draw(machine, payload, undressed) if isinstance(moment, Drawn))

    album()
    lines = [
        compare("album of 4 in seconds", [timed(album) for _ in range(3)], LIMIT, [ALBUM_SECONDS] * 3, 1.0),
        compare("payload of 48 in seconds", [timed(whole_payload)], LIMIT, [PAYLOAD_SECONDS], 1.0),
    ]
    files = {ContentHash(f"{n:064}"): png_bytes(one.image, "") for n, one in enumerate(drawn[:PALETTE])}
    pictures = [
        TrainingPicture(file=name, caption=f"a {one.row.subject}, ohwx", subject=one.row.subject)
        for name, one in zip(files, drawn, strict=False)
    ]

    def seal() -> None:
        recipe = preset_recipe("fast", "emoji", PALETTE, 0)
        loop = Loop(machine, prepare(machine, pictures, files.__getitem__, recipe, "ohwx"), recipe, "bench")
        while loop.step < loop.recipe.steps:
            list(loop.run_step())
        loop.close()

    return [*lines, compare("fast seal on 18 pictures", [timed(seal)], LIMIT, [SEAL_SECONDS], 1.0)]


if __name__ == "__main__":
    for line in main():
        print(line)
