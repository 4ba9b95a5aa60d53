"""A training run that can be put down and taken up: weights, their EMA, optimizer state, step. No pickles."""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from emoji_sd.recipe.progress import say
from emoji_sd.recipe.train import muon
from emoji_sd.recipe.train.distributed import HALVES, ProcessGroup

EMA_EVERY = 4  # updates; the EMA is as good and costs a quarter
DECAY = 0.01  # of weights, times the learning rate
Schedule = Callable[[int], float]  # step -> factor of the learning rate


@dataclass(frozen=True)
class Constant:
    """Linear warm-up, then one: training that may go on for as many sessions as there are."""

    warm_up: int = 200

    def __call__(self, step: int) -> float:
        return min(1.0, (step + 1) / self.warm_up)


@dataclass(frozen=True)
class Cosine:
    """Linear warm-up, then half a cosine down to zero at `total`."""

    total: int
    warm_up: int = 100

    def __call__(self, step: int) -> float:
        if step < self.warm_up:
            return (step + 1) / self.warm_up
        share = min(1.0, (step - self.warm_up) / max(1, self.total - self.warm_up))
        return 0.5 + 0.5 * math.cos(math.pi * share)


@dataclass(frozen=True)
class Cooldown:
    """From one at `begin` linearly to zero at `total`: the end of a warm-up–stable–decay schedule (Hu et al. 2024)."""

    begin: int
    total: int

    def __call__(self, step: int) -> float:
        return max(0.0, (self.total - step) / max(1, self.total - self.begin))


@dataclass(frozen=True)
class Session:
    """How long to work now: to the step `until`, or for `minutes`, whichever is first."""

    until: int
    minutes: float = math.inf
    batch_size: int | None = None  # other than the part's own


@dataclass(frozen=True)
class Optimization:
    """How parameters move: matrices whose names ("module/name") begin with one of `muon` by Muon, the rest by AdamW."""

    rate: float
    schedule: Schedule
    muon: tuple[str, ...] = ()

    def uses_muon(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether Muon moves the parameter."""
        return parameter.ndim > 1 and name.startswith(self.muon)


class Run:
    """Modules in training. Everything that decides the next step is on disk after `save`."""

    def __init__(
        self, folder: Path, modules: dict[str, nn.Module], optimization: Optimization, *, ema: float = 0.995
    ) -> None:
        self.folder, self.modules, self.step = folder, modules, 0
        self._optimization, self._ema_decay = optimization, ema
        self._buffers = {f"{m}/{n}": b for m, module in modules.items() for n, b in module.named_buffers()}
        self._names = {
            f"{m}/{n}": p for m, module in modules.items() for n, p in module.named_parameters() if p.requires_grad
        }
        self._momenta = {
            name: torch.zeros_like(p) for name, p in self._names.items() if optimization.uses_muon(name, p)
        }
        self._optimizer = torch.optim.AdamW(
            [parameter for name, parameter in self._names.items() if name not in self._momenta],
            lr=optimization.rate,
            betas=(0.9, 0.98),
            weight_decay=DECAY,
            fused=True,
        )
        self._ema = {name: parameter.detach().clone() for name, parameter in self._names.items()}
        self.losses: list[float] = []
        self.stopped = False  # by the clock of a session; a group agrees on it
        self.silent = False  # somebody else writes and tells

    def resume(self, other: Path | None = None) -> bool:
        """Take up what `save` left in the folder (or in another run's). False where there is nothing."""
        folder = other or self.folder
        if not (folder / "state.json").exists():
            return False
        state = json.loads((folder / "state.json").read_text())
        tensors = load_file(folder / state["tensors"])
        self.step, self.losses = state["step"], state["losses"]
        with torch.no_grad():
            for name, buffer in self._buffers.items():
                buffer.copy_(tensors.get(f"buffers/{name}", buffer))
            for name, parameter in self._names.items():
                parameter.copy_(tensors[f"weights/{name}"])
                self._ema[name].copy_(tensors[f"ema/{name}"])
                if name in self._momenta:
                    self._momenta[name].copy_(tensors[f"first/{name}"])
                    continue
                self._optimizer.state[parameter] = {
                    "step": torch.tensor(float(self.step)),
                    "exp_avg": torch.empty_like(parameter).copy_(tensors[f"first/{name}"]),
                    "exp_avg_sq": torch.empty_like(parameter).copy_(tensors[f"second/{name}"]),
                }
        return True

    def start_from(self, modules: dict[str, nn.Module], step: int) -> None:
        """Take finished modules over as if `step` steps had been made, with moments at rest, and save."""
        self.step = step
        with torch.no_grad():
            for name, module in modules.items():
                self.modules[name].load_state_dict(module.state_dict())
            for name, parameter in self._names.items():
                self._ema[name].copy_(parameter)
                if name not in self._momenta:
                    slots = {slot: torch.zeros_like(parameter) for slot in ("exp_avg", "exp_avg_sq")}
                    self._optimizer.state[parameter] = {"step": torch.tensor(float(step)), **slots}
        self.save()

    def save(self) -> None:
        """Write the tensors under a new name, then the JSON that names them: a kill leaves a whole state."""
        if self.silent:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"buffers/{name}": buffer for name, buffer in self._buffers.items()}
        for name, parameter in self._names.items():
            tensors[f"weights/{name}"] = parameter.detach()
            tensors[f"ema/{name}"] = self._ema[name]
            if name in self._momenta:
                tensors[f"first/{name}"] = self._momenta[name]
            else:
                slots = self._optimizer.state[parameter]
                tensors[f"first/{name}"], tensors[f"second/{name}"] = slots["exp_avg"], slots["exp_avg_sq"]
        file = f"state-{self.step}.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, self.folder / file)
        new = self.folder / "state.json.new"
        new.write_text(json.dumps({"step": self.step, "tensors": file, "losses": self.losses}))
        new.replace(self.folder / "state.json")
        for old in self.folder.glob("state-*.safetensors"):
            if old.name != file:
                old.unlink()

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Everything that is trained, in a fixed order."""
        return list(self._names.values())

    def update(self, group: ProcessGroup | None = None) -> None:
        """One optimizer step from the gradients at hand, the same for everybody in the group; the EMA follows."""
        rate = self._optimization.rate * self._optimization.schedule(self.step)
        for parameters in self._optimizer.param_groups:
            parameters["lr"] = rate
        nn.utils.clip_grad_norm_(self._names.values(), 1.0)
        self._step_muon(rate, group or ProcessGroup())
        self._optimizer.step()
        for parameter in self.parameters:
            parameter.grad = None
        if self.step % EMA_EVERY == 0:
            decay = min(self._ema_decay**EMA_EVERY, (self.step + 1) / (self.step + 10))
            with torch.no_grad():
                weights = [parameter.detach() for parameter in self._names.values()]
                torch._foreach_lerp_(list(self._ema.values()), weights, 1 - decay)

    @torch.no_grad()
    def _step_muon(self, rate: float, group: ProcessGroup) -> None:
        """Muon's step on its matrices."""
        if not self._momenta:
            return
        moved = [self._names[name] for name in self._momenta]
        matrices = [parameter.detach() for parameter in moved]
        gradients = [parameter.grad for parameter in moved if parameter.grad is not None]
        directions = muon.directions(list(self._momenta.values()), gradients)
        torch._foreach_mul_(matrices, 1 - rate * DECAY)
        for matrix, update in zip(matrices, group.spread(muon.scaled, directions), strict=True):
            matrix.add_(update.view(matrix.shape), alpha=-rate)

    def train(self, session: Session, group: ProcessGroup, loss: Callable[[int, int], torch.Tensor]) -> None:
        """Train for a session, together; `loss(step, half)` is the mean loss of one half of a step's batch."""
        for step in self.steps(session):
            values = []
            for half in group.halves():
                value = loss(step, half)
                torch.autograd.backward(value / HALVES)
                values.append(float(value.detach()))
            self.stopped = group.all_reduce(self.parameters, self.stopped)
            self.update(group)
            self.losses.append(sum(values) / len(values))

    def steps(self, session: Session, save_minutes: float = 4) -> Iterator[int]:
        """The steps of a session; saves every few minutes and at the end, and says how it goes."""
        started = saved = said = time.monotonic()
        first = self.step
        while self.step < session.until and not self.stopped:
            self.stopped = time.monotonic() - started > session.minutes * 60
            yield self.step
            self.step += 1
            now = time.monotonic()
            if now - said > 15 and not self.silent:
                said = now
                self._report(session, (self.step - first) / (now - started), now - started)
            if now - saved > save_minutes * 60:
                saved = now
                self.save()
        if self.step > first:
            self.save()

    def _report(self, session: Session, pace: float, spent: float) -> None:
        """Where it stands; pace in steps a second, spent in seconds."""
        recent = self.losses[-200:]
        left = min((session.until - self.step) / pace, session.minutes * 60 - spent) / 60
        say(
            f"{self.folder.name}: step {self.step}, loss {sum(recent) / max(1, len(recent)):.4f}, "
            f"{pace:.2f} steps/s, {left:.0f} min left"
        )

    def use_ema(self) -> None:
        """Put the averaged weights into the modules: what is drawn with and exported."""
        with torch.no_grad():
            for name, parameter in self._names.items():
                parameter.copy_(self._ema[name])
