"""getUpdates, the webhook methods, answerCallbackQuery."""

from __future__ import annotations

from typing import Any

from rehearsal import answers
from rehearsal.entities import units
from rehearsal.methods.sending import Arguments, Uploads
from rehearsal.polling import MAX_UPDATES
from rehearsal.refusals import bad_request
from rehearsal.world import World

MAX_TOAST = 200  # Bot API: answerCallbackQuery


async def get_updates(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """What people did, from `offset` on."""
    if "allowed_updates" in arguments:
        world.updates.allowed = arguments["allowed_updates"]
    limit = arguments.get("limit") or MAX_UPDATES
    world.dirty.set()
    return await world.updates.get(
        arguments.get("offset") or 0, max(1, min(limit, MAX_UPDATES)), float(arguments.get("timeout") or 0)
    )


async def delete_webhook(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """Back to polling."""
    world.updates.webhook = ""
    if arguments.get("drop_pending_updates"):
        world.updates.waiting = []
    return True


async def set_webhook(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """Remembers the address (polling is then refused); the rehearsal never calls it: nothing leaves this machine."""
    url = arguments.get("url") or ""
    if url and not url.startswith("https://"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    world.updates.webhook = url
    if "allowed_updates" in arguments:
        world.updates.allowed = arguments["allowed_updates"]
    return True


async def get_webhook_info(world: World, _arguments: Arguments, _uploads: Uploads) -> Any:
    """Whether there is one, and how much waits."""
    return {
        "url": world.updates.webhook,
        "has_custom_certificate": False,
        "pending_update_count": len(world.updates.waiting),
    }


async def answer_callback_query(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """Ends the spinner on a button, with a toast or an alert."""
    text = arguments.get("text") or ""
    if units(text) > MAX_TOAST:
        raise bad_request("MESSAGE_TOO_LONG")
    if arguments.get("url") and not arguments["url"].startswith(("https://t.me/", "tg://")):
        raise bad_request("URL_INVALID")
    tap = world.taps.answer(arguments["callback_query_id"], text, bool(arguments.get("show_alert")))
    world.tell("answer", person=tap.person, chat=tap.chat_id, message_id=tap.message_id, **answers.tap_state(tap))
    return True


METHODS = {
    "getUpdates": get_updates,
    "deleteWebhook": delete_webhook,
    "setWebhook": set_webhook,
    "getWebhookInfo": get_webhook_info,
    "answerCallbackQuery": answer_callback_query,
}
