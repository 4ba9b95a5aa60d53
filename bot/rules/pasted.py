"""Generation data that somebody pasted, split into what it says: words, what to avoid, settings. Pure.

Read as AUTOMATIC1111, ComfyUI, InvokeAI and Fooocus write it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sd_parsers.data import PromptInfo
from sd_parsers.exceptions import ParserError
from sd_parsers.parsers import AUTOMATIC1111Parser, ComfyUIParser, FooocusParser, InvokeAIParser

from bot.rules.comfy import workflow
from storage.records import Drawing
from storage.states import ANCESTRAL, Sampler

NEGATIVE = re.compile(r"^\s*negative prompt:", re.IGNORECASE | re.MULTILINE)
SETTINGS = re.compile(r"^\s*Steps: \d+,.*", re.MULTILINE)
DREAM = re.compile(r"\s-[sSCA]\s?[\w.]+")
EXTRA = re.compile(r"\s*<(?:lora|lyco|hypernet):([^:<>]+)[^<>]*>\s*,?")
MOST_STEPS = 60  # beyond it no sampler of ours gains anything, and everybody waits
MOST_GUIDANCE = 30.0
UNREADABLE = (ParserError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
# Samplers as others spell them, letters and digits only.
SPELT = {
    "euler": Sampler.EULER,
    "eulera": Sampler.EULER_A,
    "eulerancestral": Sampler.EULER_A,
    "ddim": Sampler.DDIM,
    "dpm2mkarras": Sampler.DPMPP_2M_KARRAS,
    "dpmpp2mkarras": Sampler.DPMPP_2M_KARRAS,
    "dpmpp2mk": Sampler.DPMPP_2M_KARRAS,
    "unipc": Sampler.UNIPC,
}


@dataclass(frozen=True)
class Pasted:
    """What was read. `settings` are those that a style here can have; `unused` names the others."""

    prompt: str
    negative: str
    sampler: Sampler | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    unused: tuple[str, ...] = ()

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that are kept, as A1111 writes them."""
        named = {"Sampler": self.sampler, "Steps": self.steps, "CFG scale": self.guidance_scale}
        return tuple(f"{name}: {value:g}" if name != "Sampler" else f"{name}: {value}"
                     for name, value in named.items() if value is not None)  # fmt: skip

    def over(self, drawing: Drawing) -> Drawing:
        """A drawing's settings with those that were pasted."""
        return replace(
            drawing,
            sampler=self.sampler or drawing.sampler,
            steps=self.steps or drawing.steps,
            guidance_scale=self.guidance_scale or drawing.guidance_scale,
        )


def read_pasted(text: str) -> Pasted | None:
    """What generation data says, or None for a text that is none."""
    if not (text.lstrip().startswith("{") or NEGATIVE.search(text) or SETTINGS.search(text) or DREAM.search(text)):
        return None
    for read in _ways(text):
        try:
            info = read()
        except UNREADABLE:
            continue
        if info.samplers and info.full_prompt.strip():
            return _split(info)
    found = _by_hand(text)
    return found if found and found.prompt else None


def _ways(text: str) -> Iterator[Any]:
    if not text.lstrip().startswith("{"):
        yield lambda: AUTOMATIC1111Parser().parse({"parameters": text})
        if DREAM.search(text):
            yield lambda: InvokeAIParser().parse({"Dream": text})
        return
    yield lambda: FooocusParser().parse({"parameters": text})
    yield lambda: InvokeAIParser().parse({"invokeai_metadata": text})
    yield lambda: ComfyUIParser().parse(workflow(json.loads(text)))


def _by_hand(text: str) -> Pasted | None:
    """Half of A1111's lines, where the others were not copied along."""
    if text.lstrip().startswith("{") or not (NEGATIVE.search(text) or SETTINGS.search(text)):
        return None
    words = SETTINGS.sub("", text)
    prompt, *negative = NEGATIVE.split(words)
    settings = SETTINGS.search(text)
    named = tuple(re.findall(r"([A-Z][\w ]*):", settings[0])) if settings else ()
    return _tidied(Pasted(prompt.strip(), " ".join(negative).strip(), unused=named))


def _split(info: PromptInfo) -> Pasted:
    sampler = info.samplers[0]
    said: Mapping[str, Any] = sampler.parameters
    known = SPELT.get(_letters(f"{sampler.name}{said.get('scheduler', '')}"), SPELT.get(_letters(str(sampler.name))))
    found = Pasted(
        info.full_prompt,
        info.full_negative_prompt,
        sampler=None if known in ANCESTRAL else known,
        steps=_number(said.get("steps"), 1, MOST_STEPS, int),
        guidance_scale=_number(said.get("cfg_scale"), 1.0, MOST_GUIDANCE, float),
    )
    kept = {"steps": found.steps, "cfg_scale": found.guidance_scale, "scheduler": found.sampler}
    unused = [str(name) for name in said if kept.get(name) is None]
    unused += [f"sampler {sampler.name}"] if found.sampler is None else []
    unused += ["model"] if sampler.model else []
    return _tidied(replace(found, unused=(*unused, *map(str, info.metadata))))


def _tidied(found: Pasted) -> Pasted:
    """Without the names of others' LoRAs in the words, which here would only be read out."""
    extras = [name.strip() for name in EXTRA.findall(found.prompt)]
    return replace(
        found,
        prompt=EXTRA.sub(" ", found.prompt).strip(" ,"),
        unused=tuple(dict.fromkeys((*found.unused, *(f"LoRA {name}" for name in extras)))),
    )


def _number(said: Any, least: float, most: float, kind: type) -> Any:
    try:
        value = kind(float(said))
    except (TypeError, ValueError, OverflowError):
        return None
    return value if least <= value <= most else None


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("++", "pp"))
