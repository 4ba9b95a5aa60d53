"""A copy made while others write is whole, and life goes on from it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from storage.backup import back_up, check, restore
from storage.errors import DatabaseDamaged, DatabaseMissing, FileDamaged, FileMissing, StorageError
from storage.states import JobState
from storage.store import DATABASE, FILES, Store
from tests.asking import ANNA, BORIS, CHUN, Desk


async def test_a_copy_made_under_load_is_whole_and_unfinished_jobs_go_on_in_it(desk: Desk, tmp_path: Path) -> None:
    _, (picture, *_) = await desk.payload_of(ANNA, 3)
    asked = await desk.asks(ANNA)
    stop = asyncio.Event()

    async def keep_busy() -> int:
        rounds = 0
        while not stop.is_set():
            await desk.payload_of(BORIS if rounds % 2 else CHUN, 2)
            rounds += 1
        return rounds

    await desk.claims("lost with the machine")
    busy = asyncio.create_task(keep_busy())
    await back_up(desk.store, tmp_path / "copy")
    stop.set()
    assert await busy > 0
    restore(tmp_path / "copy", tmp_path / "elsewhere")
    reborn = await Store.open(tmp_path / "elsewhere", desk.clock)
    try:
        assert await reborn.files.read(picture.file)
        await reborn.leases.release_of_dead_engines("new machine")
        job = await reborn.queue.find(asked.id)
        assert job is not None
        assert job.state is JobState.QUEUED
    finally:
        await reborn.close()


async def test_a_copy_holds_only_what_the_database_names(desk: Desk, tmp_path: Path) -> None:
    _, pictures = await desk.payload_of(ANNA, 2)
    stray = desk.store.folder / FILES / "ab" / ("0" * 62)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"stray")
    await back_up(desk.store, tmp_path / "copy")
    copied = {path.parent.name + path.name for path in (tmp_path / "copy" / FILES).glob("*/*")}
    assert copied == {picture.file for picture in pictures}


async def test_a_copy_that_is_not_whole_is_named_for_what_it_lacks(desk: Desk, tmp_path: Path) -> None:
    _, (picture,) = await desk.payload_of(ANNA, 1)
    copy = tmp_path / "copy"
    await back_up(desk.store, copy)
    file = copy / FILES / picture.file[:2] / picture.file[2:]
    file.write_bytes(b"rot")
    with pytest.raises(FileDamaged):
        check(copy)
    file.unlink()
    with pytest.raises(FileMissing):
        check(copy)
    (copy / DATABASE).write_bytes(b"no database at all, not even a little one" * 99)
    with pytest.raises(DatabaseDamaged):
        check(copy)
    (copy / DATABASE).unlink()
    with pytest.raises(DatabaseMissing):
        check(copy)


async def test_a_copy_is_not_put_over_a_living_database(desk: Desk, tmp_path: Path) -> None:
    await back_up(desk.store, tmp_path / "copy")
    with pytest.raises(StorageError, match="already"):
        restore(tmp_path / "copy", desk.store.folder)


async def test_a_backup_never_overwrites_another(desk: Desk, tmp_path: Path) -> None:
    await back_up(desk.store, tmp_path / "copy")
    with pytest.raises(FileExistsError):
        await back_up(desk.store, tmp_path / "copy")
