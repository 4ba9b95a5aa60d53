"""/sim: what people do, as JSON – for the page, for scripted persons and for tests."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from rehearsal import answers
from rehearsal.entities import trimmed
from rehearsal.files import MAX_UPLOAD_BYTES
from rehearsal.records import Chat, ChatType, Message, Person, Standing
from rehearsal.refusals import Refusal
from rehearsal.world import World

Asked = TypeVar("Asked")
MAX_WRITTEN = 4096  # a Telegram client cuts longer texts into several messages


@dataclass
class NewPerson:
    """POST /sim/people."""

    name: str
    language_code: str = "en"


@dataclass
class NewGroup:
    """POST /sim/groups."""

    title: str
    members: list[int]
    bot: Standing = Standing.MEMBER


@dataclass
class Written:
    """POST /sim/send."""

    user: int
    chat: int
    text: str
    reply_to: int | None = None


@dataclass
class Tapped:
    """POST /sim/tap."""

    user: int
    chat: int
    message_id: int
    data: str


def world_of(request: Request) -> World:
    """The world that this server plays."""
    world: World = request.app.state.world
    return world


async def read(request: Request, cls: type[Asked]) -> Asked:
    """The JSON body as `cls`. Raises 422 with the reasons."""
    try:
        return TypeAdapter(cls).validate_json(await request.body())
    except ValidationError as error:
        raise HTTPException(422, error.json(include_url=False, include_context=False)) from error


def there(world: World, user: int, chat: int) -> tuple[Person, Chat]:
    """Person and chat, if the person is in it. Raises 404."""
    person, found = world.people.get(user), world.chats.get(chat)
    if person is None or found is None or user not in found.members:
        raise HTTPException(404, "no such person in this chat")
    return person, found


def whole(text: object) -> int:
    """A number from a path, query or form. Raises 422."""
    try:
        return int(str(text))
    except ValueError as error:
        raise HTTPException(422, "user and chat are numbers") from error


async def state(request: Request) -> Response:
    """People, chats with their last message, and the bot's profile."""
    world = world_of(request)
    return JSONResponse(
        {
            "bot": world.profile.me(),
            "people": [vars(person) for person in world.people.values()],
            "chats": [chat_card(world, chat) for chat in world.chats.values() if chat.migrated_to is None],
        }
    )


def chat_card(world: World, chat: Chat) -> dict[str, Any]:
    """A chat for the list."""
    last = next(reversed(world.messages[chat.id].values()), None)
    language = world.people[chat.id].language_code if chat.type is ChatType.PRIVATE else ""
    return {
        "id": chat.id,
        "type": chat.type,
        "title": chat.title or world.profile.name(language),
        "members": chat.members,
        "pinned": chat.pinned,
        "last": answers.page_message(world, last) if last else None,
        "commands": world.profile.commands_for(chat.id, chat.type is ChatType.PRIVATE, language),
        "description": world.profile.description(language),
    }


async def add_person(request: Request) -> Response:
    """Somebody new."""
    asked = await read(request, NewPerson)
    person = world_of(request).add_person(asked.name.strip()[:64] or "?", asked.language_code)
    return JSONResponse({"id": person.id, "chat_id": person.id})


async def add_group(request: Request) -> Response:
    """A group with the bot in it."""
    asked = await read(request, NewGroup)
    world = world_of(request)
    if not asked.members or not set(asked.members) <= set(world.people):
        raise HTTPException(404, "a group needs people who exist")
    return JSONResponse({"id": world.add_group(asked.title, asked.members, asked.bot).id})


async def send(request: Request) -> Response:
    """A person writes; a long text arrives as several messages, as from a Telegram client."""
    asked = await read(request, Written)
    world = world_of(request)
    there(world, asked.user, asked.chat)
    text, _ = trimmed(asked.text, [])
    if not text:
        raise HTTPException(422, "an empty message is not sent")
    parts = [text[start : start + MAX_WRITTEN] for start in range(0, len(text), MAX_WRITTEN)]
    numbers = [hear(world, asked.user, asked.chat, text=part, reply_to=asked.reply_to) for part in parts]
    return JSONResponse({"message_id": numbers[-1], "message_ids": numbers})


def hear(world: World, user: int, chat: int, **content: Any) -> int:
    """A message of a person; returns its number."""
    message: Message = world.drafted(chat, user, **content)
    world.hear(message)
    return message.message_id


async def send_document(request: Request) -> Response:
    """A person sends a file; with `as=photo` the client makes a photo of it."""
    world = world_of(request)
    async with request.form(max_part_size=MAX_UPLOAD_BYTES) as form:
        upload = form.get("document") or form.get("file") or form.get("photo")
        if not isinstance(upload, UploadFile):
            raise HTTPException(422, "no file")
        user, chat = whole(form.get("user")), whole(form.get("chat"))
        there(world, user, chat)
        as_photo = form.get("as") == "photo" or "photo" in form
        content = await stored(world, upload, as_photo)
        caption = str(form.get("caption") or "") or None
    return JSONResponse({"message_id": hear(world, user, chat, caption=caption, **content)})


async def stored(world: World, upload: UploadFile, as_photo: bool) -> dict[str, Any]:
    """The file as message content. Raises 422 in the server's words."""
    try:
        data = await upload.read()
        if as_photo:
            return {"photo": await world.files.keep_photo(data)}
        kept = await world.files.keep_document(data, upload.filename or "file", upload.content_type or "")
    except Refusal as refusal:
        raise HTTPException(422, refusal.description) from refusal
    return {"document": kept.file_id}


async def tap(request: Request) -> Response:
    """A press on a button; also on one that is no longer there, as an old phone would."""
    asked = await read(request, Tapped)
    world = world_of(request)
    there(world, asked.user, asked.chat)
    pressed = world.taps.press(asked.user, asked.chat, asked.message_id, asked.data)
    world.updates.add("callback_query", answers.callback_query(world, pressed))
    world.dirty.set()
    return JSONResponse({"id": pressed.id})


async def tap_state(request: Request) -> Response:
    """Whether and how a press was answered."""
    found = world_of(request).taps.known.get(request.path_params["id"])
    if found is None:
        raise HTTPException(404, "no such tap")
    return JSONResponse(answers.tap_state(found))


async def messages(request: Request) -> Response:
    """A chat as one of its people sees it, oldest first."""
    world = world_of(request)
    chat = whole(request.path_params["chat"])
    there(world, whole(request.query_params.get("user", str(chat))), chat)
    return JSONResponse([answers.page_message(world, message) for message in world.messages[chat].values()])


async def file(request: Request) -> Response:
    """The bytes of a file, as the person has them."""
    world = world_of(request)
    found = world.files.known.get(request.path_params["file_id"])
    if found is None:
        raise HTTPException(404, "no such file")
    name = found.name or "photo.jpg"
    disposition = "inline" if found.photo else "attachment"
    headers = {"x-content-type-options": "nosniff", "cache-control": "private, max-age=31536000, immutable"}
    return FileResponse(
        world.files.path(found),
        media_type=found.mime,
        filename=name,
        content_disposition_type=disposition,
        headers=headers,
    )


async def events(request: Request) -> Response:
    """Everything that happens from now on, as server-sent events."""
    stream = world_of(request).events.stream()
    return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})


ROUTES = [
    Route("/sim/state", state),
    Route("/sim/people", add_person, methods=["POST"]),
    Route("/sim/groups", add_group, methods=["POST"]),
    Route("/sim/send", send, methods=["POST"]),
    Route("/sim/document", send_document, methods=["POST"]),
    Route("/sim/tap", tap, methods=["POST"]),
    Route("/sim/taps/{id}", tap_state),
    Route("/sim/chats/{chat}/messages", messages),
    Route("/sim/files/{file_id}", file),
    Route("/sim/events", events),
]
