"""Our training step against what diffusers' train_text_to_image_lora.py does: VAE and text encoder in every step.

The baseline is that script's loop body written plainly: decode, encode picture and caption, add noise, predict, mean
squared error, AdamW. Both sides have adapters of one shape on the same network, the same batch, precision, pictures,
noise and latents, so their losses are equal; only where latents and embeddings come from differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from statistics import median

import torch

from bench.proxy import proxy_machine
from bench.table import Line, compare
from emoji_sd.recipe.judge.sheet import SUBJECTS, cut
from engine.pictures.latents import open_at, pixels_of
from engine.training.dataset import prepare
from engine.training.draws import Draw
from engine.training.loop import Loop
from storage.recipe import Recipe, Timesteps
from storage.records import ContentHash
from storage.requests import TrainingPicture

PAIRS, STEPS_A_TURN = 7, 3
CEILING = (1.5, 1.9)  # outside of it the proxy's parts do not cost what the real ones do
SHARE_OF_CEILING = 0.95
SAME_LOSS = 1e-5
RECIPE = Recipe(batch_size=1, min_snr_gamma=None, timesteps=Timesteps.UNIFORM, caption_dropout=0.0, steps=100_000)


def palette() -> tuple[list[TrainingPicture], dict[ContentHash, bytes]]:
    """Eight pictures of one look, cut from the sheet that ships with the model."""
    files, pictures = {}, []
    for number, subject in enumerate(SUBJECTS):
        target = BytesIO()
        cut(subject, "glossy 3d render").save(target, "PNG")
        name = ContentHash(f"{number:064}")
        files[name] = target.getvalue()
        pictures.append(TrainingPicture(file=name, caption=f"a {subject}, ohwx", subject=subject))
    return pictures, files


@dataclass
class Script:
    """The script's loop over an adapter of its own."""

    loop: Loop
    files: list[bytes]
    captions: list[str]
    step: int = 0

    def __post_init__(self) -> None:
        self.optimizer = torch.optim.AdamW(self.loop.parameters, lr=self.loop.recipe.learning_rate, weight_decay=1e-2)

    def pixels(self, chance: Draw) -> torch.Tensor:
        """The batch's pictures, decoded again as in every epoch."""
        machine = self.loop.machine
        return torch.cat([pixels_of(open_at(self.files[int(n)], machine.size_px)) for n in chance.pictures]).to(
            machine.device, machine.vae_dtype
        )

    @torch.no_grad()
    def latents(self, pixels: torch.Tensor, chance: Draw) -> torch.Tensor:
        """What the script samples from the posterior, with our noise."""
        vae = self.loop.machine.vae
        found = vae.encode(pixels).latent_dist
        latents: torch.Tensor = (found.mean + found.std * chance.latent_noise) * vae.config.scaling_factor
        return latents

    @torch.no_grad()
    def hidden(self, chance: Draw) -> torch.Tensor:
        """The captions tokenised and encoded."""
        machine = self.loop.machine
        texts, longest = [self.captions[int(n)] for n in chance.pictures], machine.chunk_length
        tokens = machine.tokenizers[0](
            texts, padding="max_length", max_length=longest, truncation=True, return_tensors="pt"
        )
        found: torch.Tensor = machine.text_encoders[0](tokens.input_ids)[0]
        return found

    def loss(self, latents: torch.Tensor, hidden: torch.Tensor, chance: Draw) -> torch.Tensor:
        """Mean squared error of the predicted noise."""
        noisy = self.loop.schedule.add_noise(latents, chance.noise, chance.t)
        prediction = self.loop.machine.unet(noisy, chance.t, encoder_hidden_states=hidden, return_dict=False)[0]
        return torch.nn.functional.mse_loss(prediction.float(), chance.noise.float())

    def learn(self, latents: torch.Tensor, hidden: torch.Tensor, chance: Draw) -> None:
        """Forward, backward, clip, step."""
        loss = self.loss(latents, hidden, chance)
        torch.autograd.backward(loss)
        loss.item()
        torch.nn.utils.clip_grad_norm_(self.loop.parameters, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def run_step(self) -> None:
        """One whole step."""
        chance = self.loop.chance(self.step)
        self.step += 1
        self.learn(self.latents(self.pixels(chance), chance), self.hidden(chance), chance)


def timed(work: Callable[[], object]) -> float:
    """Processor seconds that `work` takes: with one thread those of the clock, less whatever else the machine does."""
    began = time.process_time()
    work()
    return time.process_time() - began


def ceiling(script: Script) -> tuple[float, float]:
    """Seconds of what the script does besides learning, and of learning: medians of interleaved turns."""
    loop, besides, learning = script.loop, [], []
    for number in range(PAIRS * STEPS_A_TURN):
        chance = loop.chance(number)
        found: list[torch.Tensor] = []

        def encode(chance: Draw = chance, found: list[torch.Tensor] = found) -> None:
            found.extend([script.latents(script.pixels(chance), chance), script.hidden(chance)])

        besides.append(timed(encode))
        latents, hidden = found
        learning.append(timed(partial(script.learn, latents, hidden, chance)))
    return median(besides), median(learning)


@contextmanager
def counting(loop: Loop) -> Iterator[list[str]]:
    """Names of VAE parts and text encoders that are called meanwhile."""
    calls: list[str] = []
    parts = [loop.machine.vae.encoder, loop.machine.vae.decoder, *loop.machine.text_encoders]
    hooks = [part.register_forward_hook(lambda part, *_: calls.append(type(part).__name__)) for part in parts]
    yield calls
    for hook in hooks:
        hook.remove()


def check_same_loss(loop: Loop, script: Script) -> None:
    """Raises where the two sides would not compute the same."""
    for number in range(4):
        chance = loop.chance(number)
        with loop.active():
            latents, hidden = script.latents(script.pixels(chance), chance), script.hidden(chance)
            theirs = float(script.loss(latents, hidden, chance).detach())
        ours = sum(float(loss.detach()) for loss in loop.losses(chance))
        if abs(ours - theirs) > SAME_LOSS * abs(theirs):
            raise ArithmeticError(f"ours {ours}, the script's {theirs}")


def turns(loop: Loop, script: Script) -> tuple[list[float], list[float]]:
    """Seconds of ours and theirs, interleaved; raises if ours called an encoder."""

    def ours() -> None:
        for _ in range(STEPS_A_TURN):
            list(loop.run_step())

    def theirs() -> None:
        with script.loop.active():
            for _ in range(STEPS_A_TURN):
                script.run_step()

    ours_seconds, their_seconds = [], []
    for _ in range(PAIRS):
        with counting(loop) as calls:
            ours_seconds.append(timed(ours))
        if calls:
            raise RuntimeError(f"called after caching: {calls}")
        their_seconds.append(timed(theirs))
    return ours_seconds, their_seconds


def main() -> list[Line]:
    """The ceiling as measured, and how near to it ours comes; on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    lines = measured()
    torch.set_num_threads(threads)
    return lines


def measured() -> list[Line]:
    """Both lines."""
    pictures, files = palette()
    machine = proxy_machine()
    dataset = prepare(machine, pictures, files.__getitem__, RECIPE)
    loop, other = (Loop(machine, dataset, RECIPE, name) for name in ("ours", "theirs"))
    script = Script(other, list(files.values()), [picture.caption for picture in pictures])
    check_same_loss(loop, script)
    with other.active():
        besides, learning = ceiling(script)
    ours, theirs = turns(loop, script)
    for one in (loop, other):
        one.close()
    c = (besides + learning) / learning
    holds = CEILING[0] <= c <= CEILING[1]
    wanted = f"{CEILING[0]} … {CEILING[1]}"
    ratio = compare(
        f"{STEPS_A_TURN} training steps", ours, "diffusers' script loop", theirs, 1 / (SHARE_OF_CEILING * c)
    )
    return [
        Line("a step that learns only", learning, "and encodes (C)", besides + learning, c, wanted, holds, len(ours)),
        ratio,
    ]


if __name__ == "__main__":
    from bench.table import show

    print(show(main()))
