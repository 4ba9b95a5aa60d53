"""The model card: its text under the Hub's front matter, proof pictures, and the recipe that made the seal."""

from __future__ import annotations

from collections.abc import Callable

from huggingface_hub import ModelCardData, hf_hub_url
from huggingface_hub.errors import HFValidationError

from engine.exports.card_text import card_text
from engine.exports.dataset_zip import zipped
from engine.exports.recipe_file import RecipeFile
from engine.exports.recipe_reading import FILENAME
from storage.records import ContentHash
from storage.requests import CardFacts, ExportRequest


def card_zip(request: ExportRequest, recipe: RecipeFile, read: Callable[[ContentHash], bytes]) -> bytes:
    """README.md, pictures/ and recipe.json in one zip."""
    files: dict[str, bytes] = {}
    widget = []
    for number, (file, prompt) in enumerate(zip(request.sheets, request.prompts, strict=False), 1):
        name = f"pictures/{number:02}.png"
        files[name] = read(file)
        widget.append((prompt, name))
    data = front_matter(request, recipe.model, widget)
    text = [
        "---",
        data.to_yaml(),
        "---",
        "",
        f"# {' '.join(request.name.split())}",
        "",
        _body(request, recipe),
        *_base_in_words(recipe.model),
        "",
    ]
    files["README.md"] = "\n".join(text).encode()
    files[FILENAME] = recipe.as_json()
    return zipped(files)


def front_matter(request: ExportRequest, model: str, widget: list[tuple[str, str]]) -> ModelCardData:
    """What the Hub reads. A base that is not on the Hub is left out: it would be a link to nowhere, or to another's."""
    base = hub_id(model)
    return ModelCardData(
        library_name="diffusers",
        base_model=base,
        base_model_relation="adapter" if base else None,
        instance_prompt=request.trigger,
        tags=["text-to-image", "lora", "diffusers", "template:diffusion-lora"],
        widget=[{"text": prompt, "output": {"url": name}} for prompt, name in widget] or None,
    )


def _body(request: ExportRequest, recipe: RecipeFile) -> str:
    if isinstance(request.card, CardFacts):
        return card_text(request.card, recipe)
    return request.card or ""


def hub_id(model: str) -> str | None:
    """The model's name on the Hub, `owner/name` without a revision; None for what only has a name on a disk."""
    name = model.partition("@")[0]
    if name.count("/") != 1:
        return None
    try:
        hf_hub_url(name, "README.md")  # checks the name and asks nobody
    except HFValidationError:
        return None
    return name


def _base_in_words(model: str) -> list[str]:
    if hub_id(model):
        return []
    return ["", f"The base model, `{model}`, is a file of the machine that trained this; it has no page on the Hub."]
