"""What a training will need before its first step: memory, and a file that fits into a chat. Knows no words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.rules.numbers import NUMBERS
from bot.rules.recipe import ATTENTION, targets_name
from storage.recipe import Optimizer, Preset, Recipe
from storage.records import MachineFacts

UPLOAD_BYTES = 50 * 10**6  # Bot API: what a bot may send as a document
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


@dataclass(frozen=True)
class Anatomy:
    """Sizes of a model family, counted on its layers."""

    trained: dict[str, int]  # numbers a rank, by target set: inputs (× kernel) and outputs of every target
    outputs: dict[str, int]  # of all targets: DoRA's magnitudes
    weights: int  # numbers in all parts
    activations: int  # bytes a picture at native size in half precision, without checkpointing
    text: int  # numbers a rank, of q, k, v, out of all text encoders
    width: int  # of all text encoders' embeddings together


ANATOMIES = {
    "emoji": Anatomy(
        {"attention": 12_288, "wide": 26_112, "conv": 76_032, "residual": 49_920},
        {"attention": 6_144, "wide": 14_592, "conv": 21_888, "residual": 7_296},
        weights=16_500_000, activations=60_000_000, text=6_144, width=192,
    ),
    "sd1": Anatomy(
        {"attention": 199_296, "wide": 423_936, "conv": 1_050_816, "residual": 626_880},
        {"attention": 99_840, "wide": 237_120, "conv": 315_520, "residual": 78_400},
        weights=1_066_000_000, activations=1_500_000_000, text=73_728, width=768,
    ),
    "sd2": Anatomy(
        {"attention": 207_488, "wide": 432_128, "conv": 1_059_008, "residual": 626_880},
        {"attention": 99_840, "wide": 237_120, "conv": 315_520, "residual": 78_400},
        weights=1_290_000_000, activations=3_400_000_000, text=188_416, width=1024,
    ),
    # 13 GiB in all for batch 1 at 1024 px (SimpleTuner's table in performance.md A2), less the weights.
    "sdxl": Anatomy(
        {"attention": 1_451_520, "wide": 2_659_840, "conv": 3_074_240, "residual": 414_400},
        {"attention": 665_600, "wide": 1_436_160, "conv": 1_488_960, "residual": 52_800},
        weights=3_470_000_000, activations=7_000_000_000, text=401_408, width=2048,
    ),
}  # fmt: skip


def anatomy_of(family: str) -> Anatomy:
    """The sizes of a family; one we do not know is treated as SD 1.x."""
    return ANATOMIES.get(family, ANATOMIES["sd1"])


def trained_numbers(recipe: Recipe, family: str) -> int:
    """How many numbers the seal consists of."""
    anatomy, targets = anatomy_of(family), targets_name(recipe)
    numbers = recipe.new_tokens * anatomy.width
    if recipe.lora:
        numbers += anatomy.trained[targets] * recipe.rank + anatomy.outputs[targets] * recipe.use_dora
        numbers += anatomy.text * recipe.rank * (recipe.text_encoder_learning_rate > 0)
    return numbers


def file_bytes(recipe: Recipe, family: str) -> int:
    """About how large the exported fp16 file will be."""
    return EXPORTED_BYTES * trained_numbers(recipe, family)


def checkpoint_bytes(recipe: Recipe, family: str) -> int:
    """About how large a stored checkpoint is: all that is learnt, in fp32."""
    return 4 * trained_numbers(recipe, family)


def state_bytes(recipe: Recipe, family: str) -> int:
    """About how large a stored state is: the weights, what the optimizer knows of each, and the average."""
    a_number = 4 + OPTIMIZER_BYTES[recipe.optimizer] + 4 * (recipe.ema_decay > 0)
    return trained_numbers(recipe, family) * a_number


def disk_bytes(recipe: Recipe, family: str, picture_px: int, samples: int, pictures: int) -> int:
    """What a training and its exports lay on the disk at most, the largest moment counted.

    States: the two that are kept and the one being written. A picture is never larger than its pixels.
    """
    picture = PIXEL_BYTES * picture_px
    drawn = (recipe.checkpoints + 1) * samples * picture
    learnt = (recipe.checkpoints + 1) * checkpoint_bytes(recipe, family) + STATES * state_bytes(recipe, family)
    exports = 2 * file_bytes(recipe, family) + (pictures + samples) * picture  # two forms, a dataset, a sheet
    return drawn + learnt + exports


def smaller(recipe: Recipe, family: str) -> tuple[Recipe, ...]:
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


def memory_bytes(recipe: Recipe, family: str, dtype: str) -> int:
    """Roughly what the training holds: the model, its activations, and the trained numbers with their state."""
    anatomy, number_bytes = anatomy_of(family), 4 if dtype == "float32" else 2
    a_number = WEIGHT_AND_GRADIENT_BYTES + OPTIMIZER_BYTES[recipe.optimizer] + 4 * (recipe.ema_decay > 0)
    activations = anatomy.activations * number_bytes // 2 * recipe.batch_size
    return anatomy.weights * number_bytes + activations + trained_numbers(recipe, family) * a_number


def is_short(recipe: Recipe, family: str, facts: MachineFacts | None) -> bool:
    """Whether the machine has less memory than that; False where it never said."""
    if facts is None or not facts.memory_bytes:
        return False
    return memory_bytes(recipe, family, facts.dtype) > facts.memory_bytes * ROOM
