"""ComfyUI's two ways to write a workflow, brought to the one that is read: nodes with named inputs. Pure.

The API form names every input. The editor's form, which *Save* and most pictures on the web have, keeps what is typed
in `widgets_values` by place alone, and what is linked in a list of its own.
"""

from __future__ import annotations

from typing import Any

# What is typed at which place of a node; None is the editor's own (whether a seed changes by itself).
WIDGETS: dict[str, tuple[str | None, ...]] = {
    "CLIPTextEncode": ("text",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "KSampler": ("seed", None, "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("add_noise", "noise_seed", None, "steps", "cfg", "sampler_name", "scheduler"),
}
MUTED = {2, 4}  # modes in which a node does nothing


def workflow(said: dict[str, Any]) -> dict[str, Any]:
    """The prompt in API form, with the links that the parser asks for. Raises KeyError, TypeError for another text."""
    found = said.get("prompt", said)
    prompt = _named(found) if isinstance(found.get("nodes"), list) else found
    links = [
        [0, str(value[0]), 0, str(node), 0, "*"]
        for node, body in prompt.items()
        for value in body["inputs"].values()
        if isinstance(value, list) and value
    ]
    return {"prompt": prompt, "workflow": {"links": links}}


def _named(editor: dict[str, Any]) -> dict[str, Any]:
    sources = {link[0]: [str(link[1]), link[2]] for link in editor["links"]}
    return {
        str(node["id"]): {"class_type": node["type"], "inputs": _inputs(node, sources)}
        for node in editor["nodes"]
        if node.get("mode", 0) not in MUTED
    }


def _inputs(node: dict[str, Any], sources: dict[Any, list[Any]]) -> dict[str, Any]:
    """What was typed, and over it what comes from another node."""
    typed = node.get("widgets_values") or []
    values = typed if isinstance(typed, list) else []
    named = {name: value for name, value in zip(WIDGETS.get(node["type"], ()), values, strict=False) if name}
    if isinstance(typed, dict):
        named = dict(typed)
    linked = {one["name"]: sources[one["link"]] for one in node.get("inputs") or () if one.get("link") in sources}
    return named | linked
