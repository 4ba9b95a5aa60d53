"""The evaluation: pictures drawn with 20 steps, guidance scale 4 and fixed seeds, graded by the judge."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from diffusers import StableDiffusionPipeline

from emoji_sd.recipe.data.captions import caption
from emoji_sd.recipe.data.looks import is_shown
from emoji_sd.recipe.data.pictures import Pictures
from emoji_sd.recipe.data.vocabulary import Vocabulary
from emoji_sd.recipe.judge import judge as judging
from emoji_sd.recipe.progress import counted

STEPS, GUIDANCE = 20, 4.0
AT_ONCE = 16


@dataclass(frozen=True)
class Asked:
    """Pairs that were asked for: indexes (n,); all in one manner."""

    subject: npt.NDArray[np.int64]
    look: npt.NDArray[np.int64]
    ground: npt.NDArray[np.int64]
    manner: str = ""

    def captions(self, vocabulary: Vocabulary) -> list[str]:
        """Their prompts."""
        grounds = list(vocabulary.grounds)
        return [
            caption(vocabulary.subjects[s].words, vocabulary.looks[k].words, grounds[g], self.manner)
            for s, k, g in zip(self.subject, self.look, self.ground, strict=True)
        ]


def ask(vocabulary: Vocabulary, amount: int, *, held_out: bool, manner: str = "") -> Asked:
    """`amount` pairs by a fixed seed, looks as even as the pairs allow, each on a ground by chance."""
    chance = np.random.default_rng((6, held_out))
    able = [is_shown(look, manner) for look in vocabulary.looks]
    pairs = np.array([(s, k) for s, k in vocabulary.pairs() if able[k] and vocabulary.is_held_out(s, k) == held_out])
    order = chance.permutation(len(pairs))
    chosen = pairs[order[np.argsort(_turn_within(pairs[order, 1]), kind="stable")][:amount]]
    grounds = chance.integers(0, len(vocabulary.grounds), len(chosen))
    return Asked(chosen[:, 0], chosen[:, 1], grounds, manner)


def _turn_within(looks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each place, how many places before it have the same look."""
    seen: dict[int, int] = {}
    turns = []
    for look in looks.tolist():
        turns.append(seen.get(look, 0))
        seen[look] = turns[-1] + 1
    return np.array(turns)


def draw(pipeline: StableDiffusionPipeline, prompts: Sequence[str], seed: int = 1000) -> npt.NDArray[np.uint8]:
    """One picture a prompt, picture i from seed + i; uint8 (n, 128, 128, 3)."""
    pipeline.set_progress_bar_config(disable=True)
    found = []
    for start in counted(range(0, len(prompts), AT_ONCE), "drawing, batches of 16"):
        part = list(prompts[start : start + AT_ONCE])
        chance = [torch.Generator().manual_seed(seed + start + i) for i in range(len(part))]
        drawn = pipeline(
            part, num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=chance, output_type="np"
        ).images
        found.append(np.rint(np.asarray(drawn) * 255).astype(np.uint8))
    return np.concatenate(found)


@dataclass(frozen=True)
class Grades:
    """Shares from 0 to 1."""

    look: float
    subject_first: float
    subject_top5: float
    copied: float = 0.0


def grade(judge: torch.nn.Module, pixels: npt.NDArray[np.uint8], asked: Asked, copied: float = 0.0) -> Grades:
    """How many of the pictures (n, 128, 128, 3) show what was asked for."""
    said = judging.verdicts(judge, judging.small(pixels))
    return Grades(
        look=float((said.look == asked.look).mean()),
        subject_first=float((said.subjects[:, 0] == asked.subject).mean()),
        subject_top5=float((said.subjects == asked.subject[:, None]).any(1).mean()),
        copied=copied,
    )


def by_look(judge: torch.nn.Module, pixels: npt.NDArray[np.uint8], asked: Asked, vocabulary: Vocabulary) -> list[str]:
    """For each look, how many of its pictures (n, 128, 128, 3) were named right, and what the others were named."""
    named = [*(look.words for look in vocabulary.looks), "openmoji"]
    said = judging.verdicts(judge, judging.small(pixels)).look
    lines = []
    for look in np.unique(asked.look):
        answers = Counter(said[asked.look == look].tolist())
        total, right = answers.total(), answers.pop(int(look), 0)
        others = ", ".join(f"{named[other]} {count}" for other, count in answers.most_common())
        lines.append(f"{named[look]}: {right} of {total}" + (f" ({others})" if others else ""))
    return lines


def grade_judge(judge: torch.nn.Module, dataset: judging.JudgeDataset, *, coded: bool = False) -> Grades:
    """The judge's own accuracy: real pictures it never saw, of every pair; `coded`, after the VAE."""
    rows = np.flatnonzero(dataset.held & (dataset.coded == coded))
    said = judging.verdicts(judge, dataset.pixels[rows])
    return Grades(
        look=float((said.look == dataset.look[rows]).mean()),
        subject_first=float((said.subjects[:, 0] == dataset.subject[rows]).mean()),
        subject_top5=float((said.subjects == dataset.subject[rows, None]).any(1).mean()),
    )


class Copies:
    """Whether a picture is a copy: nearer to a training picture than training pictures of one pair are to each other.

    Distance is the root mean square over 32×32 pixels; the measure is the median, over training pictures, of the
    distance to the nearest other picture of the same pair (another ground, place and size).
    """

    def __init__(self, pictures: Pictures) -> None:
        rows = np.flatnonzero(~pictures.held)
        self._known = torch.cat([_tiny(pictures.pixels[part]) for part in np.array_split(rows, 50)])
        per_pair = int((pictures.subject == pictures.subject[0]).sum()) // len(
            np.unique(pictures.look[pictures.subject == pictures.subject[0]])
        )
        groups = self._known.view(-1, per_pair, self._known.shape[1])
        apart = torch.cdist(groups, groups) + 1e9 * torch.eye(per_pair)
        self.near = float(apart.min(-1).values.median())

    def share(self, pixels: npt.NDArray[np.uint8]) -> float:
        """The share of pictures (n, 128, 128, 3) that are copies."""
        drawn = _tiny(pixels)
        nearest = torch.cat(
            [torch.cdist(part, self._known).min(1).values for part in drawn.chunk(max(1, len(drawn) // 64))]
        )
        return float((nearest < self.near).float().mean())


def _tiny(pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
    n = len(pixels)
    cells = pixels.reshape(n, 32, 4, 32, 4, 3).mean((2, 4), dtype=np.float32)
    return torch.from_numpy(cells.reshape(n, -1) / np.float32(255 * np.sqrt(32 * 32 * 3)))
