"""The judge: a classifier of look and subject, trained on real pictures only, that grades what the model draws."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKL
from safetensors.numpy import load_file, save_file
from torch import nn
from torch.nn import functional

from emoji_sd.recipe.data.pictures import VARIANTS, Pictures
from emoji_sd.recipe.train.precision import halved
from emoji_sd.recipe.train.runs import Run, Session
from emoji_sd.recipe.train.vae import as_tensor, through

SIZE = 64  # pixels it looks at
BATCH = 96
STEPS = 7000
SHIFT = 4  # pixels
ZOOM = 1.3
THICKER, THINNER = 1.5, 0.4  # pixels on each side of a line
WOBBLE, WAVES = 1.5, 16  # pixels that a line may stray from where it is, and how many times across a picture
DULLER, BRIGHTER = 0.7, 1.6  # times the colour there is
CODED = 3  # one picture in so many is also seen as the VAE gives it back


class _Block(nn.Module):
    """A residual block (He et al. 2016) that may halve the side."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(out), nn.BatchNorm2d(out), nn.BatchNorm2d(out)])
        self.short = nn.Conv2d(into, out, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = functional.relu(self.norms[0](self.first(x)))
        return functional.relu(self.norms[2](self.short(x)) + self.norms[1](self.second(inner)))


class Judge(nn.Module):
    """Pictures (n, 3, SIZE, SIZE) in -1 … 1 to logits of look (n, looks) and subject (n, subjects)."""

    def __init__(self, looks: int, subjects: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 5, 2, 2, bias=False), nn.BatchNorm2d(32))
        self.blocks = nn.Sequential(_Block(32, 64, 2), _Block(64, 128, 2), _Block(128, 256, 2), _Block(256, 256, 1))
        self.look = nn.Linear(64 + 128 + 256 + 256, looks)
        self.subject = nn.Sequential(nn.Dropout(0.2), nn.Linear(256 * 4, subjects))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = functional.relu(self.stem(x))
        texture = []
        for block in self.blocks:
            x = block(x)
            texture.append(x.mean((2, 3)))
        look = self.look(torch.cat(texture, 1))
        return look, self.subject(functional.adaptive_avg_pool2d(x, 2).flatten(1))


@dataclass(frozen=True)
class JudgeDataset:
    """Small pictures (n, SIZE, SIZE, 3) uint8 with their look and subject, and which the judge never trains on.

    `coded`: which have been through the VAE and back.
    """

    pixels: npt.NDArray[np.uint8]
    look: npt.NDArray[np.int64]
    subject: npt.NDArray[np.int64]
    held: npt.NDArray[np.bool_]
    coded: npt.NDArray[np.bool_]


def small(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(n, 2·SIZE, 2·SIZE, 3) to (n, SIZE, SIZE, 3) by the mean of four."""
    n, side, _, channels = pixels.shape
    quarters = pixels.reshape(n, side // 2, 2, side // 2, 2, channels).astype(np.uint16)
    mean: npt.NDArray[np.uint8] = ((quarters.sum((2, 4)) + 2) // 4).astype(np.uint8)
    return mean


def dataset_of(pictures: Pictures, unseen: Pictures, autoencoder: AutoencoderKL) -> JudgeDataset:
    """Every picture made small, and one in CODED of them also through the VAE and back, so that looks are judged and
    not the VAE (whose PSNR is told apart). The last variant of each pair is held out to measure the judge itself.

    A judge has to know what the model must not: pairs held out of the model's training, and `unseen`, pictures of the
    look that the model never sees, to name it on what a seal draws.
    """
    parts = []
    for one in (pictures, unseen):
        pair, variant = np.divmod(np.arange(len(one.pixels)), VARIANTS)
        held, coded = variant == VARIANTS - 1, np.flatnonzero((pair + variant) % CODED == 0)
        plain = np.concatenate([small(one.pixels[rows]) for rows in np.array_split(np.arange(len(one.pixels)), 100)])
        parts.append((plain, one.look, one.subject, held, np.zeros(len(plain), np.bool_)))
        again = small(through(autoencoder, one, coded))
        parts.append((again, one.look[coded], one.subject[coded], held[coded], np.ones(len(coded), np.bool_)))
    return JudgeDataset(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def kept(path: Path, make: Callable[[], JudgeDataset]) -> JudgeDataset:
    """The dataset at `path` (.safetensors), made where there are none."""
    if path.exists():
        found = load_file(path)
        return JudgeDataset(**{field.name: found[field.name] for field in fields(JudgeDataset)})
    dataset = make()
    part = path.with_suffix(".part")
    save_file({field.name: getattr(dataset, field.name) for field in fields(JudgeDataset)}, part)
    part.rename(path)
    return dataset


def _batch(
    dataset: JudgeDataset, trained: npt.NDArray[np.int64], step: int, size: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A step's pictures with a little blur and noise, moved, of another size, lines and colours, and their labels."""
    chance = np.random.default_rng((5, step))
    rows = chance.choice(trained, size)
    x = _coloured(_traced(_moved(as_tensor(dataset.pixels[rows]), chance), chance), chance)
    soft = functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = torch.from_numpy(
        chance.uniform(0, 0.8, (size, 1, 1, 1)) * (chance.uniform(size=(size, 1, 1, 1)) < 0.5)
    ).float()
    x = x * (1 - share) + soft * share
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(step))
    x = x + noise * torch.from_numpy(chance.uniform(0, 0.08, (size, 1, 1, 1))).float()
    return x, torch.from_numpy(dataset.look[rows]), torch.from_numpy(dataset.subject[rows])


def _moved(x: torch.Tensor, chance: np.random.Generator) -> torch.Tensor:
    """Each picture (n, 3, SIZE, SIZE) shifted by up to SHIFT, between 1 / ZOOM and ZOOM times as large, every other one
    by chance with lines that wobble.

    Sets leave margins of their own, openmoji the widest: without this a cartoon made smaller was taken for openmoji.
    And a small model's lines are never straight, which made real openmoji into a cartoon with its brush's line.
    """
    n = len(x)
    size = np.exp(chance.uniform(-1, 1, n) * np.log(ZOOM))
    shift = chance.uniform(-SHIFT, SHIFT, (n, 2)) * 2 / SIZE
    place = np.zeros((n, 2, 3), np.float32)
    place[:, 0, 0] = place[:, 1, 1] = 1 / size
    place[:, :, 2] = shift
    grid = functional.affine_grid(torch.from_numpy(place), list(x.shape), align_corners=False)
    far = chance.uniform(0, WOBBLE, n) * (chance.uniform(size=n) < 0.5) * 2 / SIZE
    waves = torch.from_numpy(chance.normal(size=(n, 2, WAVES, WAVES)) * far[:, None, None, None]).float()
    grid = grid + functional.interpolate(waves, SIZE, mode="bicubic", align_corners=False).permute(0, 2, 3, 1)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _traced(x: torch.Tensor, chance: np.random.Generator) -> torch.Tensor:
    """Every other picture (n, 3, SIZE, SIZE) by chance with dark lines up to THICKER wider or THINNER narrower.

    Without this openmoji with lines half a pixel wider was taken for black and white icons, in all its colours.
    """
    n = len(x)
    share = chance.uniform(-THINNER, THICKER, n) * (chance.uniform(size=n) < 0.5)
    by = torch.from_numpy(share[:, None, None, None]).float()
    for pixel in range(math.ceil(THICKER)):
        x = torch.lerp(x, -functional.max_pool2d(-x, 3, 1, 1), (by - pixel).clamp(0, 1))
    return torch.lerp(x, functional.max_pool2d(x, 3, 1, 1), (-by).clamp(min=0))


def _coloured(x: torch.Tensor, chance: np.random.Generator) -> torch.Tensor:
    """Every other picture (n, 3, SIZE, SIZE) by chance with between DULLER and BRIGHTER times its colour.

    Guidance makes colours brighter; one in fifteen real openmoji so treated was taken for a cartoon.
    """
    n = len(x)
    times = np.where(chance.uniform(size=n) < 0.5, chance.uniform(DULLER, BRIGHTER, n), 1.0)
    gray = x.mean(1, keepdim=True)
    return torch.lerp(gray, x, torch.from_numpy(times[:, None, None, None]).float()).clamp(-1, 1)


def train(dataset: JudgeDataset, run: Run, session: Session) -> None:
    """Train the run's judge for a session."""
    judge = run.modules["judge"]
    trained = np.flatnonzero(~dataset.held)
    judge.train()
    for step in run.steps(session):
        x, look, subject = _batch(dataset, trained, step, session.batch_size or BATCH)
        with halved(x.device):
            looks, subjects = judge(x)
        value = functional.cross_entropy(looks.float(), look) + functional.cross_entropy(
            subjects.float(), subject, label_smoothing=0.05
        )
        torch.autograd.backward(value)
        run.update()
        run.losses.append(float(value.detach()))
    judge.eval()


@dataclass(frozen=True)
class Verdicts:
    """Per picture: the look named first, and subjects from most to least likely (n, 5)."""

    look: npt.NDArray[np.int64]
    subjects: npt.NDArray[np.int64]


@torch.no_grad()
def verdicts(judge: nn.Module, pixels: npt.NDArray[np.uint8]) -> Verdicts:
    """What the judge says of small pictures (n, SIZE, SIZE, 3)."""
    looks, subjects = [], []
    for part in np.array_split(pixels, max(1, len(pixels) // 128)):
        look, subject = judge(as_tensor(part))
        looks.append(look.argmax(1).numpy())
        subjects.append(subject.topk(5, 1).indices.numpy())
    return Verdicts(np.concatenate(looks), np.concatenate(subjects))
