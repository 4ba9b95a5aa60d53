"""Prior preservation: what the model knew of a subject's kind is asked again, so that learning one does not eat all."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.models.noise_schedule import target_of
from engine.models.text.encoder import Embeddings
from engine.models.unet import predict
from engine.training.batches import Batch, Trainee, class_batch_of
from engine.training.captions import chosen
from engine.training.draws import Draw
from storage.recipe import Prior


@dataclass(frozen=True)
class PriorBatch:
    """What must be predicted as before: latents, captions, and the answer (B, C, h, w)."""

    batch: Batch
    said: Embeddings
    target: torch.Tensor


def prior_batch(loop: Trainee, batch: Batch, chance: Draw) -> PriorBatch:
    """What a micro-step preserves. To be asked while no adapter is active.

    `class`: pictures of the class and their own noise (Ruiz et al. 2022, arXiv 2208.12242, equation 2). `trigger`, the
    cheap form: the same latents under the caption without the trigger, and what the bare model says of them.
    """
    if loop.recipe.prior is Prior.CLASS:
        return _of_class(loop, chance)
    texts, empty = loop.dataset.bare_captions, loop.dataset.empty
    assert texts is not None
    said = chosen(texts, empty, chance.captions, torch.zeros_like(chance.dropped))
    with torch.no_grad(), loop.machine.bank.activate({}):
        noisy = loop.schedule.add_noise(batch.x0, batch.noise, batch.t)
        target = predict(loop.machine, noisy, batch.t, said, batch.time_ids)
    return PriorBatch(batch, said, target)


def _of_class(loop: Trainee, chance: Draw) -> PriorBatch:
    batch, caption = class_batch_of(loop.dataset, chance, loop.machine.device), loop.dataset.class_caption
    assert caption is not None
    count = len(batch.t)
    pooled = None if caption.pooled is None else caption.pooled.expand(count, -1)
    said = Embeddings(caption.hidden.expand(count, -1, -1), pooled)
    return PriorBatch(batch, said, target_of(loop.schedule, batch.x0, batch.noise, batch.t))
