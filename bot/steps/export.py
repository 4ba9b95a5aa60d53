"""Everything that is kept of a person as one zip: their rows as JSON, their pictures and seals as files."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile

from storage.documents import dump
from storage.errors import StorageError
from storage.records import ContentHash, Person
from storage.states import PictureRole
from storage.store import Store

ROOM_BYTES = 45 * 10**6  # below what Telegram takes in one document; what does not fit is counted
SUFFIX_OF_SEALS = ".safetensors"


async def everything_of(store: Store, person: Person) -> tuple[bytes, int]:
    """The zip's bytes, and how many files had no room in it."""
    documents: dict[str, object] = {"person": json.loads(dump(person)), "quests": []}
    files: dict[str, ContentHash] = {}
    quests: list[object] = []
    for quest in await store.quests.of(person.id):
        pictures = [p for role in PictureRole for p in await store.pictures.of_quest(quest.id, role)]
        seals = await store.seals.of_quest(quest.id)
        quests.append(
            {
                "quest": json.loads(dump(quest)),
                "pictures": [json.loads(dump(picture)) for picture in pictures],
                "candidates": [json.loads(dump(candidate)) for candidate in await store.candidates.of(quest.id)],
                "seals": [json.loads(dump(seal)) for seal in seals],
                "jobs": [json.loads(dump(job)) for job in await store.jobs.of_quest(quest.id)],
            }
        )
        files |= {f"quest-{quest.id}/{seal.trigger}-{seal.step}{SUFFIX_OF_SEALS}": seal.adapter for seal in seals}
        files |= {f"quest-{quest.id}/{picture.role}/{picture.id}.png": picture.file for picture in pictures}
    documents["quests"] = quests
    return await asyncio.to_thread(_zipped, json.dumps(documents, ensure_ascii=False, indent=1), files, store)


def _zipped(document: str, files: dict[str, ContentHash], store: Store) -> tuple[bytes, int]:
    whole, left_out = io.BytesIO(), 0
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("everything.json", document, zipfile.ZIP_DEFLATED)
        for name, file in files.items():
            try:
                data = store.files.folder.read(file)
            except StorageError:
                left_out += 1
                continue
            if whole.tell() + len(data) > ROOM_BYTES:
                left_out += 1
                continue
            archive.writestr(name, data, zipfile.ZIP_STORED)  # PNG and weights do not shrink
    return whole.getvalue(), left_out
