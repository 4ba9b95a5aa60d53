"""getChat, getChatMember, getChatAdministrators, pins, reactions, leaveChat, getFile."""

from __future__ import annotations

from typing import Any

from rehearsal import answers
from rehearsal.methods.sending import Arguments, Uploads
from rehearsal.profile import BOT_ID
from rehearsal.records import BOT, Chat, ChatType, Standing
from rehearsal.refusals import bad_request
from rehearsal.world import World

REACTIONS = set(
    "👍👎❤🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳🌚🌭💯🤣⚡🍌🏆💔🤨😐🍓🍾💋🖕😈😴😭🤓👻👀🎃🙈😇😨🤝✍🤗🫡🎅🎄☃💅🤪🗿🆒💘🙉🦄😘💊🙊😎👾😡"
)


async def get_chat(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """A ChatFullInfo."""
    chat = world.chat_known(arguments["chat_id"])
    pinned = world.find(chat.id, chat.pinned[-1]) if chat.pinned else None
    return {
        **answers.chat(world, chat),
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
        **({"pinned_message": answers.wire_message(world, pinned, deep=False)} if pinned else {}),
    }


async def get_chat_member(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """What somebody is in a chat."""
    chat = world.chat_known(arguments["chat_id"])
    number = BOT if arguments["user_id"] == BOT_ID else arguments["user_id"]
    if number != BOT and number not in world.people:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return answers.member(world, chat, number)


async def get_chat_administrators(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """Owner and administrators of a group."""
    chat = world.chat_for_bot(arguments["chat_id"])
    if chat.type is ChatType.PRIVATE:
        raise bad_request("there are no administrators in the private chat")
    bots = [BOT] if chat.bot is Standing.ADMINISTRATOR else []
    return [answers.member(world, chat, number) for number in (*chat.members[:1], *bots)]


def chat_to_pin_in(world: World, arguments: Arguments) -> Chat:
    """The chat, if the bot may pin there. Raises Refusal."""
    chat = world.chat_for_bot(arguments["chat_id"])
    if chat.type is not ChatType.PRIVATE and chat.bot is not Standing.ADMINISTRATOR:
        raise bad_request("not enough rights to manage pinned messages in the chat")
    return chat


async def pin_chat_message(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """Puts a message on top, and a line about it into the chat."""
    chat = chat_to_pin_in(world, arguments)
    message = world.find(chat.id, arguments["message_id"])
    if message is None:
        raise bad_request("message to pin not found")
    if message.message_id not in chat.pinned:
        chat.pinned.append(message.message_id)
        world.add_message(world.drafted(chat.id, BOT, pinned_message=message.message_id))
    world.tell("pin", chat=chat.id, pinned=chat.pinned)
    return True


async def unpin_chat_message(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """Takes one (the newest, when none is named) from the top."""
    chat = chat_to_pin_in(world, arguments)
    number = arguments.get("message_id") or (chat.pinned[-1] if chat.pinned else None)
    if number not in chat.pinned:
        raise bad_request("message to unpin not found")
    chat.pinned = [one for one in chat.pinned if one != number]
    world.tell("pin", chat=chat.id, pinned=chat.pinned)
    return True


async def set_message_reaction(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """One emoji under a message, or none."""
    chat = world.chat_for_bot(arguments["chat_id"])
    message = world.find(chat.id, arguments["message_id"])
    if message is None:
        raise bad_request("message to react not found")
    wanted = [one.get("emoji", "") for one in arguments.get("reaction") or []]
    if len(wanted) > 1 or not set(wanted) <= REACTIONS:
        raise bad_request("REACTION_INVALID")
    message.reactions = wanted
    world.tell_message("edit", message)
    return True


async def leave_chat(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """The bot goes."""
    chat = world.chat_for_bot(arguments["chat_id"])
    if chat.type is ChatType.PRIVATE:
        raise bad_request("chat member status can't be changed in private chats")
    chat.bot = Standing.LEFT
    world.tell("people")
    return True


async def get_file(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """Where the bytes of a file can be fetched."""
    return answers.file_link(world.files.downloadable(arguments["file_id"]))


METHODS = {
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "setMessageReaction": set_message_reaction,
    "leaveChat": leave_chat,
    "getFile": get_file,
}
