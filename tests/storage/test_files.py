"""Bytes by content hash: whole or not there, found damaged before use, and gone when nothing names them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from storage.errors import FileDamaged, FileMissing
from storage.records import ContentHash
from storage.requests import ExportAnswer
from storage.states import Urgency
from storage.store import FILES
from tests.asking import ANNA, Desk, training
from tests.clock import Clock

TWO_HOURS = 2.0


def on_disk(desk: Desk) -> set[str]:
    return {path.parent.name + path.name for path in (desk.store.folder / FILES).glob("*/*")}


def grow_old(path: Path) -> None:
    os.utime(path, (0, 0))


async def test_the_same_bytes_are_stored_once(desk: Desk) -> None:
    first = await desk.store.files.put(b"a fox", ".png")
    assert await desk.store.files.put(b"a fox", ".png") == first
    assert on_disk(desk) == {first}
    assert await desk.store.files.read(first) == b"a fox"
    assert desk.store.files.path(first).read_bytes() == b"a fox"


async def test_damage_is_found_before_use_and_mended_by_storing_again(desk: Desk) -> None:
    file = await desk.store.files.put(b"a fox", ".png")
    desk.store.files.path(file).write_bytes(b"a fix")
    with pytest.raises(FileDamaged):
        await desk.store.files.read(file)
    await desk.store.files.put(b"a fox", ".png")
    assert await desk.store.files.read(file) == b"a fox"
    desk.store.files.path(file).unlink()
    with pytest.raises(FileMissing):
        await desk.store.files.read(file)
    await desk.store.files.put(b"a fox", ".png")
    assert await desk.store.files.read(file) == b"a fox"


async def test_bytes_and_their_name_are_on_the_disk_before_the_row_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    to_disk = os.fsync

    def counted(handle: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "bytes")
        to_disk(handle)

    monkeypatch.setattr(os, "fsync", counted)  # the system's own call, counted on its way
    await desk.store.files.put(b"a fox", ".png")
    assert synced[-2:] == ["bytes", "folder"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "ab", "G" * 64])
async def test_a_name_that_is_no_hash_leads_nowhere(desk: Desk, name: str) -> None:
    with pytest.raises(ValueError, match="no content hash"):
        desk.store.files.path(ContentHash(name))


async def test_only_old_files_that_nothing_names_are_swept(desk: Desk, clock: Clock) -> None:
    _, (picture, *_) = await desk.payload_of(ANNA, 2)
    asked = await desk.store.files.put(b"asked for", ".png")
    made = await desk.store.files.put(b"made", ".zip")
    pending_file = await desk.store.files.put(b"pending", ".png")
    orphan = await desk.store.files.put(b"nobody's", ".png")
    take = await desk.asks(ANNA)
    claimed = await desk.claims()
    answer = ExportAnswer(file=made, filename="ink.zip", size_bytes=4)
    await desk.store.leases.finish(take.id, claimed.lease_token, answer)
    await desk.asks(ANNA, training(asked))
    await desk.store.outbox.enqueue(ANNA, f'{{"file": "{pending_file}"}}', urgency=Urgency.EVENT)
    clock.advances(hours=TWO_HOURS)
    young = await desk.store.files.put(b"young", ".png")
    assert await desk.store.files.sweep() == 1
    left = on_disk(desk)
    assert orphan not in left
    assert {picture.file, asked, made, pending_file, young} <= left


async def test_an_export_goes_an_hour_after_it_was_said_and_sent(desk: Desk, clock: Clock) -> None:
    take = await desk.asks(ANNA)
    claimed = await desk.claims()
    made = await desk.store.files.put(b"made", ".zip")
    answer = ExportAnswer(file=made, filename="ink.zip", size_bytes=4)
    await desk.store.leases.finish(take.id, claimed.lease_token, answer)
    clock.advances(hours=TWO_HOURS)
    await desk.store.files.sweep()
    assert made in on_disk(desk)
    await desk.store.outbox.enqueue(ANNA, f'{{"file": "{made}"}}', urgency=Urgency.EVENT)
    await desk.store.queue.notified(take.id, (await desk.sees(take)).version)
    clock.advances(hours=TWO_HOURS)
    await desk.store.files.sweep()
    assert made in on_disk(desk)
    pending = await desk.store.outbox.next_for(ANNA)
    assert pending is not None
    await desk.store.outbox.sent(pending.id)
    await desk.store.files.sweep()
    assert made not in on_disk(desk)


async def test_what_kills_left_on_the_disk_is_swept_when_it_is_old(desk: Desk) -> None:
    folder = desk.store.folder / FILES / "ab"
    folder.mkdir()
    half, rowless, fresh = folder / "half.tmp", folder / ("0" * 62), folder / "fresh.tmp"
    for path in (half, rowless, fresh):
        path.write_bytes(b"x")
    grow_old(half)
    grow_old(rowless)
    await desk.store.files.sweep()
    assert {path.name for path in folder.iterdir()} == {"fresh.tmp"}


async def test_files_stay_when_the_transaction_that_drops_them_is_undone(desk: Desk) -> None:
    file = await desk.store.files.put(b"a fox", ".png")

    async def drop_and_fail() -> None:
        async with desk.store.write():
            await desk.store.files.drop_unneeded([file])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await drop_and_fail()
    assert await desk.store.files.read(file) == b"a fox"
    await desk.store.files.drop_unneeded([file])
    assert on_disk(desk) == set()
