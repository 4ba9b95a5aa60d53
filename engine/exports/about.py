"""What an exported file says of itself: kohya's ss_* facts and ModelSpec 1.0.1. Nothing of people or paths."""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.models.adapters.shape import Shape
from engine.models.machine import Machine
from storage.families import FAMILIES, Family, Named
from storage.recipe import Loss, Recipe, Schedule

KOHYA_LOSSES = {Loss.MSE: "l2", Loss.HUBER: "huber", Loss.SMOOTH_L1: "smooth_l1"}
KOHYA_SCHEDULES = {Schedule.COSINE_RESTARTS: "cosine_with_restarts"}  # where it is called otherwise

# kohya's networks.lora has no DoRA, and LyCORIS another one (engine/exports/lora_file.py): this one is PEFT's.
PEFT_LORA = "peft.tuners.lora"
DORA_ARGUMENTS = {"use_dora": True}


@dataclass(frozen=True, kw_only=True)
class About:
    """What is known of a seal. `name` is the seal's own, `step` the checkpoint's (None: the training's last)."""

    name: str
    trigger: str
    recipe: Recipe
    pictures: int
    family: Family
    size_px: int
    layers_per_block: int = 2  # of the U-Net; numbers SDXL's blocks
    prediction: str = "epsilon"
    step: int | None = None

    @property
    def base(self) -> Named:
        """What the model that it fits is called, with SD 2's two kinds told apart."""
        row = FAMILIES[self.family]
        return row.named_v if row.named_v and self.prediction == "v_prediction" else row.named


def about_seal(machine: Machine, recipe: Recipe, *, name: str, trigger: str, pictures: int, step: int | None) -> About:
    """What is known of a seal that this machine trained."""
    return About(
        name=name,
        trigger=trigger,
        recipe=recipe,
        pictures=pictures,
        family=machine.family,
        size_px=machine.size_px,
        layers_per_block=int(machine.unet.config.layers_per_block),
        prediction=machine.prediction,
        step=step,
    )


def lora_headers(shape: Shape, about: About) -> dict[str, str]:
    """Of a LoRA file. Strings only."""
    return {
        **_training(about),
        "ss_network_module": PEFT_LORA if shape.use_dora else "networks.lora",
        "ss_network_dim": "Dynamic" if shape.rank_pattern else str(shape.rank),
        "ss_network_alpha": f"{shape.scale * shape.rank:g}",
        "ss_network_args": json.dumps(DORA_ARGUMENTS if shape.use_dora else {}),
        **_model_spec(about, "lora"),
    }


def embedding_headers(about: About) -> dict[str, str]:
    """Of a file of embeddings."""
    return {**_training(about), **_model_spec(about, "textual-inversion")}


def _training(about: About) -> dict[str, str]:
    recipe, side = about.recipe, about.size_px
    facts = {
        "ss_v2": FAMILIES[about.family].kohya_v2,
        "ss_base_model_version": about.base.kohya_base,
        "ss_output_name": about.name,
        "ss_resolution": f"({side}, {side})",
        "ss_steps": recipe.steps if about.step is None else about.step,
        "ss_max_train_steps": recipe.steps,
        "ss_epoch": recipe.epochs,
        "ss_batch_size_per_device": recipe.batch_size,
        "ss_gradient_accumulation_steps": recipe.accumulation,
        "ss_learning_rate": f"{recipe.learning_rate:g}",
        "ss_unet_lr": f"{recipe.learning_rate:g}" if recipe.lora else None,
        "ss_text_encoder_lr": f"{recipe.text_encoder_learning_rate:g}" if recipe.text_encoder_learning_rate else None,
        "ss_optimizer": recipe.optimizer,
        "ss_lr_scheduler": KOHYA_SCHEDULES.get(recipe.schedule, recipe.schedule),
        "ss_lr_warmup_steps": recipe.warmup_steps,
        "ss_max_grad_norm": f"{recipe.max_grad_norm:g}",
        "ss_min_snr_gamma": None if recipe.min_snr_gamma is None else f"{recipe.min_snr_gamma:g}",
        "ss_debiased_estimation": recipe.debiased,
        "ss_noise_offset": f"{recipe.noise_offset:g}" if recipe.noise_offset else None,
        "ss_loss_type": KOHYA_LOSSES[recipe.loss],
        "ss_caption_dropout_rate": f"{recipe.caption_dropout:g}",
        "ss_prior_loss_weight": f"{recipe.prior_weight:g}" if recipe.prior_weight else None,
        "ss_seed": recipe.seed,
        "ss_num_train_images": about.pictures,
        "ss_tag_frequency": json.dumps({"palette": {about.trigger: about.pictures}}),
    }
    return {name: str(value) for name, value in facts.items()}  # kohya, too, writes None for what was off


def _model_spec(about: About, kind: str) -> dict[str, str]:
    side = about.size_px
    strength = "; strength 0.8" if kind == "lora" else ""
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": f"{about.base.architecture}/{kind}",
        "modelspec.resolution": f"{side}x{side}",
        "modelspec.prediction_type": "v" if about.prediction == "v_prediction" else "epsilon",
        "modelspec.implementation": "diffusers",
        "modelspec.title": about.name,
        "modelspec.trigger_phrase": about.trigger,
        "modelspec.usage_hint": f"put {about.trigger} into the prompt{strength}",
    }
