"""Power cuts and hangs: what was acknowledged is there, whatever the disk had not written yet is not half there."""

from __future__ import annotations

import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from storage.beats import age_seconds, beat
from storage.scrub import drop_copies
from storage.store import DATABASE, Store
from tests.asking import ANNA, Desk

TAKEN = 60


async def test_every_acknowledged_update_is_in_a_copy_cut_at_a_random_moment(tmp_path: Path) -> None:
    """After each commit the log is as long as what was synced; a cut drops any part of what came after."""
    chance = random.Random(7)
    store = await Store.open(tmp_path / "data")
    log = tmp_path / "data" / f"{DATABASE}-wal"
    for number in range(TAKEN):
        await store.inbox.take(number, ANNA, "x" * chance.randrange(1, 3000))
        synced = log.stat().st_size
        if number % 6:
            continue
        copy = tmp_path / f"cut-{number}"
        copy.mkdir()
        shutil.copyfile(tmp_path / "data" / DATABASE, copy / DATABASE)
        whole = log.read_bytes()
        (copy / log.name).write_bytes(whole[:synced] + whole[:1] * chance.randrange(0, 4000))
        cut = await Store.open(copy)
        assert [update for update, _ in await cut.inbox.pending()] == list(range(number + 1))
        assert await cut.database.all("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        await cut.close()
    await store.close()


async def test_a_cut_inside_the_last_commit_loses_that_one_whole_and_no_other(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "data")
    log = tmp_path / "data" / f"{DATABASE}-wal"
    await store.inbox.take(1, ANNA, "one")
    before = log.stat().st_size
    await store.inbox.take(2, ANNA, "y" * 9000)
    whole = log.read_bytes()
    for number, end in enumerate((before, before + 100, len(whole) - 4096, len(whole) - 1)):
        copy = tmp_path / f"cut-{number}"
        copy.mkdir()
        shutil.copyfile(tmp_path / "data" / DATABASE, copy / DATABASE)
        (copy / log.name).write_bytes(whole[:end])
        cut = await Store.open(copy)
        assert [update for update, _ in await cut.inbox.pending()] == [1]
        await cut.close()
    await store.close()


def test_a_beat_has_an_age_that_no_clock_changes_and_none_from_an_earlier_start(tmp_path: Path) -> None:
    assert age_seconds(tmp_path, "bot") is None
    beat(tmp_path, "bot", now_ms=1000)
    assert age_seconds(tmp_path, "bot", now_ms=4500) == 3.5
    (tmp_path / "bot.beat").write_text("another-boot 1000\n")
    assert age_seconds(tmp_path, "bot", now_ms=4500) is None
    (tmp_path / "bot.beat").write_text("")
    assert age_seconds(tmp_path, "bot") is None


async def test_copies_made_before_migrations_go_in_time_and_when_somebody_is_forgotten(desk: Desk) -> None:
    path = desk.store.folder / DATABASE
    copy = path.with_name(f"{DATABASE}.before-2")
    copy.write_bytes(b"ANNA")
    drop_copies(path, older_than=copy.stat().st_mtime)
    assert copy.exists()
    drop_copies(path, older_than=copy.stat().st_mtime + 1)
    assert not copy.exists()
    copy.write_bytes(b"ANNA")
    await desk.quest_of(ANNA)
    await desk.store.people.forget(ANNA)
    assert not copy.exists()


@pytest.mark.parametrize("seed", range(3))
async def test_a_forgotten_person_is_in_no_gap_between_rows_that_moved(desk: Desk, seed: int) -> None:
    """Pages that were rebuilt keep stale copies of moved rows, which deleting alone does not reach."""
    chance, store = random.Random(seed), desk.store
    for user in (ANNA, ANNA + 1, ANNA + 2):
        await desk.quest_of(user)
    for number in range(600):
        user = ANNA + chance.randrange(3)
        word = f"PERSON{user}-" + "y" * chance.randrange(5, 90)
        await store.inbox.remember_tap(user, chance.randrange(9999), f"{word}{number}", "t")
    await store.people.forget(ANNA)
    assert await store.moments.since("scrub") is None
    data = b"".join(p.read_bytes() for p in store.folder.rglob("*") if p.is_file())
    assert f"PERSON{ANNA}-".encode() not in data
    with closing(sqlite.connect(str(store.folder / DATABASE))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
