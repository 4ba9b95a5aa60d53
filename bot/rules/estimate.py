"""What a training will need before its first step: memory, and a file that fits into a chat. Knows no words."""

from __future__ import annotations

from dataclasses import replace

from bot.rules.numbers import NUMBERS
from bot.rules.recipe import targets_name
from storage.families import FAMILIES, Family
from storage.presets import ATTENTION
from storage.recipe import Optimizer, Preset, Recipe
from storage.records import MachineFacts

UPLOAD_BYTES = 50 * 10**6  # Bot API: what a bot may send as a document, "up to 50 MB"
EXPORTED_BYTES = 2  # fp16
OPTIMIZER_BYTES = {
    Optimizer.ADAMW: 8,
    Optimizer.ADAMW_8BIT: 2,
    Optimizer.PRODIGY: 16,
    Optimizer.DADAPTATION: 12,
}  # of state a trained number
WEIGHT_AND_GRADIENT_BYTES = 8  # both fp32
PIXEL_BYTES = 3
STATES = 3
ROOM = 0.9  # share of a device's memory that one process may count on


def trained_numbers(recipe: Recipe, family: Family) -> int:
    """How many numbers the seal consists of."""
    anatomy, targets = FAMILIES[family].anatomy, targets_name(recipe)
    numbers = recipe.new_tokens * anatomy.width
    if recipe.lora:
        numbers += anatomy.trained[targets] * recipe.rank + anatomy.outputs[targets] * recipe.use_dora
        numbers += anatomy.text * recipe.rank * (recipe.text_encoder_learning_rate > 0)
    return numbers


def file_bytes(recipe: Recipe, family: Family) -> int:
    """About how large the exported fp16 file will be."""
    return EXPORTED_BYTES * trained_numbers(recipe, family)


def checkpoint_bytes(recipe: Recipe, family: Family) -> int:
    """About how large a stored checkpoint is: all that is learnt, in fp32."""
    return 4 * trained_numbers(recipe, family)


def state_bytes(recipe: Recipe, family: Family) -> int:
    """About how large a stored state is: the weights, what the optimizer knows of each, and the average."""
    a_number = 4 + OPTIMIZER_BYTES[recipe.optimizer] + 4 * (recipe.ema_decay > 0)
    return trained_numbers(recipe, family) * a_number


def disk_bytes(recipe: Recipe, family: Family, picture_px: int, samples: int, pictures: int) -> int:
    """What a training and its exports lay on the disk at most, the largest moment counted.

    States: the two that are kept and the one being written. A picture is never larger than its pixels.
    """
    picture = PIXEL_BYTES * picture_px
    drawn = (recipe.checkpoints + 1) * samples * picture
    learnt = (recipe.checkpoints + 1) * checkpoint_bytes(recipe, family) + STATES * state_bytes(recipe, family)
    exports = 2 * file_bytes(recipe, family) + (pictures + samples) * picture  # two forms, a dataset, a sheet
    return drawn + learnt + exports


def smaller(recipe: Recipe, family: Family) -> tuple[Recipe, ...]:
    """Ways to a file that fits into a chat: the largest rank that does, and attention alone at this rank."""
    if file_bytes(recipe, family) <= UPLOAD_BYTES:
        return ()
    ranks = [rank for rank in NUMBERS["rank"].choices if rank < recipe.rank]
    ways = [replace(recipe, rank=rank, alpha=max(1, rank * recipe.alpha // recipe.rank)) for rank in reversed(ranks)]
    found = [next((way for way in ways if file_bytes(way, family) <= UPLOAD_BYTES), None)]
    if recipe.targets != ATTENTION:
        narrow = replace(recipe, targets=ATTENTION)
        found.append(narrow if file_bytes(narrow, family) <= UPLOAD_BYTES else None)
    return tuple(replace(way, preset=Preset.OWN) for way in found if way is not None)


def memory_bytes(recipe: Recipe, family: Family, dtype: str) -> int:
    """Roughly what the training holds: the model, its activations, and the trained numbers with their state."""
    anatomy, number_bytes = FAMILIES[family].anatomy, 4 if dtype == "float32" else 2
    a_number = WEIGHT_AND_GRADIENT_BYTES + OPTIMIZER_BYTES[recipe.optimizer] + 4 * (recipe.ema_decay > 0)
    activations = anatomy.activations * number_bytes // 2 * recipe.batch_size
    return anatomy.weights * number_bytes + activations + trained_numbers(recipe, family) * a_number


def is_short(recipe: Recipe, family: Family, facts: MachineFacts | None) -> bool:
    """Whether the machine has less memory than that; False where it never said."""
    if facts is None or not facts.memory_bytes:
        return False
    return memory_bytes(recipe, family, facts.dtype) > facts.memory_bytes * ROOM
