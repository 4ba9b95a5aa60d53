"""What the bot says a training will lay on the disk is what a real one lays there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.rules.estimate import checkpoint_bytes, disk_bytes, state_bytes
from storage.families import Family
from storage.presets import ATTENTION, RESIDUAL
from storage.recipe import Optimizer
from storage.records import Drawing
from tests.engine.sealing import Memory, attempt, small_training
from tests.engine.tiny_models import emoji_machine

SIDE_PX = 128  # of the embedded model


@pytest.mark.parametrize(
    "changes",
    [
        {"targets": ATTENTION, "optimizer": Optimizer.ADAMW},
        {"targets": RESIDUAL, "optimizer": Optimizer.ADAMW, "ema_decay": 0.9, "use_dora": True},
        {"targets": ATTENTION, "optimizer": Optimizer.PRODIGY, "new_tokens": 2, "text_encoder_learning_rate": 1e-5},
        {"targets": ATTENTION, "optimizer": Optimizer.DADAPTATION},
    ],
    ids=["AdamW", "residual blocks, DoRA and an average", "Prodigy, a word and the text encoder", "D-Adaptation"],
)
def test_states_checkpoints_and_the_whole_are_as_large_as_was_said(changes: dict[str, object]) -> None:
    memory = Memory()
    request = small_training(memory, rank=16, alpha=16, steps=2, min_snr_gamma=None, warmup_steps=0, **changes)
    small = Drawing(steps=1, width_px=SIDE_PX, height_px=SIDE_PX)
    request = replace(request, samples=tuple(replace(row, drawing=small) for row in request.samples))
    for _ in attempt(request, emoji_machine(), memory):
        pass
    recipe = request.recipe
    assert memory.state is not None
    assert len(memory.state[1]) == pytest.approx(state_bytes(recipe, Family.EMOJI), rel=0.12)
    (first, *_) = memory.adapters.values()
    assert len(first) == pytest.approx(checkpoint_bytes(recipe, Family.EMOJI), rel=0.12)
    written = [*memory.adapters.values(), *memory.drawn.values(), *[memory.state[1]] * 2]
    said = disk_bytes(recipe, Family.EMOJI, SIDE_PX * SIDE_PX, len(request.samples), len(request.pictures))
    assert said / 4 < sum(map(len, written)) < said
