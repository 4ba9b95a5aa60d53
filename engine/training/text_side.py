"""What a caption means while the text encoders learn: they wear adapters, or know a word of the seal's own, or both."""

from __future__ import annotations

from dataclasses import replace

import torch

from engine.models import adapters, text_adapters, words
from engine.models.machine import Machine
from engine.models.text.encoder import Embeddings, embed
from engine.models.text.prompts import chunk_count, tokens_of
from engine.training.captions import CachedCaptions, Groups, TextSide
from engine.training.dataset import Dataset
from engine.training.refusals import refuse
from storage.errors import RecipeRefused
from storage.recipe import Recipe


def text_side(machine: Machine, dataset: Dataset, recipe: Recipe, name: str, trigger: str) -> TextSide:
    """Who answers captions in this training; what of it learns is attached under `name`, for adapters.drop to take off.

    Raises RecipeRefused.
    """
    refuse(recipe, machine)
    if recipe.new_tokens > 0 and not trigger:
        raise RecipeRefused(reason="word_without_trigger")
    if recipe.text_encoder_learning_rate <= 0 and recipe.new_tokens < 1:
        return CachedCaptions(dataset)
    side = LearningText(machine, dataset, recipe, name, trigger)
    learns = recipe.text_encoder_learning_rate > 0 or recipe.token_learning_rate > 0
    return side if learns else side.settled(dataset)


class LearningText:
    """The text side of a training that also teaches the text encoders. To be asked while the adapter is worn."""

    def __init__(self, machine: Machine, dataset: Dataset, recipe: Recipe, name: str, trigger: str) -> None:
        self.machine, self.recipe, self.name = machine, recipe, name
        shape, seed = adapters.Shape.of(recipe), int(recipe.seed)
        if not recipe.lora:  # textual inversion alone: an adapter that is nothing but its word
            adapters.attach(machine, name, adapters.Shape(shape.rank, shape.alpha, ()), seed)
        if recipe.text_encoder_learning_rate > 0:
            adapters.attach_text(machine, name, shape, seed + 1)
        if recipe.new_tokens > 0:
            if dataset.initializer:
                words.begin_as(machine, name, trigger, dataset.initializer, recipe.new_tokens)
            else:
                words.begin(machine, name, trigger, recipe.new_tokens, seed + 2)
        texts = [*dataset.texts, ""]
        with words.worn(machine, {name: 1.0}):
            self.tokens = tokens_of(machine, texts, chunks=chunk_count(machine, *texts))
        self.empty = len(texts) - 1

    def parameters(self) -> Groups:
        """See TextSide: the adapters of the encoders, then the word's rows."""
        lora = list(text_adapters.named_parameters(self.machine, self.name).values())
        word = words.of(self.machine, self.name)
        found: Groups = []
        if lora:
            found.append((lora, self.recipe.text_encoder_learning_rate))
        if word is not None:
            found.append((list(word.rows), self.recipe.token_learning_rate))
        return found

    def condition(self, captions: torch.Tensor, dropped: torch.Tensor) -> Embeddings:
        """See TextSide. Captions that are shown more than once in a batch are encoded once."""
        rows, places = torch.unique(torch.where(dropped, self.empty, captions), return_inverse=True)
        said = embed(self.machine, self.tokens, rows)
        return said[places.to(said.hidden.device, non_blocking=True)]

    def settled(self, dataset: Dataset) -> CachedCaptions:
        """All that it has to say, for a training whose word stays as it began."""
        with torch.no_grad(), words.worn(self.machine, {self.name: 1.0}):
            said = embed(self.machine, self.tokens, torch.arange(self.empty + 1))
        return CachedCaptions(replace(dataset, captions=said[:-1], empty=said[-1:]))
