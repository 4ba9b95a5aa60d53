"""Step 7: a recipe and its numbers, the training, and the checkpoint that becomes the seal; a file for each."""

from __future__ import annotations

from bot.screens import Screen
from bot.steps import status
from bot.steps.actions import Good, does
from bot.steps.step import JobHooks, QuestStep
from bot.steps.training import checkpoints, numbers, recipe, sealing
from bot.steps.walk import Walk
from bot.taps import Verb
from storage.recipe import Preset
from storage.states import JobKind, Stage, Step


async def show(walk: Walk) -> Screen:
    """The screen of the stage the quest is at; while it trains it is the status."""
    shown: Screen | None = None
    stage = walk.here.stage
    if stage is Stage.SEALING:
        shown = await status.under_way(walk, JobKind.TRAINING)
    elif stage is Stage.CHECKPOINTS:
        shown = await checkpoints.show(walk)
    elif stage is Stage.NUMBERS:
        shown = await numbers.numbers(walk)
    elif stage is Stage.REASONS:
        shown = await numbers.reasons(walk)
    return shown or await recipe.show(walk)


STEP = QuestStep(
    show=show,
    on_enter=recipe.on_enter,
    jobs={JobKind.TRAINING: JobHooks(on_done=sealing.on_ended, on_failed=sealing.on_ended)},
    taps={
        Verb.TRAIN_PRESET: does(recipe.preset_chosen, Preset),
        Verb.TRAIN_WHY: does(numbers.reasons_asked),
        Verb.TRAIN_NUMBERS: does(numbers.numbers_asked),
        Verb.TRAIN_PAGE: does(numbers.page_turned, int),
        Verb.TRAIN_SET: does(numbers.number_changed, str),
        Verb.TRAIN_START: does(sealing.started),
        Verb.TRAIN_STOP: does(sealing.stopped, good=Good.QUEST),
        Verb.TRAIN_SAMPLE: does(sealing.samples_asked, good=Good.QUEST),
        Verb.SEAL_PICK: does(checkpoints.picked, int, good=Good.STEP, also_in={Step.TRYING}),
        Verb.SEAL_CHOICE: does(checkpoints.choice_asked, also_in={Step.TRYING}),
    },
)
