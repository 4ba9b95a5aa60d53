"""What the tests of training share: tiny palettes, adapters that do something, and a memory like the store's."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from PIL import Image, ImageDraw

from engine.jobs import training
from engine.jobs.events import Drew, Event, Finished, Measured, Task, Trained
from engine.models.adapters.shape import Shape
from engine.models.machine import Machine
from storage.recipe import Recipe
from storage.records import ContentHash, Drawing, LossPoint, Seed
from storage.requests import Row, TrainingAnswer, TrainingPicture, TrainingRequest
from storage.states import Wish

SIDE = 64  # of the tiny models
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
WIDE = (*ATTENTION, "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")
RESIDUAL = ("conv1", "conv2", "conv_shortcut", "time_emb_proj", "downsamplers.0.conv", "upsamplers.0.conv")


def png(number: int, side: int = SIDE) -> bytes:
    """A picture that differs from the others."""
    image = Image.new("RGB", (side, side), (40 * number % 256, 90, 200 - 30 * number % 200))
    ImageDraw.Draw(image).ellipse((number * 3, 8, side - 8, side - 4 * number), fill=(250, 20 * number, 60))
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def content_hash(data: bytes) -> ContentHash:
    return ContentHash(hashlib.sha256(data).hexdigest())


def lively_adapter(machine: Machine, shape: Shape, strength: float = 0.25) -> bytes:
    """An adapter whose weights are all random, so that it changes every picture; leaves the model bare."""
    machine.bank.attach("lively", shape, seed=1)
    chance = torch.Generator().manual_seed(3)
    for parameter in machine.bank.parameters("lively").values():
        parameter.data = torch.randn(parameter.shape, generator=chance) * strength / shape.scale**0.5 + parameter.data
    data = machine.bank.save("lively")
    machine.bank.drop("lively")
    return data


def base_hash(machine: Machine) -> str:
    """sha256 over every weight of the U-Net that is no adapter's."""
    digest = hashlib.sha256()
    for key, tensor in sorted(machine.unet.state_dict().items()):
        if "lora_" not in key:
            digest.update(key.replace(".base_layer", "").encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


@dataclass
class Memory:
    """Keeps what a training says as the store does, and hands it to the next attempt."""

    files: dict[ContentHash, bytes] = field(default_factory=dict)
    drawn: dict[int, bytes] = field(default_factory=dict)  # position → PNG
    losses: dict[int, LossPoint] = field(default_factory=dict)
    adapters: dict[int, bytes] = field(default_factory=dict)  # step → checkpoint
    measures: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    state: tuple[int, bytes] | None = None
    answer: TrainingAnswer | None = None
    doubles: list[int] = field(default_factory=list)  # losses that were told twice

    def task(self, wish: Wish = Wish.NONE) -> Task:
        return Task(
            job_id=1,
            read=self.files.__getitem__,
            wish=wish,
            drawn=frozenset(self.drawn),
            state=self.state,
            losses=tuple(self.losses[step] for step in sorted(self.losses)),
            checkpoints={step: content_hash(data) for step, data in self.adapters.items()},
            measures=dict(self.measures),
        )

    def take(self, event: Event) -> None:
        if isinstance(event, Drew):
            self.drawn.setdefault(event.position, event.png)
        elif isinstance(event, Trained):
            self.doubles += [point.step for point in event.losses if point.step in self.losses]
            self.losses.update({point.step: point for point in event.losses})
            self.state = event.state or self.state
            if event.checkpoint is not None:
                self.adapters[event.checkpoint.step] = event.checkpoint.adapter
        elif isinstance(event, Measured):
            self.measures[event.step] = (event.style_gained, event.prompt_kept, event.copying)
        elif isinstance(event, Finished):
            assert isinstance(event.answer, TrainingAnswer)
            self.answer = event.answer


def sample_row(subject: str, number: int) -> Row:
    drawing = Drawing(steps=1, width_px=SIDE, height_px=SIDE)
    return Row(prompt=f"a {subject}, ohwx", negative="", seed=Seed(number), subject=subject, drawing=drawing)


def small_training(memory: Memory, **changes: object) -> TrainingRequest:
    """Four pictures, six steps, two checkpoints, two samples; its pictures are put into the memory."""
    pictures = []
    for number, subject in enumerate(("fox", "pizza", "castle", "rocket")):
        data = png(number)
        memory.files[content_hash(data)] = data
        pictures.append(TrainingPicture(file=content_hash(data), caption=f"a {subject}, ohwx", subject=subject))
    recipe = Recipe(
        rank=2,
        alpha=2,
        learning_rate=1e-2,
        batch_size=2,
        steps=6,
        epochs=3,
        checkpoints=2,
        warmup_steps=2,
        seed=Seed(5),
    )
    return TrainingRequest(
        pictures=tuple(pictures),
        recipe=replace(recipe, **changes),  # type: ignore[arg-type]
        trigger="ohwx",
        name="tiny",
        samples=(sample_row("guitar", 1), sample_row("owl", 2)),
        proof_subjects=("guitar", "owl", "fox"),
    )


def attempt(request: TrainingRequest, machine: Machine, memory: Memory, task: Task | None = None) -> Iterator[Event]:
    """One attempt of the job; what it says is kept."""
    events = training.run(request, machine, task or memory.task())
    try:
        for event in events:
            memory.take(event)
            yield event
    finally:
        events.close()  # type: ignore[attr-defined]
