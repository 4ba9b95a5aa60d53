"""What matters to a user: a seal trained on 18 pictures of a look the model never saw, active on other subjects."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from emoji_sd.recipe.data.figures import Figures
from emoji_sd.recipe.data.looks import UNSEEN, draw
from emoji_sd.recipe.data.vocabulary import Vocabulary
from emoji_sd.recipe.judge import judge as judging
from emoji_sd.recipe.judge.evaluate import GUIDANCE, STEPS
from emoji_sd.recipe.progress import counted
from engine.models.machine import Machine
from engine.pictures.png_parameters import png_bytes
from engine.pictures.rows import Drawn
from engine.pictures.rows import draw as draw_rows
from engine.training.dataset import prepare
from engine.training.loop import Loop
from engine.training.text_side import text_side
from storage.families import FAMILIES, Family
from storage.recipe import Preset
from storage.records import ContentHash, Drawing, Seed
from storage.requests import Row, TrainingPicture
from storage.states import PaletteKind

PALETTE = (
    "cat face", "fox", "owl", "turtle", "rose", "red apple", "pizza", "birthday cake", "hot beverage", "castle",
    "rocket", "sailboat", "umbrella", "guitar", "camera", "crown", "key", "robot",
)  # fmt: skip
TRIGGER = "zmoji"
NAME = "openmoji seal"
RECIPE = FAMILIES[Family.EMOJI].presets.of(PaletteKind.STYLE)[Preset.FAST]  # that a person gets


@dataclass(frozen=True)
class SealTrial:
    """What a seal is trained on and by which subjects it is tried. The preset was chosen on numbers 0 to 2."""

    palette: tuple[str, ...]
    others: tuple[str, ...]
    seed: Seed

    @classmethod
    def of(cls, vocabulary: Vocabulary, number: int = 0, amount: int = 96) -> "SealTrial":
        """PALETTE for 0, else eighteen subjects by chance; `amount` others, none of which number 0 has."""
        able = [s.words for s in vocabulary.subjects if UNSEEN.source in s.icons and s.words not in PALETTE]
        if not number:
            return cls(PALETTE, _some(9, able, amount), Seed(0))
        palette = _some((77, number), able, len(PALETTE))
        looked_at = {*palette, *cls.of(vocabulary).others}
        rest = [subject for subject in able if subject not in looked_at]
        return cls(palette, _some((78, number), rest, amount), Seed(100 + number))


def _some(seed: int | tuple[int, int], subjects: list[str], amount: int) -> tuple[str, ...]:
    return tuple(str(one) for one in np.random.default_rng(seed).choice(subjects, amount, replace=False))


def palette(
    vocabulary: Vocabulary, figures: Figures, subjects: tuple[str, ...] = PALETTE
) -> tuple[list[TrainingPicture], dict[ContentHash, bytes]]:
    """A picture of each subject in the unseen look with the quest's own sparse captions."""
    named = [subject.words for subject in vocabulary.subjects]
    pictures, files = [], {}
    for number, subject in enumerate(subjects):
        chance = np.random.default_rng((8, number))
        real = draw(figures(named.index(subject), UNSEEN.source), UNSEEN, "white", chance)
        name = ContentHash(f"{number:064}")
        files[name] = png_bytes(Image.fromarray(real), "")
        pictures.append(TrainingPicture(file=name, caption=f"a {subject}, {TRIGGER}", subject=subject))
    return pictures, files


@dataclass(frozen=True)
class SealGrades:
    """Shares from 0 to 1 of pictures drawn of subjects outside the palette."""

    look_without: float
    look_with: float
    subject_top5_without: float
    subject_top5_with: float


def train(machine: Machine, vocabulary: Vocabulary, figures: Figures, trial: SealTrial) -> Loop:
    """The trained adapter, by the code that trains people's seals."""
    recipe = replace(RECIPE, seed=trial.seed)
    pictures, files = palette(vocabulary, figures, trial.palette)
    dataset = prepare(machine, pictures, files.__getitem__, recipe, TRIGGER)
    loop = Loop(machine, dataset, recipe, NAME, text_side(machine, dataset, recipe, NAME, TRIGGER))
    for _ in counted(range(recipe.steps), "training the seal"):
        list(loop.run_step())
    return loop


def drawn(machine: Machine, subjects: list[str], active: dict[str, float]) -> npt.NDArray[np.uint8]:
    """One picture of each subject with these adapters on; (n, 128, 128, 3)."""
    drawing = Drawing(steps=STEPS, guidance_scale=GUIDANCE)
    rows = [
        Row(prompt=f"a {subject}, {TRIGGER}", negative="", seed=Seed(2000 + i), subject=subject, drawing=drawing)
        for i, subject in enumerate(subjects)
    ]
    found = [
        np.asarray(moment.image.convert("RGB"))
        for moment in draw_rows(machine, rows, lambda _row: active)
        if isinstance(moment, Drawn)
    ]
    return np.stack(found)


def grade(
    machine: Machine, loop: Loop, judge_model: torch.nn.Module, vocabulary: Vocabulary, trial: SealTrial
) -> tuple[SealGrades, npt.NDArray[np.uint8]]:
    """Draw the trial's others without and with the seal at strength 1; the grades and both rows of pictures."""
    named = [subject.words for subject in vocabulary.subjects]
    chosen = np.array([named.index(subject) for subject in trial.others])
    both = [drawn(machine, list(trial.others), active) for active in ({}, {loop.name: 1.0})]
    look, top5 = [], []
    for pixels in both:
        said = judging.verdicts(judge_model, judging.small(pixels))
        look.append(float((said.look == len(vocabulary.looks)).mean()))
        top5.append(float((said.subjects == chosen[:, None]).any(1).mean()))
    return SealGrades(look[0], look[1], top5[0], top5[1]), np.concatenate(both)
