"""editMessageText/Caption/Media/ReplyMarkup and deleteMessage(s), with the refusals a careless bot meets."""

from __future__ import annotations

import copy
from typing import Any

from rehearsal import answers
from rehearsal.methods.content import markup_of, words
from rehearsal.methods.sending import Arguments, Uploads, is_album_item, kept_media
from rehearsal.records import BOT, Message
from rehearsal.refusals import Refusal, bad_request
from rehearsal.world import World

DELETE_WITHIN_SECONDS = 48 * 3600  # Bot API: deleteMessage
MAX_DELETED_AT_ONCE = 100  # Bot API: deleteMessages


def not_modified() -> Refusal:
    """The normal answer to an edit that changes nothing."""
    return bad_request(
        "message is not modified: specified new message content and reply markup are exactly the same as a current"
        " content and reply markup of the message"
    )


def target(world: World, arguments: Arguments) -> Message:
    """The message to edit. Raises Refusal when it is gone or not the bot's."""
    if arguments.get("inline_message_id") or "chat_id" not in arguments:
        raise bad_request("chat_id is empty")
    chat = world.chat_for_bot(arguments["chat_id"])
    message = world.find(chat.id, arguments.get("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if message.sender != BOT or message.is_service:
        raise bad_request("message can't be edited")
    return message


def changed(world: World, message: Message, **content: Any) -> Any:
    """Puts the new content in, unless nothing differs. Answers the edited message."""
    if is_album_item(message) and content.get("reply_markup"):
        raise not_modified()  # Telegram cannot show a keyboard under an album
    before = copy.copy(message)
    for name, value in content.items():
        setattr(message, name, value)
    if message == before:
        raise not_modified()
    message.edit_date = int(world.clock())
    world.tell_message("edit", message)
    return answers.wire_message(world, message)


async def edit_text(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """Other words in a text message."""
    message = target(world, arguments)
    if message.has_media:
        raise bad_request("there is no text in the message to edit")
    text, entities = words(arguments)
    return changed(world, message, text=text, entities=entities, reply_markup=markup_of(arguments))


async def edit_caption(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """Other words under a photo or document."""
    message = target(world, arguments)
    if not message.has_media:
        raise bad_request("there is no caption in the message to edit")
    caption, entities = words(arguments, "caption")
    return changed(world, message, caption=caption or None, entities=entities, reply_markup=markup_of(arguments))


async def edit_media(world: World, arguments: Arguments, uploads: Uploads) -> Any:
    """Another photo or document; a text message may become one, an album item keeps its kind."""
    message = target(world, arguments)
    media: Arguments = arguments["media"]
    if is_album_item(message) and media["type"] != ("photo" if message.photo else "document"):
        raise bad_request("message can't be edited")
    caption, entities = words(media, "caption")
    markup = markup_of(arguments)
    content: Arguments = {"photo": [], "document": None, **await kept_media(world, media, uploads)}
    return changed(
        world, message, text=None, caption=caption or None, entities=entities, reply_markup=markup, **content
    )


async def edit_reply_markup(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """Other buttons, or none."""
    message = target(world, arguments)
    return changed(world, message, reply_markup=markup_of(arguments))


def may_delete(world: World, message: Message) -> bool:
    """Whether it is young enough."""
    return world.clock() - message.date < DELETE_WITHIN_SECONDS


def remove(world: World, message: Message) -> None:
    """Takes a message out of its chat."""
    del world.messages[message.chat_id][message.message_id]
    chat = world.chats[message.chat_id]
    chat.pinned = [one for one in chat.pinned if one != message.message_id]
    world.tell("delete", chat=message.chat_id, message_id=message.message_id)


async def delete_message(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """One message away."""
    chat = world.chat_for_bot(arguments["chat_id"])
    message = world.find(chat.id, arguments["message_id"])
    if message is None:
        raise bad_request("message to delete not found")
    if not may_delete(world, message):
        raise bad_request("message can't be deleted")
    remove(world, message)
    return True


async def delete_messages(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """Several away; those that are gone already are skipped."""
    chat = world.chat_for_bot(arguments["chat_id"])
    numbers: list[int] = arguments["message_ids"]
    if not 1 <= len(numbers) <= MAX_DELETED_AT_ONCE:
        raise bad_request("1-100 message identifiers can be deleted at once")
    for number in numbers:
        message = world.find(chat.id, number)
        if message and may_delete(world, message):
            remove(world, message)
    return True


METHODS = {
    "editMessageText": edit_text,
    "editMessageCaption": edit_caption,
    "editMessageMedia": edit_media,
    "editMessageReplyMarkup": edit_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}
