"""What the scripted person brings home is told apart by name: two LoRA files, a word, and what is none of these."""

from __future__ import annotations

from pathlib import Path

from launch.quest import is_lora

HOME = (
    "neon-sign-ohwx.safetensors",
    "neon-sign-ohwx-diffusers.safetensors",
    "ohwx.safetensors",
    "neon-sign-ohwx-card.zip",
    "neon-sign-ohwx-dataset.zip",
)


def test_only_the_two_lora_files_are_measured_as_such() -> None:
    found = {name: Path(name) for name in HOME}
    assert [name for name in HOME if is_lora(name, found)] == list(HOME[:2])
