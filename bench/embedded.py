"""What a visitor without a GPU waits for with the embedded model: an album, a payload, a seal. Stated for two cores."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.drawing import SUBJECTS, timed
from bench.drawing import rows as album_rows
from bench.table import Line, compare
from bot.rules.recipe import preset_recipe
from engine.jobs.attempt import checkpoint_steps
from engine.jobs.training_steps import STATE_EVERY
from engine.models.loading import load_model
from engine.pictures.png_parameters import png_bytes
from engine.pictures.rows import Drawn, draw
from engine.training.dataset import prepare
from engine.training.loop import Loop
from engine.training.text_side import text_side
from storage.families import Family
from storage.files import FileFolder
from storage.recipe import Preset
from storage.records import ContentHash, Seed
from storage.requests import TrainingPicture

ALBUM_SECONDS, PAYLOAD_SECONDS, SEAL_SECONDS = 6.0, 70.0, 120.0
SAVING_SHARE = 0.02  # of a training's time, at most, for what a kill must not cost
PAYLOAD, PALETTE = 48, 18
LIMIT = "the stated seconds"


@dataclass
class Saver:
    """Keeps what a kill must not cost, as often and in the way that a training job does, and takes the time of it."""

    folder: FileFolder
    seconds: float = 0.0

    def after_step(self, loop: Loop) -> None:
        """The state every STATE_EVERY steps; at a checkpoint the adapter too."""
        is_checkpoint = loop.step in checkpoint_steps(loop.recipe)
        if loop.step % STATE_EVERY and not is_checkpoint:
            return
        began = time.perf_counter()
        self.folder.write(loop.state())
        if is_checkpoint:
            self.folder.write(loop.machine.bank.save(loop.name))
        self.seconds += time.perf_counter() - began


def main() -> list[Line]:
    """An album of 4, a payload of 48 and a fast seal on 18 pictures, each at 20 steps, against the stated seconds."""
    machine = load_model(device="cpu")
    payload = [replace(album_rows()[number % len(SUBJECTS)], seed=Seed(100 + number)) for number in range(PAYLOAD)]
    drawn: list[Drawn] = []

    def album() -> None:
        list(draw(machine, album_rows()))

    def whole_payload() -> None:
        drawn.extend(moment for moment in draw(machine, payload) if isinstance(moment, Drawn))

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

    with TemporaryDirectory() as folder:
        saver = Saver(FileFolder(Path(folder)))

        def seal() -> None:
            recipe = preset_recipe(Preset.FAST, Family.EMOJI, PALETTE, 0)
            dataset = prepare(machine, pictures, files.__getitem__, recipe, "ohwx")
            loop = Loop(machine, dataset, recipe, "bench", text_side(machine, dataset, recipe, "bench", "ohwx"))
            while loop.step < loop.recipe.steps:
                list(loop.run_step())
                saver.after_step(loop)
            loop.close()

        seconds = timed(seal)
    return [
        *lines,
        compare("fast seal on 18 pictures in seconds", [seconds], LIMIT, [SEAL_SECONDS], 1.0),
        compare("of them for states and checkpoints", [saver.seconds], "the training", [seconds], SAVING_SHARE),
    ]


if __name__ == "__main__":
    for line in main():
        print(line)
