"""The training loop on one screen: it yields after every micro-step, so that others can have the GPU between."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

import torch

from engine.models.adapters.shape import Shape
from engine.models.machine import Machine
from engine.models.noise_schedule import noise_schedule, row_means, signal_to_noise, target_of
from engine.models.text.encoder import Embeddings
from engine.models.unet import predict
from engine.training import validation_loss
from engine.training.batches import Batch, batch_of
from engine.training.captions import CachedCaptions, TextSide
from engine.training.dataset import Dataset
from engine.training.divergence import DivergenceCheck
from engine.training.draws import Draw, draw
from engine.training.ema import EMA
from engine.training.losses import pointwise, timestep_weight, trained_timesteps
from engine.training.optimizers import Group, adapter_groups, make_optimizer, set_rate
from engine.training.prior import prior_batch
from engine.training.recipe_validation import validate
from engine.training.resume import pack, unpack
from storage.errors import LossNotFinite
from storage.recipe import Recipe
from storage.records import LossPoint

READ_EVERY = {"cuda": 10}  # steps between two looks at the loss; a look waits for the GPU. Elsewhere it costs nothing
LOSS_SCALE = {torch.float16: 1024.0}  # fp16 gradients of a loss near 0.1 would round to zero inside the frozen base


@dataclass
class Loop:
    """One adapter being trained. `step` counts finished optimizer steps; `text` is who answers captions.

    Between two steps the adapter on the model is what a checkpoint holds: the average where the recipe wants one.
    """

    machine: Machine
    dataset: Dataset
    recipe: Recipe
    name: str
    text: TextSide = field(default=None)  # type: ignore[assignment]  # the cached captions, set below

    def __post_init__(self) -> None:
        validate(self.recipe, self.machine)
        if not self.dataset.fits(self.recipe):
            raise ValueError("The dataset was prepared for another recipe; hand the recipe to `prepare`.")
        if self.text is None:
            if self.recipe.new_tokens > 0 or self.recipe.text_encoder_learning_rate > 0:
                raise ValueError("This recipe teaches words; hand its text side over.")
            self.text = CachedCaptions(self.dataset)
        if self.recipe.lora:
            self.machine.bank.attach(self.name, Shape.of(self.recipe), seed=int(self.recipe.seed))
        named = self.machine.bank.unet.parameters(self.name)
        spoken = [Group(list(parameters), rate) for parameters, rate in self.text.parameters()]
        self.parameters = [*named.values(), *(one for group in spoken for one in group.parameters)]
        self.optimizer = make_optimizer([*adapter_groups(named, self.recipe), *spoken], self.recipe)
        self.ema = EMA(self.parameters, self.recipe.ema_decay) if self.recipe.ema_decay > 0 else None
        self.schedule = noise_schedule(self.machine.noise_scheduler_config)
        self.timesteps = int(self.schedule.config.num_train_timesteps)
        prediction = str(self.schedule.config.prediction_type)
        self.layout = self.dataset.layout(trained_timesteps(self.recipe, self.schedule.alphas_cumprod, prediction))
        self.step, self.rows_at_once, self.checkpointing = 0, self.recipe.batch_size, False
        self.read_every = READ_EVERY.get(self.machine.device.type, 1)
        self.divergence = DivergenceCheck(self._weight_norm())
        self._unread: list[tuple[int, torch.Tensor, torch.Tensor]] = []  # step, loss, norm of the gradients

    def go_on_from(self, step: int, state: bytes) -> None:
        """Takes up a packed state, to the bit."""
        self._learn(True)
        self.divergence.lowest = unpack(state, self.parameters, self.optimizer, self.ema)
        self._learn(False)
        self.step = step

    def state(self) -> bytes:
        """What `go_on_from` takes."""
        self._learn(True)
        packed = pack(self.parameters, self.optimizer, self.ema, self.divergence.lowest, self.dataset.initializer)
        self._learn(False)
        return packed

    def run_step(self) -> Iterator[LossPoint | None]:
        """One optimizer step; yields None at every pause, then the losses that were read, its own or also earlier ones.

        Raises LossNotFinite, and LossExploded, a kind of it.
        """
        recipe, losses = self.recipe, []
        self._learn(True)
        for micro in range(recipe.accumulation):
            losses.append(self.learn_from(self.chance(self.step * recipe.accumulation + micro)))
            if micro + 1 < recipe.accumulation:
                yield None
        self._unread.append((self.step + 1, torch.stack(losses).sum(), self.clip()))
        is_validated = validation_loss.is_due(self.step + 1, recipe.steps)
        points = self.read() if is_validated or len(self._unread) >= self.read_every else []
        set_rate(self.optimizer, recipe, self.step + 1)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.ema is not None:
            self.ema.follow()
        self._learn(False)
        self.step += 1
        yield from points[:-1]
        if is_validated:
            grid, weight_norm = yield from self._validate()
            points[-1] = replace(points[-1], validation_loss=grid, weight_norm=weight_norm)
        yield from points[-1:]

    def read(self) -> list[LossPoint]:
        """The losses of the steps nobody has looked at yet. Raises LossNotFinite for the first that is no number.

        To be called before weights are kept: what comes after such a loss is worth nothing.
        """
        if not self._unread:
            return []
        unread, self._unread = self._unread, []
        losses = torch.stack([loss for _, loss, _ in unread]).tolist()
        finite = torch.isfinite(torch.stack([loss + norm for _, loss, norm in unread])).tolist()
        for (step, _, _), is_number in zip(unread, finite, strict=True):
            if not is_number:
                self.forget()
                raise LossNotFinite(step=step)
        return [LossPoint(step=step, loss=loss) for (step, _, _), loss in zip(unread, losses, strict=True)]

    def _validate(self) -> Generator[None, None, tuple[float, float]]:
        """The grid's loss and the norm of what is learnt, with a pause after every timestep. Raises LossExploded."""
        grid, weight_norm = (yield from validation_loss.measuring(self)), self._weight_norm()
        self.divergence.update(self.step, grid, weight_norm)
        return grid, weight_norm

    def learn_from(self, chance: Draw) -> torch.Tensor:
        """Adds a micro-step's gradients; returns its share of the step's loss, still on the device."""
        total = torch.zeros((), device=self.machine.device)
        for part in chance.split(self.rows_at_once):
            share = len(part.t) / len(chance.t) / self.recipe.accumulation
            with torch.enable_grad():
                for loss in self.losses(part):
                    torch.autograd.backward(loss * share * self._loss_scale)
                    total = total + loss.detach() * share
        return total

    def losses(self, chance: Draw) -> Iterator[torch.Tensor]:
        """The terms of a micro-step's loss, one graph at a time; the adapter is active while one is looked at."""
        recipe, batch = self.recipe, batch_of(self.dataset, chance, self.machine.device)
        target = target_of(self.schedule, batch.x0, batch.noise, batch.t)
        with self.active():
            yield self._loss(batch, self.text.condition(chance.captions, chance.dropped), target)
        if recipe.prior_weight > 0:
            known = prior_batch(self, batch, chance)
            with self.active():
                yield self._loss(replace(known.batch, mask=None), known.said, known.target) * recipe.prior_weight

    def _loss(self, batch: Batch, said: Embeddings, target: torch.Tensor) -> torch.Tensor:
        """The weighted loss of a batch: E penalty(target - prediction) · w(t)."""
        recipe, noisy = self.recipe, self.schedule.add_noise(batch.x0, batch.noise, batch.t)
        prediction = predict(self.machine, noisy, batch.t, said, batch.time_ids)
        error = row_means(pointwise(prediction, target, recipe.loss, recipe.huber_delta), batch.mask)
        snr = signal_to_noise(self.schedule.alphas_cumprod.to(batch.t.device), batch.t)
        return (error * timestep_weight(recipe, snr, str(self.schedule.config.prediction_type))).mean()

    def clip(self) -> torch.Tensor:
        """Scales the gradients down to the recipe's norm; returns what it was, still on the device."""
        if self._loss_scale != 1.0:
            torch._foreach_div_([one.grad for one in self.parameters if one.grad is not None], self._loss_scale)
        return torch.nn.utils.clip_grad_norm_(self.parameters, self.recipe.max_grad_norm)

    def forget(self) -> None:
        """Drops gradients that no step is to be made of."""
        self.optimizer.zero_grad(set_to_none=True)

    def active(self) -> AbstractContextManager[None]:
        """What is learnt is active, and no other adapter."""
        return self.machine.bank.activate({self.name: 1.0})

    def recompute_activations(self) -> None:
        """Trades about a third more time for most of the memory of a step."""
        self.machine.unet.enable_gradient_checkpointing()
        self.checkpointing = True

    def chance(self, micro_step: int) -> Draw:
        """The chance of a micro-step of this training."""
        return draw(self.recipe, micro_step, self.layout)

    def close(self) -> None:
        """Leaves the model as it was found."""
        if self.checkpointing:
            self.machine.unet.disable_gradient_checkpointing()
        self.machine.bank.drop(self.name)

    def _learn(self, learning: bool) -> None:
        """The weights that learn into the parameters, or the average that others see."""
        if self.ema is not None:
            self.ema.apply(not learning)

    def _weight_norm(self) -> float:
        return float(torch.nn.utils.get_total_norm([one.detach() for one in self.parameters]))

    @property
    def _loss_scale(self) -> float:
        return LOSS_SCALE.get(self.machine.dtype, 1.0)
