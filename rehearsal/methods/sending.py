"""sendMessage, sendPhoto, sendDocument, sendMediaGroup, sendMessageDraft, sendChatAction."""

from __future__ import annotations

import secrets
from typing import Any

from rehearsal import answers
from rehearsal.methods.content import markup_of, reply_target, words
from rehearsal.records import BOT, ChatType, Message
from rehearsal.refusals import bad_request
from rehearsal.request import Upload
from rehearsal.world import World

Arguments = dict[str, Any]
Uploads = dict[str, Upload]
ALBUM_SIZE = range(2, 11)  # Bot API: 2–10 items
ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
}  # fmt: skip


async def send_message(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """A text with or without buttons."""
    chat = world.chat_for_bot(arguments["chat_id"])
    text, entities = words(arguments)
    message = world.drafted(
        chat.id,
        BOT,
        text=text,
        entities=entities,
        reply_to=reply_target(world, chat, arguments),
        reply_markup=markup_of(arguments),
    )
    return answers.wire_message(world, world.add_message(message))


async def send_photo(world: World, arguments: Arguments, uploads: Uploads) -> Any:
    """A photo, new or sent before."""
    return await send_file(world, arguments, uploads, "photo")


async def send_document(world: World, arguments: Arguments, uploads: Uploads) -> Any:
    """A document, new or sent before."""
    return await send_file(world, arguments, uploads, "document")


async def send_file(world: World, arguments: Arguments, uploads: Uploads, kind: str) -> Any:
    """One message with a file and a caption."""
    chat = world.chat_for_bot(arguments["chat_id"])
    caption, entities = words(arguments, "caption")
    reply_to, markup = reply_target(world, chat, arguments), markup_of(arguments)
    named = {"type": kind, "media": arguments.get(kind, f"attach://{kind}")}
    content = await kept_media(world, named, uploads)
    message = world.drafted(
        chat.id, BOT, caption=caption or None, entities=entities, reply_to=reply_to, reply_markup=markup, **content
    )
    return answers.wire_message(world, world.add_message(message))


async def send_media_group(world: World, arguments: Arguments, uploads: Uploads) -> Any:
    """An album: all photos or all documents, stored together or not at all."""
    chat = world.chat_for_bot(arguments["chat_id"])
    media: list[Arguments] = arguments["media"]
    if len(media) not in ALBUM_SIZE:
        raise bad_request("group send: an album holds 2-10 items")
    if len({item["type"] for item in media}) > 1:
        raise bad_request("group send: documents can't be mixed with other media types")
    reply_to = reply_target(world, chat, arguments)
    captions = [words(item, "caption") for item in media]
    contents = [await kept_media(world, item, uploads) for item in media]
    group = str(secrets.randbits(60))
    sent = [
        world.add_message(
            world.drafted(
                chat.id,
                BOT,
                caption=caption or None,
                entities=entities,
                reply_to=reply_to,
                media_group_id=group,
                **content,
            )
        )
        for (caption, entities), content in zip(captions, contents, strict=True)
    ]
    return [answers.wire_message(world, message) for message in sent]


async def kept_media(world: World, item: Arguments, uploads: Uploads) -> Arguments:
    """The fields of a message for one media item; an `attach://` part is stored first. Raises Refusal."""
    name: str = item["media"]
    upload: Upload | None = None
    if name.startswith("attach://"):
        upload = uploads.get(name.removeprefix("attach://"))
        if upload is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
    if item["type"] == "photo":
        return {"photo": await world.files.keep_photo(upload.data) if upload else world.files.photo(name)}
    if upload is None:
        return {"document": world.files.document(name)}
    kept = await world.files.keep_document(upload.data, upload.name, upload.mime)
    return {"document": kept.file_id}


async def send_message_draft(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """A text that grows while it is written; it leaves nothing behind."""
    chat = world.chat_for_bot(arguments["chat_id"])
    if chat.type is not ChatType.PRIVATE:
        raise bad_request("drafts can be sent to private chats only")
    if not arguments["draft_id"]:
        raise bad_request("draft_id must be non-zero")
    text = words(arguments)[0] if arguments.get("text") else ""
    world.events.publish("draft", chat=chat.id, text=text)
    return True


async def send_chat_action(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """`typing…` for five seconds or until the next message."""
    chat = world.chat_for_bot(arguments["chat_id"])
    if arguments["action"] not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    world.events.publish("typing", chat=chat.id, action=arguments["action"])
    return True


def weight_of(method: str, arguments: Arguments) -> int:
    """How many messages a call counts for in the flood limits."""
    return len(arguments["media"]) if method == "sendMediaGroup" else 1


def is_album_item(message: Message) -> bool:
    """Whether it belongs to an album."""
    return message.media_group_id is not None


METHODS = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendMediaGroup": send_media_group,
    "sendMessageDraft": send_message_draft,
    "sendChatAction": send_chat_action,
}
