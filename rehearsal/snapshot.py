"""Keeps the world on disk, so that a restarted rehearsal goes on. Never lets a number come twice."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rehearsal.polling import Waiting
from rehearsal.records import Chat, ChatType, Message, Person, Standing, StoredFile, TapRecord
from rehearsal.world import World

FILE = "world.json"
DEBOUNCE_SECONDS = 0.5
UNSEEN_NUMBERS = 1000  # more than can be given out between two snapshots; skipped after a restart


def body_of(world: World) -> dict[str, Any]:
    """The world as JSON. No tokens: the world never had any."""
    return {
        "next": [world.next_message, world.next_person, world.next_group, world.updates.next_id],
        "people": [asdict(person) for person in world.people.values()],
        "chats": [asdict(chat) for chat in world.chats.values()],
        "messages": [asdict(message) for chat in world.messages.values() for message in chat.values()],
        "files": [asdict(file) for file in world.files.known.values()],
        "taps": [asdict(tap) for tap in world.taps.known.values()],
        "updates": [asdict(update) for update in world.updates.waiting],
        "allowed": world.updates.allowed,
        "profile": asdict(world.profile),
    }


def save(world: World) -> None:
    """Writes the world: a whole file or none."""
    write(world.folder, json.dumps(body_of(world), ensure_ascii=False))


def write(folder: Path, text: str) -> None:
    """tmp → fsync → rename."""
    folder.mkdir(parents=True, exist_ok=True)
    tmp = folder / f"{FILE}.tmp"
    with tmp.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    tmp.replace(folder / FILE)


def restore(world: World) -> bool:
    """Fills an empty world from its folder; False when nothing lies there (or nothing readable)."""
    try:
        body = json.loads((world.folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    fill(world, body)
    return True


def fill(world: World, body: dict[str, Any]) -> None:
    """Puts a snapshot into the world."""
    message, person, group, update = body["next"]
    world.next_message = max(world.next_message, message + UNSEEN_NUMBERS)
    world.updates.next_id = max(world.updates.next_id, update + UNSEEN_NUMBERS)
    world.next_person, world.next_group = person, group
    world.people = {one["id"]: Person(**one) for one in body["people"]}
    for one in body["chats"]:
        world.add_chat(Chat(**{**one, "type": ChatType(one["type"]), "bot": Standing(one["bot"])}))
    for one in body["messages"]:
        world.messages[one["chat_id"]][one["message_id"]] = Message(**one)
    world.files.known = {one["file_id"]: StoredFile(**one) for one in body["files"]}
    world.taps.known = {one["id"]: TapRecord(**one) for one in body["taps"]}
    world.updates.waiting = [Waiting(**one) for one in body["updates"]]
    world.updates.allowed = body["allowed"]
    for name, value in body["profile"].items():
        setattr(world.profile, name, value)


async def keep_saving(world: World) -> None:
    """Writes a snapshot a moment after each change, until cancelled; then the last one."""
    try:
        while True:
            await world.dirty.wait()
            await asyncio.sleep(DEBOUNCE_SECONDS)
            world.dirty.clear()
            await asyncio.to_thread(write, world.folder, json.dumps(body_of(world), ensure_ascii=False))
    finally:
        with suppress(OSError):
            save(world)
