"""What a caption means while the text encoders learn: an adapter on them, tokens of the trigger's own, or both."""

from __future__ import annotations

from dataclasses import replace

import torch

from engine.models.adapters.shape import Shape
from engine.models.machine import Machine
from engine.models.text.encoder import Embeddings, embed
from engine.models.text.prompts import chunk_count, tokens_of
from engine.training.captions import CachedCaptions, Groups, TextSide
from engine.training.dataset import Dataset
from engine.training.recipe_validation import validate
from storage.errors import RecipeRefused
from storage.recipe import Recipe


def text_side(machine: Machine, dataset: Dataset, recipe: Recipe, name: str, trigger: str) -> TextSide:
    """Who answers captions in this training; what of it learns is attached under `name`, for `Bank.drop` to take off.

    Raises RecipeRefused.
    """
    validate(recipe, machine)
    if recipe.new_tokens > 0 and not trigger:
        raise RecipeRefused(reason="word_without_trigger")
    if recipe.text_encoder_learning_rate <= 0 and recipe.new_tokens < 1:
        return CachedCaptions(dataset)
    side = LearningText(machine, dataset, recipe, name, trigger)
    learns = recipe.text_encoder_learning_rate > 0 or recipe.token_learning_rate > 0
    return side if learns else side.settled(dataset)


class LearningText:
    """The text side of a training that also teaches the text encoders. To be asked while the adapter is active."""

    def __init__(self, machine: Machine, dataset: Dataset, recipe: Recipe, name: str, trigger: str) -> None:
        self.machine, self.recipe, self.name = machine, recipe, name
        bank, shape, seed = machine.bank, Shape.of(recipe), int(recipe.seed)
        if not recipe.lora:  # textual inversion alone: an adapter that is nothing but its tokens
            bank.attach(name, Shape(shape.rank, shape.alpha, ()), seed)
        if recipe.text_encoder_learning_rate > 0:
            bank.attach_text(name, shape, seed + 1)
        if recipe.new_tokens > 0:
            if dataset.initializer:
                bank.tokens.begin_as(name, trigger, dataset.initializer, recipe.new_tokens)
            else:
                bank.tokens.begin(name, trigger, recipe.new_tokens, seed + 2)
        texts = [*dataset.texts, ""]
        with bank.activate({name: 1.0}):
            self.tokens = tokens_of(machine, texts, chunks=chunk_count(machine, *texts))
        self.empty = len(texts) - 1

    def parameters(self) -> Groups:
        """See TextSide: LoRA on the encoders, then the learnt tokens."""
        lora = list(self.machine.bank.text_parameters(self.name).values())
        tokens = self.machine.bank.tokens.of(self.name)
        found: Groups = []
        if lora:
            found.append((lora, self.recipe.text_encoder_learning_rate))
        if tokens is not None:
            found.append((list(tokens.rows), self.recipe.token_learning_rate))
        return found

    def condition(self, captions: torch.Tensor, dropped: torch.Tensor) -> Embeddings:
        """See TextSide. Captions that are shown more than once in a batch are encoded once."""
        rows, places = torch.unique(torch.where(dropped, self.empty, captions), return_inverse=True)
        said = embed(self.machine, self.tokens, rows)
        return said[places.to(said.hidden.device, non_blocking=True)]

    def settled(self, dataset: Dataset) -> CachedCaptions:
        """All that it has to say, for a training whose word stays as it began."""
        with torch.no_grad(), self.machine.bank.activate({self.name: 1.0}):
            said = embed(self.machine, self.tokens, torch.arange(self.empty + 1))
        return CachedCaptions(replace(dataset, captions=said[:-1], empty=said[-1:]))
