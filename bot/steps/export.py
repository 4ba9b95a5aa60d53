"""Everything that is kept of a person as zips: their rows as JSON, their pictures and seals as files.

The same content makes the same bytes. Each part is a zip of its own, small enough for Telegram.
"""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from storage.documents import dump
from storage.errors import StorageError
from storage.files import FileFolder
from storage.records import ContentHash, Person
from storage.states import PictureRole
from storage.store import Store

ROOM_BYTES = 45 * 10**6  # below what Telegram takes in one document
SUFFIX_OF_SEALS = ".safetensors"
ALWAYS = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip knows


@dataclass(frozen=True)
class Piece:
    """A file, or bytes `start` to `end` of one that is larger than a part."""

    name: str
    file: ContentHash
    start: int
    end: int


@dataclass
class Part:
    """One zip. The first holds the rows."""

    number: int
    document: str = ""
    pieces: list[Piece] = field(default_factory=list)
    size_bytes: int = 0


async def parts_of(store: Store, person: Person, room_bytes: int = ROOM_BYTES) -> tuple[list[Part], int]:
    """What goes into which part, and how many files are not on the disk any more."""
    quests: list[tuple[object, ...]] = []
    files: dict[str, ContentHash] = {}
    for quest in sorted(await store.quests.of(person.id), key=lambda quest: quest.id):
        pictures = [p for role in PictureRole for p in await store.pictures.of_quest(quest.id, role)]
        seals = await store.seals.of_quest(quest.id)
        candidates = await store.candidates.of(quest.id)
        quests.append((quest, pictures, candidates, seals, await store.queue.of_quest(quest.id)))
        files |= {f"quest-{quest.id}/{seal.trigger}-{seal.step}{SUFFIX_OF_SEALS}": seal.adapter for seal in seals}
        files |= {f"quest-{quest.id}/{picture.role}/{picture.id}.png": picture.file for picture in pictures}
    return await asyncio.to_thread(_plan, person, quests, files, store.files.folder, room_bytes)


def pack(part: Part, folder: FileFolder) -> bytes:
    """The zip of a part."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        if part.document:
            info = zipfile.ZipInfo("everything.json", ALWAYS)
            archive.writestr(info, part.document, zipfile.ZIP_DEFLATED)
        for piece in part.pieces:
            try:
                data = folder.read(piece.file)[piece.start : piece.end]
            except StorageError:
                continue
            archive.writestr(zipfile.ZipInfo(piece.name, ALWAYS), data, zipfile.ZIP_STORED)
    return whole.getvalue()


def _plan(
    person: Person,
    quests: list[tuple[object, ...]],
    files: Mapping[str, ContentHash],
    folder: FileFolder,
    room_bytes: int,
) -> tuple[list[Part], int]:
    document = _document(person, quests)
    parts, missing = [Part(1, document, size_bytes=len(document.encode()))], 0
    for name, file in files.items():
        try:
            size = folder.path(file).stat().st_size
        except FileNotFoundError:
            missing += 1
            continue
        for piece in _pieces(name, file, size, room_bytes):
            length = piece.end - piece.start
            if parts[-1].pieces and parts[-1].size_bytes + length > room_bytes:
                parts.append(Part(len(parts) + 1))
            parts[-1].pieces.append(piece)
            parts[-1].size_bytes += length
    return parts, missing


def _pieces(name: str, file: ContentHash, size: int, room_bytes: int) -> list[Piece]:
    """A file larger than a part is cut into name.001, name.002, …: put together again by `cat`."""
    if size <= room_bytes:
        return [Piece(name, file, 0, size)]
    starts = range(0, size, room_bytes)
    return [Piece(f"{name}.{n:03}", file, start, min(start + room_bytes, size)) for n, start in enumerate(starts, 1)]


def _document(person: Person, quests: list[tuple[object, ...]]) -> str:
    names = ("quest", "pictures", "candidates", "seals", "jobs")
    plain = [{name: _plain(value) for name, value in zip(names, quest, strict=True)} for quest in quests]
    return json.dumps({"person": _plain(person), "quests": plain}, ensure_ascii=False, indent=1)


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return json.loads(dump(value))
