"""Why no engine answers, in words: it is not there at the moment, or it ended because it has no model."""

from __future__ import annotations

from bot.words import Words
from storage.store import Store


async def why_silent(store: Store, words: Words, otherwise: str) -> str:
    """What the last engine said when it refused its model; else the words named `otherwise`."""
    refusal = await store.machine.refusal()
    if refusal is None:
        return words(otherwise)
    model, fault = refusal
    return words("model.none", why=words(f"model.fault.{fault}", model=model))
