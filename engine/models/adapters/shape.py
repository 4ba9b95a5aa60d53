"""What an adapter is made of: rank and alpha of every layer it changes. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from peft import LoraConfig
from peft.utils.other import get_pattern_key

from storage.recipe import Recipe

TEXT_TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj")  # CLIP's attention, which diffusers and kohya share


@dataclass(frozen=True)
class Shape:
    """The patterns are PEFT's: regular expression of module names → rank or alpha."""

    rank: int
    alpha: int
    targets: tuple[str, ...]
    use_rslora: bool = False
    use_dora: bool = False
    rank_pattern: dict[str, int] = field(default_factory=dict)
    alpha_pattern: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, recipe: Recipe) -> Shape:
        """The shape a recipe asks for."""
        return cls(
            rank=recipe.rank,
            alpha=recipe.alpha,
            targets=recipe.targets,
            use_rslora=recipe.use_rslora,
            use_dora=recipe.use_dora,
            rank_pattern=dict(recipe.rank_pattern),
            alpha_pattern=dict(recipe.alpha_pattern),
        )

    @property
    def on_text(self) -> Shape:
        """The same on text encoders, which patterns of the U-Net's names do not mean."""
        return replace(self, targets=TEXT_TARGETS, rank_pattern={}, alpha_pattern={})

    @property
    def scale(self) -> float:
        """alpha / rank, or alpha / √rank under rsLoRA (Kalajdzievski 2023, arXiv 2312.03732), without patterns."""
        return self._scale(self.rank, self.alpha)

    def rank_of(self, module: str) -> int:
        """The rank in one module, by its dotted name."""
        return self.rank_pattern.get(get_pattern_key(self.rank_pattern, module), self.rank)

    def scale_of(self, module: str) -> float:
        """The factor on B·A in one module, by its dotted name."""
        alpha = self.alpha_pattern.get(get_pattern_key(self.alpha_pattern, module), self.alpha)
        return self._scale(self.rank_of(module), alpha)

    def _scale(self, rank: int, alpha: int) -> float:
        return alpha / (math.sqrt(rank) if self.use_rslora else rank)

    def config(self) -> LoraConfig:
        """As PEFT wants it. The initialisation writes nothing into the base."""
        return LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            target_modules=list(self.targets),
            use_rslora=self.use_rslora,
            use_dora=self.use_dora,
            rank_pattern=self.rank_pattern,
            alpha_pattern=self.alpha_pattern,
            init_lora_weights="gaussian",
        )
