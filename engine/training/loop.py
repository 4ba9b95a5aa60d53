"""The training loop on one screen: it yields after every micro-step, so that others can have the GPU between."""

from __future__ import annotations

from collections.abc import Iterator
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
from storage.errors import LossNotFinite
from storage.records import LossPoint, Recipe

YARDSTICK_PICTURES = 6
YARDSTICK_TIMESTEPS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of T
YARDSTICK_SEED = 7
YARDSTICKS_A_RUN = 12


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
        self.optimizer = make_optimizer(self.parameters, self.recipe)
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
        """One optimizer step; yields None after each micro-step and at last its loss. Raises LossNotFinite."""
        recipe, total = self.recipe, 0.0
        for micro in range(recipe.accumulation):
            chance = self._chance(self.step * recipe.accumulation + micro)
            with torch.enable_grad(), adapters.using(self.machine, {self.name: 1.0}):
                loss = self.loss(chance)
                torch.autograd.backward(loss / recipe.accumulation)
            total += float(loss.detach()) / recipe.accumulation
            if micro + 1 < recipe.accumulation:
                yield None
        if not torch.isfinite(torch.tensor(total)):
            raise LossNotFinite(step=self.step + 1)
        torch.nn.utils.clip_grad_norm_(self.parameters, recipe.max_grad_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(recipe, self.step + 1)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        yield LossPoint(step=self.step, loss=total, validation_loss=self.yardstick() if self._is_yardstick() else None)

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

    @torch.no_grad()
    def yardstick(self) -> float:
        """The loss on a fixed grid of pictures × timesteps with fixed noise: comparable from step to step."""
        count = min(YARDSTICK_PICTURES, len(self.dataset))
        total = 0.0
        with adapters.using(self.machine, {self.name: 1.0}):
            for number, share in enumerate(YARDSTICK_TIMESTEPS):
                chosen = torch.arange(count)
                x0 = self.dataset.mean[chosen] * self.dataset.scaling_factor
                noise = torch.randn(x0.shape, generator=generator(YARDSTICK_SEED, number)).to(x0.device)
                t = torch.full((count,), int(share * self.schedule.config.num_train_timesteps), device=x0.device)
                noisy = self.schedule.add_noise(x0, noise, t)
                prediction = self._predict(noisy, t, chosen, torch.zeros(count, dtype=torch.bool))
                total += float(rowwise_error(prediction, target_of(self.schedule, x0, noise, t)).mean())
        return total / len(YARDSTICK_TIMESTEPS)

    def close(self) -> None:
        """Takes the adapter off the model."""
        adapters.drop(self.machine, self.name)

    def _chance(self, micro_step: int) -> Draw:
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

    def _is_yardstick(self) -> bool:
        every = max(1, self.recipe.steps // YARDSTICKS_A_RUN)
        return self.step % every == 0 or self.step == self.recipe.steps
