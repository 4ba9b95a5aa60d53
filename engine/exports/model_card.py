"""The model card: Hub front matter around the bot's text, proof pictures, and the recipe that made the seal."""

from __future__ import annotations

import json
from collections.abc import Callable

from engine.exports.dataset_zip import zipped
from engine.exports.recipe_file import RecipeFile
from engine.exports.recipe_reading import FILENAME
from storage.records import ContentHash
from storage.requests import TakeRequest


def card_zip(request: TakeRequest, recipe: RecipeFile, read: Callable[[ContentHash], bytes]) -> bytes:
    """README.md, pictures/ and recipe.json in one zip."""
    files: dict[str, bytes] = {}
    widget = []
    for number, (file, prompt) in enumerate(zip(request.sheets, request.prompts, strict=False), 1):
        name = f"pictures/{number:02}.png"
        files[name] = read(file)
        widget.append((prompt, name))
    files["README.md"] = "\n".join(
        [*front_matter(request, recipe.model, widget), "", f"# {request.name}", "", request.card, ""]
    ).encode()
    files[FILENAME] = recipe.as_json()
    return zipped(files)


def front_matter(request: TakeRequest, model: str, widget: list[tuple[str, str]]) -> list[str]:
    """What the Hub reads."""
    lines = [
        "---",
        "library_name: diffusers",
        f"base_model: {json.dumps(model)}",
        "base_model_relation: adapter",
        f"instance_prompt: {json.dumps(request.trigger)}",
        "tags: [text-to-image, lora, diffusers, template:diffusion-lora]",
    ]
    if widget:
        lines.append("widget:")
        for prompt, name in widget:
            lines += [f"- text: {json.dumps(prompt, ensure_ascii=False)}", f"  output: {{url: {name}}}"]
    return [*lines, "---"]
