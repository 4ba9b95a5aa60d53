"""The eight steps in walking order: the product's table of contents."""

from __future__ import annotations

from bot.steps import captions, curation, hunt, payload, preparation, style, training, trying
from bot.steps.step import JobHooks, QuestStep
from storage.states import JobKind, Step

STEPS: dict[Step, QuestStep] = {
    Step.STYLE: style.STEP,
    Step.HUNT: hunt.STEP,
    Step.PAYLOAD: payload.STEP,
    Step.CURATION: curation.STEP,
    Step.PREPARATION: preparation.STEP,
    Step.CAPTIONS: captions.STEP,
    Step.TRAINING: training.STEP,
    Step.TRYING: trying.STEP,
}
JOBS: dict[JobKind, JobHooks] = {kind: hooks for step in STEPS.values() for kind, hooks in step.jobs.items()}
