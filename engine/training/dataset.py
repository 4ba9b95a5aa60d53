"""The palette in the model's own terms, computed once: every view's posterior, every caption's embeddings."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch
from PIL import Image

from engine.models.machine import Machine
from engine.models.text.encoder import Embeddings, encode
from engine.models.text.prompts import chunk_count
from engine.pictures.latents import generator, open_at, posterior
from engine.training.augmentation import Size, View, augmented, bucket_sizes, views_a_picture, views_of
from engine.training.bucket import Bucket
from engine.training.class_prior import drawing_class
from engine.training.draws import Layout
from engine.training.embedding_init import nearest
from storage.attention_syntax import whole
from storage.opened import opened
from storage.recipe import Prior, Recipe
from storage.records import ContentHash
from storage.requests import TrainingPicture
from storage.trigger import replaced, without

SHUFFLES = 4  # orders of a caption that are kept, the written one first


@dataclass(frozen=True)
class Dataset:
    """N pictures with V orders of each caption.

    `images`: the pictures at native size; `texts`: V captions of the first picture, then V of the second …;
    `captions` their embeddings (N·V, T, D), `bare_captions` those without the trigger (prior preservation);
    `empty`: the empty caption's, for caption dropout. `class_rows`: pictures of the class, under `class_caption`.
    `initializer`: what the seal's own word begins as; empty: as its trigger.
    """

    images: tuple[Image.Image, ...]
    buckets: tuple[Bucket, ...]
    texts: tuple[str, ...]
    captions: Embeddings
    empty: Embeddings
    scaling_factor: float
    views: int = 1
    bare_captions: Embeddings | None = None
    class_rows: Bucket | None = None
    class_caption: Embeddings | None = None
    initializer: str = ""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def variants(self) -> int:
        """Captions a picture has."""
        return len(self.texts) // len(self.images)

    def fits(self, recipe: Recipe) -> bool:
        """Whether it was prepared with everything this recipe needs."""
        keeps = recipe.prior_weight > 0
        return (
            self.views == _views_a_picture(recipe)
            and (self.variants > 1) == recipe.shuffle_caption
            and all((bucket.mask is not None) == recipe.masked for bucket in self.buckets)
            and (self.bare_captions is not None or not keeps or recipe.prior is not Prior.TRIGGER)
            and (self.class_rows is not None or not keeps or recipe.prior is not Prior.CLASS)
        )

    def layout(self, timesteps: int) -> Layout:
        """What chance may draw from."""
        return Layout(
            buckets=tuple(bucket.pictures for bucket in self.buckets),
            shapes=tuple(bucket.mean.shape[1:] for bucket in self.buckets),
            timesteps=timesteps,
            views=self.views,
            variants=self.variants,
        )


def preparing(
    machine: Machine,
    pictures: Sequence[TrainingPicture],
    read: Callable[[ContentHash], bytes],
    recipe: Recipe | None = None,
    trigger: str = "",
    initializer: str | None = None,
) -> Generator[None, None, Dataset]:
    """Encodes everything once, pausing after every view; no VAE or text encoder is called by training after it.

    `initializer`: what an earlier attempt chose, which is not looked for again.
    """
    recipe = recipe or Recipe()
    images = tuple(open_at(read(picture.file), machine.size_px) for picture in pictures)
    buckets = yield from _encoding(machine, [opened(read(picture.file)) for picture in pictures], recipe)
    texts = [text for number, one in enumerate(pictures) for text in orders_of(one.caption, recipe, number)]
    preserving = recipe.prior_weight > 0
    by_trigger, by_class = preserving and recipe.prior is Prior.TRIGGER, preserving and recipe.prior is Prior.CLASS
    chunks = max(chunk_count(machine, text, recipe.class_prompt) for text in texts)
    return Dataset(
        images=images,
        buckets=buckets,
        texts=tuple(texts),
        captions=encode(machine, texts, chunks=chunks),
        empty=encode(machine, [""], chunks=chunks),
        scaling_factor=float(machine.vae.config.scaling_factor),
        views=_views_a_picture(recipe),
        bare_captions=encode(machine, [without(t, trigger) for t in texts], chunks=chunks) if by_trigger else None,
        class_rows=(yield from _class_rows(machine, recipe)) if by_class else None,
        class_caption=encode(machine, [recipe.class_prompt], chunks=chunks) if by_class else None,
        initializer=(
            (yield from _initializer(machine, buckets, [one.caption for one in pictures], recipe, trigger))
            if initializer is None
            else initializer
        ),
    )


def prepare(
    machine: Machine,
    pictures: Sequence[TrainingPicture],
    read: Callable[[ContentHash], bytes],
    recipe: Recipe | None = None,
    trigger: str = "",
) -> Dataset:
    """`preparing` without the pauses."""
    work = preparing(machine, pictures, read, recipe, trigger)
    while True:
        try:
            next(work)
        except StopIteration as end:
            dataset: Dataset = end.value
            return dataset


def _views_a_picture(recipe: Recipe) -> int:
    return (1 + recipe.moved) * views_a_picture(recipe.crops, recipe.flip)


def orders_of(caption: str, recipe: Recipe, number: int) -> list[str]:
    """The caption as written and, where the recipe shuffles, its comma-separated parts in other orders.

    A bracket without a partner is a plain one: in another order it would weigh other words, the trigger among them.
    """
    parts = [part.strip() for part in caption.split(",")]
    if not recipe.shuffle_caption:
        return [whole(caption)]
    chance = generator(int(recipe.seed), number)
    orders = [torch.randperm(len(parts), generator=chance).tolist() for _ in range(SHUFFLES - 1)]
    return [whole(caption), *(", ".join(whole(parts[place]) for place in order) for order in orders)]


def _encoding(
    machine: Machine, pictures: Sequence[Image.Image], recipe: Recipe
) -> Generator[None, None, tuple[Bucket, ...]]:
    grain = machine.latent_scale * 2 ** (len(machine.unet.config.block_out_channels) - 1)
    sizes = bucket_sizes([picture.size for picture in pictures], machine.size_px, grain, recipe.buckets)
    found = []
    for size in sorted(set(sizes)):
        members = tuple(number for number, one in enumerate(sizes) if one == size)
        views = [view for number in members for view in _views(pictures[number], number, size, recipe)]
        found.append((yield from _bucket(machine, members, views, recipe.masked)))
    return tuple(found)


def _views(picture: Image.Image, number: int, size: Size, recipe: Recipe) -> list[View]:
    """All views of a picture, first as it is, then of each time that it is moved."""
    chance = generator(int(recipe.seed), number)
    shown = [picture, *(augmented(picture, chance) for _ in range(recipe.moved))]
    return [view for one in shown for view in views_of(one, size, recipe.crops, recipe.flip)]


def _bucket(
    machine: Machine, members: tuple[int, ...], views: Sequence[View], masked: bool
) -> Generator[None, None, Bucket]:
    latents = []
    for view in views:
        latents.append(posterior(machine, view.image))
        yield
    mask = torch.cat([view.latent_mask(machine.latent_scale) for view in views]) if masked else None
    return Bucket(
        pictures=members,
        mean=torch.cat([mean for mean, _ in latents]),
        std=torch.cat([std for _, std in latents]),
        mask=None if mask is None else mask.to(machine.device),
        time_ids=torch.tensor([view.time_ids for view in views], device=machine.device, dtype=machine.dtype),
    )


def _initializer(
    machine: Machine, buckets: Sequence[Bucket], captions: Sequence[str], recipe: Recipe, trigger: str
) -> Generator[None, None, str]:
    """The nearest of the recipe's initializers, where it teaches a word and there is a choice."""
    if recipe.new_tokens < 1 or not recipe.initializers:
        return ""
    beginnings = {words: [replaced(caption, trigger, words) for caption in captions] for words in recipe.initializers}
    found = yield from nearest(machine, buckets, beginnings, int(recipe.seed))
    return found


def _class_rows(machine: Machine, recipe: Recipe) -> Generator[None, None, Bucket]:
    images = yield from drawing_class(machine, recipe)
    size = (machine.size_px, machine.size_px)
    views = [view for image in images for view in views_of(image.convert("RGBA"), size, 1, False)]
    bucket = yield from _bucket(machine, tuple(range(len(images))), views, False)
    return bucket
