"""The numbers of a training, and every choice among words that it knows: what bot and engine both may say of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from storage.states import PaletteKind


class Preset(StrEnum):
    """Where the numbers come from."""

    FAST = "fast"
    BALANCED = "balanced"
    THOROUGH = "thorough"
    OWN = "own"  # a person changed some


class Optimizer(StrEnum):
    """Who turns gradients into steps."""

    ADAMW = "adamw"
    ADAMW_8BIT = "adamw8bit"  # its states are CUDA kernels of bitsandbytes
    PRODIGY = "prodigy"
    DADAPTATION = "dadaptation"


SELF_RATED: frozenset[Optimizer] = frozenset({Optimizer.PRODIGY, Optimizer.DADAPTATION})
"""They estimate their learning rate; the recipe's is a factor on it, and wants to be 1."""


class Schedule(StrEnum):
    """The learning rate over time, after the warm-up."""

    CONSTANT = "constant"
    COSINE = "cosine"
    LINEAR = "linear"
    COSINE_RESTARTS = "cosine-restarts"

    @classmethod
    def _missing_(cls, value: object) -> Schedule | None:
        """Recipes written with an underline, as the engine once spelt it, are read."""
        return cls.COSINE_RESTARTS if value == "cosine_restarts" else None


class Loss(StrEnum):
    """The shape of the penalty on an error."""

    MSE = "mse"
    HUBER = "huber"
    SMOOTH_L1 = "smooth_l1"


class Timesteps(StrEnum):
    """How the noise levels of a batch are drawn."""

    UNIFORM = "uniform"
    STRATIFIED = "stratified"  # one from each of as many equal parts as the batch has rows
    STYLE = "style"  # so too, and leaning to the late, fine steps of drawing


class Prior(StrEnum):
    """What prior preservation holds on to."""

    TRIGGER = "trigger"  # same latents without the trigger; the bare model's answer is the target
    CLASS = "class"  # pictures of the class, drawn by the bare model


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The numbers of a training. What a person may tap each up to stands in storage.limits."""

    preset: Preset = Preset.BALANCED
    rank: int = 32
    alpha: int = 32
    learning_rate: float = 1e-4
    text_encoder_learning_rate: float = 0.0  # 0 = off
    batch_size: int = 4
    accumulation: int = 1
    epochs: int = 30
    steps: int = 400  # optimizer steps in all; epochs is what they amount to
    targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    min_snr_gamma: float | None = 5.0
    use_rslora: bool = False
    use_dora: bool = False
    optimizer: Optimizer = Optimizer.ADAMW
    schedule: Schedule = Schedule.COSINE
    warmup_steps: int = 10
    max_grad_norm: float = 1.0
    weight_decay: float = 0.01
    caption_dropout: float = 0.05
    checkpoints: int = 4  # how many are kept to choose from
    seed: int = 0  # of all chance in the training, 0 … 2**32-1
    kind: PaletteKind = PaletteKind.STYLE  # what the preset was made for
    rank_pattern: dict[str, int] = field(default_factory=dict)  # PEFT's: regular expression of module names → rank
    alpha_pattern: dict[str, int] = field(default_factory=dict)
    loraplus_ratio: float = 1.0  # learning rate of B over that of A; 1 = off
    ema_decay: float = 0.0  # 0 = off
    loss: Loss = Loss.MSE
    debiased: bool = False
    huber_delta: float = 0.1
    noise_offset: float = 0.0
    timesteps: Timesteps = Timesteps.STRATIFIED
    masked: bool = False  # the loss counts only where a picture is opaque
    flip: bool = False  # every other showing is mirrored
    moved: int = 0  # so many showings more of every picture, each elsewhere in its frame and a little turned; 0 = off
    crops: int = 1  # cached crops of a picture that is not square
    buckets: int = 1  # aspect ratios at most
    shuffle_caption: bool = False  # the trigger's and the parts' order changes
    prior_weight: float = 0.0  # 0 = off
    prior: Prior = Prior.TRIGGER
    class_prompt: str = ""
    class_pictures: int = 0
    new_tokens: int = 0  # pivotal tuning: learnt embeddings for the trigger; 0 = off
    # Words that the learnt embeddings may begin as; those nearest to the palette are taken. None: as the trigger itself
    initializers: tuple[str, ...] = ()
    token_learning_rate: float = 5e-4
    lora: bool = True  # False: textual inversion alone

    def __post_init__(self) -> None:
        """A word that is no choice is no recipe, whoever writes it. Raises ValueError."""
        for name, kind in CHOICES.items():
            object.__setattr__(self, name, kind(getattr(self, name)))


CHOICES: dict[str, type[StrEnum]] = {
    "preset": Preset,
    "optimizer": Optimizer,
    "schedule": Schedule,
    "kind": PaletteKind,
    "loss": Loss,
    "timesteps": Timesteps,
    "prior": Prior,
}
"""The fields of a recipe that are choices among words."""
