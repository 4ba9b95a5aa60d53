"""Model families, one row each: all that tells one from another. A new family is a row, its words and its layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from storage.presets import EMOJI, LARGE_KINDS, XL_KINDS, Presets, large
from storage.states import Sampler

# Where a file in the original layout has its text encoders.
CLIP, OPEN_CLIP = "cond_stage_model.transformer.", "cond_stage_model.model."
CLIP_XL, OPEN_CLIP_XL = "conditioner.embedders.0.transformer.", "conditioner.embedders.1.model."
END_OF_TEXT = "<|endoftext|>"


class Family(StrEnum):
    """Models whose parts have the same shapes and names."""

    EMOJI = "emoji"  # the embedded one; also the name that it is loaded by
    SD1 = "sd1"
    SD2 = "sd2"
    SDXL = "sdxl"

    @classmethod
    def _missing_(cls, _value: object) -> Family:
        """One that only a newer engine knows is treated as SD 1.x."""
        return cls.SD1


@dataclass(frozen=True)
class Anatomy:
    """Sizes, counted on the layers."""

    trained: Mapping[str, int]  # numbers a rank, by target set: inputs (× kernel) and outputs of every target
    outputs: Mapping[str, int]  # of all targets: DoRA's magnitudes
    weights: int  # numbers in all parts
    activations: int  # bytes a picture at native size in half precision, without checkpointing
    text: int  # numbers a rank, of q, k, v, out of all text encoders
    width: int  # of all text encoders' embeddings together


@dataclass(frozen=True)
class Named:
    """What files to take home call the model that they fit."""

    architecture: str  # of ModelSpec 1.0.1
    kohya_base: str  # ss_base_model_version


@dataclass(frozen=True, kw_only=True)
class FamilyRow:
    """What is particular about a family."""

    # drawing: steps and guidance that the family's own page uses
    sampler: Sampler = Sampler.DPMPP_2M_KARRAS
    steps: int = 25
    guidance_scale: float = 7.0
    size_px: int
    knows_quality: bool = True  # "low quality" or "blurry" mean something to it
    zero_terminal_snr: bool = False

    vae_overflows: bool = False  # in fp16, where the VAE asks to be upcast

    # training
    presets: Presets
    anatomy: Anatomy
    why: str = "large"  # the key's end of the sentences on its rank and batch
    why_rate: str = "large"
    trains_on_cpu: bool = False  # in a time that one may wait

    # layers
    knows_sizes: bool = False  # the U-Net hears picture sizes and a pooled text; encoders give their last layer but one
    head_width: int | None = 64  # of the U-Net's attention; None: its number of heads is fixed

    # single files in the original layout
    size_v_px: int | None = None  # of models that predict v, where that tells their size
    texts: tuple[str, ...] = ()  # where the text encoders are
    paddings: tuple[str, ...] = ()  # of their tokenizers
    skips_last_text_layer: bool = False  # it is in the file, and never asked

    # files to take home
    named: Named
    named_v: Named | None = None  # of models that predict v, where they are told apart
    kohya_v2: bool = False
    kohya_numbers_encoders: bool = False  # lora_te1_, lora_te2_
    kohya_unet_is_stabilitys: bool = False  # modules by the names of the U-Net as published, not as diffusers has it
    embedding_keys: tuple[str, ...] = ()  # of the encoders' rows in an embedding's file; none: the trigger itself


FAMILIES: Mapping[Family, FamilyRow] = {
    Family.EMOJI: FamilyRow(
        sampler=Sampler.DDIM, steps=20, guidance_scale=4.0,  # as it was judged
        size_px=128,
        knows_quality=False,  # never told what it or a photo is: such words blur its pictures (tried)
        zero_terminal_snr=True,
        presets=EMOJI,
        anatomy=Anatomy(
            {"attention": 12_288, "wide": 26_112, "conv": 76_032, "residual": 49_920},
            {"attention": 6_144, "wide": 14_592, "conv": 21_888, "residual": 7_296},
            weights=16_500_000, activations=60_000_000, text=6_144, width=192,
        ),
        why="emoji",
        why_rate="emoji",
        trains_on_cpu=True,
        named=Named("stable-diffusion-v1", "sd_v1"),
    ),
    Family.SD1: FamilyRow(
        size_px=512,
        head_width=None,
        texts=(CLIP,), paddings=(END_OF_TEXT,),
        presets=large(LARGE_KINDS, batch_size=2, accumulation=2),
        anatomy=Anatomy(
            {"attention": 199_296, "wide": 423_936, "conv": 1_050_816, "residual": 626_880},
            {"attention": 99_840, "wide": 237_120, "conv": 315_520, "residual": 78_400},
            weights=1_066_000_000, activations=1_500_000_000, text=73_728, width=768,
        ),
        named=Named("stable-diffusion-v1", "sd_v1"),
    ),
    Family.SD2: FamilyRow(
        size_px=512, size_v_px=768,
        texts=(OPEN_CLIP,), paddings=("!",),
        skips_last_text_layer=True,
        presets=large(LARGE_KINDS, batch_size=2, accumulation=2),
        anatomy=Anatomy(
            {"attention": 207_488, "wide": 432_128, "conv": 1_059_008, "residual": 626_880},
            {"attention": 99_840, "wide": 237_120, "conv": 315_520, "residual": 78_400},
            weights=1_290_000_000, activations=3_400_000_000, text=188_416, width=1024,
        ),
        named=Named("stable-diffusion-v2-512", "sd_v2"),
        named_v=Named("stable-diffusion-v2-768-v", "sd_v2_768_v"),
        kohya_v2=True,
    ),
    Family.SDXL: FamilyRow(
        steps=28, guidance_scale=6.0,
        size_px=1024,
        knows_sizes=True,
        texts=(CLIP_XL, OPEN_CLIP_XL), paddings=(END_OF_TEXT, "!"),
        vae_overflows=True,  # SDXL's first one
        # Rank 16, because 47 MB fit into one message and rank 32 does not; batch 1 fits 12 GB.
        presets=large(XL_KINDS, batch_size=1, accumulation=4, rank=16, alpha=16),
        # 13 GiB in all for batch 1 at 1024 px (SimpleTuner's table), less the weights.
        anatomy=Anatomy(
            {"attention": 1_451_520, "wide": 2_659_840, "conv": 3_074_240, "residual": 414_400},
            {"attention": 665_600, "wide": 1_436_160, "conv": 1_488_960, "residual": 52_800},
            weights=3_470_000_000, activations=7_000_000_000, text=401_408, width=2048,
        ),
        why="xl",
        named=Named("stable-diffusion-xl-v1-base", "sdxl_base_v1-0"),
        kohya_numbers_encoders=True,
        kohya_unet_is_stabilitys=True,
        embedding_keys=("clip_l", "clip_g"),
    ),
}  # fmt: skip
