"""Everything of a person comes whole, in parts that Telegram takes, the same bytes for the same content."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile

from bot.steps.export import pack, parts_of
from bot.telegram.packing import Packing
from storage.store import Store
from tests.cast import Traveller

SMALL = 150


async def test_a_large_export_comes_whole_in_parts_that_fit(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    person = await store.people.find(anna.id)
    assert person is not None
    parts, missing = await parts_of(store, person, room_bytes=SMALL)
    assert missing == 0
    assert len(parts) > 1
    found: dict[str, bytes] = {}
    for part in parts:
        archive = zipfile.ZipFile(io.BytesIO(pack(part, store.files.folder)))
        assert sum(piece.end - piece.start for piece in part.pieces) <= SMALL
        found |= {name: archive.read(name) for name in archive.namelist()}
    (quest,) = await store.quests.of(anna.id)
    for picture in anna.albums()[-1].pictures:
        whole = await store.files.read(picture.file)
        assert whole in {
            b"".join(found[name] for name in sorted(found) if name.startswith(stem))
            for stem in {name.removesuffix(f".{name[-3:]}") if name[-3:].isdigit() else name for name in found}
        }
    assert quest.owner == anna.id


async def test_the_same_content_makes_the_same_file(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    person = await store.people.find(anna.id)
    assert person is not None
    packed = [pack((await parts_of(store, person))[0][0], store.files.folder) for _ in range(2)]
    assert packed[0] == packed[1]


async def test_who_asks_twice_gets_it_once_and_who_forgets_gets_nothing(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.says("/export")
    await anna.says("/export")
    assert "already" in anna.newest()
    await store.people.forget(anna.id)
    assert not await Packing(store).work()
    assert await store.outbox.next_for(anna.id) is None


async def test_others_write_while_an_export_is_packed(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.says("/export")
    slow = store.files.path(anna.albums()[-1].pictures[0].file)
    whole = slow.read_bytes()
    slow.unlink()
    os.mkfifo(slow)  # reading it lasts until somebody writes into it
    packing = asyncio.create_task(Packing(store).work())
    with await asyncio.to_thread(slow.open, "wb") as pipe:
        async with asyncio.timeout(5):
            await store.people.meet(8002, 8002, "en")
        assert not packing.done()
        pipe.write(whole)
    assert await packing
