"""The training loop on one screen: it yields after every micro-step, so that others can have the GPU between."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch

from engine.models import adapters
from engine.models.machine import Machine
from engine.pictures.latents import generator
from engine.pictures.noise import min_snr_weight, noise_schedule, rowwise_error, signal_to_noise, target_of
from engine.training.dataset import Dataset
from engine.training.draws import Draw, draw
from engine.training.optimizers import learning_rate_at, make_optimizer
from engine.training.resume import pack, unpack
from storage.errors import LossNotFinite, RecipeRefused
from storage.records import LossPoint, Recipe

YARDSTICK_PICTURES = 6
YARDSTICK_TIMESTEPS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of T
YARDSTICK_SEED = 7
YARDSTICKS_A_RUN = 12
LOSS_SCALE = {torch.float16: 1024.0}  # fp16 gradients of a loss near 0.1 would round to zero inside the frozen base


@dataclass
class Loop:
    """One adapter being trained. `step` counts finished optimizer steps."""

    machine: Machine
    dataset: Dataset
    recipe: Recipe
    name: str

    def __post_init__(self) -> None:
        adapters.attach(self.machine, self.name, adapters.Shape.of(self.recipe), seed=int(self.recipe.seed))
        self.parameters = adapters.parameters(self.machine, self.name)
        try:
            self.optimizer = make_optimizer(self.parameters, self.recipe)
        except RecipeRefused:
            self.close()
            raise
        self.schedule = noise_schedule(self.machine.noise_scheduler_config)
        self.step = 0

    def go_on_from(self, step: int, state: bytes) -> None:
        """Takes up a packed state, to the bit."""
        unpack(state, self.parameters, self.optimizer)
        self.step = step

    def state(self) -> bytes:
        """What `go_on_from` takes."""
        return pack(self.parameters, self.optimizer)

    def run_step(self) -> Iterator[LossPoint | None]:
        """One optimizer step; yields None at every pause, then its loss. Raises LossNotFinite before it would step."""
        recipe, total = self.recipe, 0.0
        for micro in range(recipe.accumulation):
            total += self._learn_from(self.chance(self.step * recipe.accumulation + micro))
            if micro + 1 < recipe.accumulation:
                yield None
        if not self._clip() or not math.isfinite(total):
            self.optimizer.zero_grad(set_to_none=True)
            raise LossNotFinite(step=self.step + 1)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(recipe, self.step + 1)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        validation_loss = (yield from self.yardstick()) if self._is_yardstick() else None
        yield LossPoint(step=self.step, loss=total, validation_loss=validation_loss)

    def _learn_from(self, chance: Draw) -> float:
        """Adds a micro-step's gradients; returns its share of the step's loss."""
        with torch.enable_grad(), adapters.using(self.machine, {self.name: 1.0}):
            loss = self.loss(chance) / self.recipe.accumulation
            torch.autograd.backward(loss * self._loss_scale)
        return float(loss.detach())

    def _clip(self) -> bool:
        """Scales the gradients down to the recipe's norm; False when they are no numbers."""
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad /= self._loss_scale
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.recipe.max_grad_norm)
        return bool(torch.isfinite(norm))

    def loss(self, chance: Draw) -> torch.Tensor:
        """The weighted loss of a micro-step: E‖target - prediction‖² · w(t)."""
        device, chosen = self.machine.device, chance.pictures
        x0 = self.dataset.mean[chosen] + self.dataset.std[chosen] * chance.latent_noise.to(device)
        x0, t, noise = x0 * self.dataset.scaling_factor, chance.t.to(device), chance.noise.to(device)
        prediction = self._predict(self.schedule.add_noise(x0, noise, t), t, chosen, chance.dropped)
        error = rowwise_error(prediction, target_of(self.schedule, x0, noise, t))
        snr = signal_to_noise(self.schedule.alphas_cumprod.to(device), t)
        weight = min_snr_weight(snr, self.recipe.min_snr_gamma, str(self.schedule.config.prediction_type))
        return (error * weight).mean()

    def yardstick(self) -> Generator[None, None, float]:
        """The loss on a fixed grid of pictures × timesteps with fixed noise, pausing between two timesteps."""
        total = 0.0
        for number, share in enumerate(YARDSTICK_TIMESTEPS):
            total += self._yardstick_at(number, share)
            yield
        return total / len(YARDSTICK_TIMESTEPS)

    @torch.no_grad()
    def _yardstick_at(self, number: int, share: float) -> float:
        chosen = torch.arange(min(YARDSTICK_PICTURES, len(self.dataset)))
        x0 = self.dataset.mean[chosen] * self.dataset.scaling_factor
        noise = torch.randn(x0.shape, generator=generator(YARDSTICK_SEED, number)).to(x0.device)
        t = torch.full((len(chosen),), int(share * self.schedule.config.num_train_timesteps), device=x0.device)
        with adapters.using(self.machine, {self.name: 1.0}):
            prediction = self._predict(
                self.schedule.add_noise(x0, noise, t), t, chosen, torch.zeros(len(chosen), dtype=torch.bool)
            )
        return float(rowwise_error(prediction, target_of(self.schedule, x0, noise, t)).mean())

    def close(self) -> None:
        """Takes the adapter off the model."""
        adapters.drop(self.machine, self.name)

    def chance(self, micro_step: int) -> Draw:
        """The chance of a micro-step of this training."""
        return draw(
            self.recipe,
            micro_step,
            count=len(self.dataset),
            shape=self.dataset.mean.shape[1:],
            timesteps=int(self.schedule.config.num_train_timesteps),
        )

    def _predict(
        self, noisy: torch.Tensor, t: torch.Tensor, chosen: torch.Tensor, dropped: torch.Tensor
    ) -> torch.Tensor:
        captions, empty = self.dataset.captions, self.dataset.empty
        mask = dropped.to(captions.hidden.device)
        hidden = torch.where(mask[:, None, None], empty.hidden, captions.hidden[chosen])
        condition: dict[str, object] = {}
        if captions.pooled is not None and empty.pooled is not None:
            side = self.machine.size_px
            ids = torch.tensor([[side, side, 0, 0, side, side]], device=hidden.device, dtype=hidden.dtype)
            pooled = torch.where(mask[:, None], empty.pooled, captions.pooled[chosen])
            condition["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": ids.repeat(len(hidden), 1)}
        noisy = noisy.to(self.machine.dtype)
        prediction: torch.Tensor = self.machine.unet(
            noisy, t, encoder_hidden_states=hidden, return_dict=False, **condition
        )[0]
        return prediction

    @property
    def _loss_scale(self) -> float:
        return LOSS_SCALE.get(self.machine.dtype, 1.0)

    def _is_yardstick(self) -> bool:
        every = max(1, self.recipe.steps // YARDSTICKS_A_RUN)
        return self.step % every == 0 or self.step == self.recipe.steps
