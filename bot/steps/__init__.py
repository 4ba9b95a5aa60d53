"""The eight steps in walking order: the product's table of contents."""

from __future__ import annotations

from bot.steps import captions, curation, hunt, payload, preparation, style, training, trying
from storage.states import Step

STEPS = {
    Step.STYLE: style,
    Step.HUNT: hunt,
    Step.PAYLOAD: payload,
    Step.CURATION: curation,
    Step.PREPARATION: preparation,
    Step.CAPTIONS: captions,
    Step.TRAINING: training,
    Step.TRYING: trying,
}
