"""Puts the world into JSON: as the Bot API shows it to the bot, and as the page and scripts see it."""

from __future__ import annotations

from typing import Any

from rehearsal.entities import page_html
from rehearsal.files import link_of
from rehearsal.records import BOT, Chat, ChatType, Message, Person, Standing, StoredFile, TapRecord
from rehearsal.scene import Scene

RIGHTS = (
    "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members", "can_promote_members",
    "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories", "can_delete_stories",
    "can_pin_messages",
)  # fmt: skip


def user(person: Person) -> dict[str, Any]:
    """A Bot API User."""
    return {"id": person.id, "is_bot": False, "first_name": person.name, "language_code": person.language_code}


def sender(scene: Scene, number: int) -> dict[str, Any]:
    """Who wrote it, as a User."""
    return scene.profile.user() if number == BOT else user(scene.people[number])


def chat(scene: Scene, shown: Chat) -> dict[str, Any]:
    """A Bot API Chat."""
    if shown.type is ChatType.PRIVATE:
        return {"id": shown.id, "type": str(shown.type), "first_name": scene.people[shown.id].name}
    return {"id": shown.id, "type": str(shown.type), "title": shown.title}


def wire_file(file: StoredFile) -> dict[str, Any]:
    """A PhotoSize or a Document."""
    facts: dict[str, Any] = {"file_id": file.file_id, "file_unique_id": file.unique_id, "file_size": file.size}
    if file.photo:
        return {**facts, "width": file.width, "height": file.height}
    return {**facts, "file_name": file.name, "mime_type": file.mime}


def file_link(file: StoredFile) -> dict[str, Any]:
    """The answer of getFile."""
    return {
        "file_id": file.file_id,
        "file_unique_id": file.unique_id,
        "file_size": file.size,
        "file_path": link_of(file),
    }


def wire_message(scene: Scene, message: Message, *, deep: bool = True) -> dict[str, Any]:
    """A Bot API Message; what it replies to is shown one level deep."""
    body: dict[str, Any] = {
        "message_id": message.message_id,
        "from": sender(scene, message.sender),
        "chat": chat(scene, scene.chats[message.chat_id]),
        "date": message.date,
        "edit_date": message.edit_date,
        "media_group_id": message.media_group_id,
        **wire_content(scene, message),
    }
    if (message.reply_markup or {}).get("inline_keyboard"):
        body["reply_markup"] = message.reply_markup
    if deep and (replied := scene.find(message.chat_id, message.reply_to)):
        body["reply_to_message"] = wire_message(scene, replied, deep=False)
    if deep and (pinned := scene.find(message.chat_id, message.pinned_message)):
        body["pinned_message"] = wire_message(scene, pinned, deep=False)
    return {name: value for name, value in body.items() if value not in (None, [])}


def wire_content(scene: Scene, message: Message) -> dict[str, Any]:
    """Text, pictures and files of a message."""
    return {
        "text": message.text,
        "caption": message.caption,
        "caption_entities" if message.has_media else "entities": message.entities,
        "photo": [wire_file(scene.files.known[one]) for one in message.photo],
        "document": wire_file(scene.files.known[message.document]) if message.document else None,
        "new_chat_members": [sender(scene, one) for one in message.joined],
    }


def callback_query(scene: Scene, tap: TapRecord) -> dict[str, Any]:
    """A Bot API CallbackQuery; a message that is gone is inaccessible."""
    message = scene.find(tap.chat_id, tap.message_id)
    gone = {"chat": chat(scene, scene.chats[tap.chat_id]), "message_id": tap.message_id, "date": 0}
    return {
        "id": tap.id,
        "from": user(scene.people[tap.person]),
        "message": wire_message(scene, message) if message else gone,
        "chat_instance": str(abs(tap.chat_id) * 7919),
        "data": tap.data,
    }


def membership(scene: Scene, person: Person, blocked: bool) -> dict[str, Any]:
    """my_chat_member of a private chat that was blocked or opened again."""
    states: list[dict[str, Any]] = [
        {"status": "member", "user": scene.profile.user()},
        {"status": "kicked", "user": scene.profile.user(), "until_date": 0},
    ]
    return {
        "chat": chat(scene, scene.chats[person.id]),
        "from": user(person),
        "date": int(scene.clock()),
        "old_chat_member": states[not blocked],
        "new_chat_member": states[blocked],
    }


def migration(scene: Scene, old: Chat, new: Chat) -> list[dict[str, Any]]:
    """The two service messages of a group that became a supergroup."""
    bodies: list[dict[str, Any]] = []
    for here, link, there in ((old, "migrate_to_chat_id", new), (new, "migrate_from_chat_id", old)):
        number, scene.next_message = scene.next_message, scene.next_message + 1
        bodies.append(
            {
                "message_id": number,
                "from": user(scene.people[here.members[0]]),
                "chat": chat(scene, here),
                "date": int(scene.clock()),
                link: there.id,
            }
        )
    return bodies


def member(scene: Scene, shown: Chat, number: int) -> dict[str, Any]:
    """A Bot API ChatMember."""
    if number == BOT:
        about = scene.profile.user()
        if shown.bot is not Standing.ADMINISTRATOR:
            gone = {"until_date": 0} if shown.bot is Standing.KICKED else {}
            return {"status": str(shown.bot), "user": about, **gone}
        rights = dict.fromkeys(RIGHTS, True)
        return {"status": "administrator", "user": about, "can_be_edited": False, "is_anonymous": False, **rights}
    about = user(scene.people[number])
    if number not in shown.members:
        return {"status": "left", "user": about}
    if shown.type is not ChatType.PRIVATE and shown.members[0] == number:
        return {"status": "creator", "user": about, "is_anonymous": False}
    return {"status": "member", "user": about}


def page_message(scene: Scene, message: Message) -> dict[str, Any]:
    """A message as the page and the control API show it."""
    text = message.caption if message.has_media else message.text
    pinned = message.message_id in scene.chats[message.chat_id].pinned
    return {
        "message_id": message.message_id,
        "chat": message.chat_id,
        "from_bot": message.sender == BOT,
        "sender": message.sender,
        "name": sender(scene, message.sender)["first_name"],
        "date": message.date,
        "edited": message.edit_date is not None,
        "text": message.text,
        "caption": message.caption,
        "html": page_html(text or "", message.entities),
        "photo": [wire_file(scene.files.known[one]) for one in message.photo],
        "document": page_document(scene, message),
        "media_group_id": message.media_group_id,
        "buttons": page_buttons(message),
        "asks": (message.reply_markup or {}).get("input_field_placeholder", "") if is_asking(message) else None,
        "pinned": pinned,
        "pinned_message": message.pinned_message,
        "joined": [sender(scene, one)["first_name"] for one in message.joined],
        "reply_to": message.reply_to,
        "reactions": message.reactions,
    }


def is_asking(message: Message) -> bool:
    """Whether it carries a ForceReply."""
    return bool((message.reply_markup or {}).get("force_reply"))


def page_document(scene: Scene, message: Message) -> dict[str, Any] | None:
    """A document with its name and size."""
    if message.document is None:
        return None
    file = scene.files.known[message.document]
    return {"file_id": file.file_id, "file_name": file.name, "size": file.size, "mime": file.mime}


def page_buttons(message: Message) -> list[list[dict[str, Any]]]:
    """The inline keyboard; `copy_text` is the text itself."""
    rows = (message.reply_markup or {}).get("inline_keyboard", [])
    return [[{**button, "copy_text": (button.get("copy_text") or {}).get("text")} for button in row] for row in rows]


def tap_state(tap: TapRecord) -> dict[str, Any]:
    """How far a press is; `seconds` is from the press to the answer."""
    seconds = None if tap.answered_at is None else round(tap.answered_at - tap.at, 4)
    return {
        "id": tap.id,
        "answered": tap.answered_at is not None,
        "text": tap.text,
        "alert": tap.alert,
        "seconds": seconds,
    }
