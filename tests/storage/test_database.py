"""What a transaction promises: all or nothing, one at a time, and nobody sees what is not committed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from storage.errors import NoRoom
from storage.store import DATABASE, Store
from tests.asking import ANNA, BORIS
from tests.clock import Clock
from tests.waiting import turn

ROOT = Path(__file__).resolve().parents[2]


async def names(store: Store) -> list[int]:
    return [person.id for person in await store.people.all()]


async def test_a_task_outside_sees_only_what_is_committed(store: Store) -> None:
    written, looked = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with store.write():
            await store.people.meet(ANNA, ANNA, "en")
            assert await names(store) == [ANNA]
            written.set()
            await looked.wait()

    writing = asyncio.create_task(write())
    await written.wait()
    assert await names(store) == []
    looked.set()
    await writing
    assert await names(store) == [ANNA]


async def test_an_exception_undoes_everything_inside(store: Store) -> None:
    async def meet_and_fail() -> None:
        async with store.write():
            await store.people.meet(ANNA, ANNA, "en")
            await store.inbox.take(1, ANNA, "{}")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await meet_and_fail()
    assert await names(store) == []
    assert await store.inbox.pending() == ()


async def test_a_failed_inner_write_is_undone_alone(store: Store) -> None:
    async def meet_and_fail() -> None:
        async with store.write():
            await store.people.meet(BORIS, BORIS, "ru")
            raise ZeroDivisionError

    async with store.write():
        await store.people.meet(ANNA, ANNA, "en")
        with pytest.raises(ZeroDivisionError):
            await meet_and_fail()
    assert await names(store) == [ANNA]


async def test_writes_of_many_tasks_come_one_after_another(store: Store) -> None:
    async def add_one() -> None:
        async with store.write():
            row = await store.database.one("SELECT count(*) AS n FROM audit")
            assert row is not None
            await turn()
            await store.audit.note(ANNA, "count", str(row["n"]))

    await asyncio.gather(*(add_one() for _ in range(20)))
    assert sorted(int(note.object) for note in await store.audit.notes(50)) == list(range(20))


async def test_a_task_started_inside_a_write_is_not_part_of_it(store: Store) -> None:
    async with store.write():
        await store.people.meet(ANNA, ANNA, "en")
        other = asyncio.create_task(store.people.meet(BORIS, BORIS, "ru"))
        await turn()
        assert not other.done()
    await other
    assert await names(store) == [ANNA, BORIS]


async def test_a_canceled_write_is_undone_and_the_next_one_works(store: Store) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with store.write():
            await store.people.meet(ANNA, ANNA, "en")
            inside.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(write())
    await inside.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await store.people.meet(BORIS, BORIS, "ru")
    assert await names(store) == [BORIS]


@pytest.mark.parametrize("turns", range(6))
async def test_a_write_canceled_at_any_moment_leaves_all_or_nothing(store: Store, turns: int) -> None:
    async def write() -> None:
        async with store.write():
            await store.people.meet(ANNA, ANNA, "en")
            await store.inbox.take(1, ANNA, "{}")

    writing = asyncio.create_task(write())
    for _ in range(turns):
        await turn()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await store.people.meet(BORIS, BORIS, "ru")
    assert (ANNA in await names(store)) == (len(await store.inbox.pending()) == 1)


async def test_what_is_to_be_done_afterwards_waits_for_the_commit_and_dies_with_a_rollback(store: Store) -> None:
    done: list[str] = []

    async def note(word: str) -> None:
        done.append(word)

    async def note_and_fail() -> None:
        async with store.write():
            await store.database.afterwards(lambda: note("undone"))
            raise ZeroDivisionError

    async with store.write():
        await store.database.afterwards(lambda: note("committed"))
        assert done == []
    assert done == ["committed"]
    with pytest.raises(ZeroDivisionError):
        await note_and_fail()
    await store.people.meet(ANNA, ANNA, "en")
    assert done == ["committed"]
    await store.database.afterwards(lambda: note("at once"))
    assert done == ["committed", "at once"]


async def test_maintenance_inside_a_write_is_refused_instead_of_waiting_for_ever(store: Store) -> None:
    async with store.write():
        with pytest.raises(RuntimeError):
            await store.database.maintain("VACUUM")


async def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(sqlite.OperationalError, match="readonly"):
        await store.database.all("DELETE FROM people")


async def test_a_lock_held_by_another_process_is_waited_for(store: Store) -> None:
    with closing(sqlite.connect(str(store.folder / DATABASE), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        meeting = asyncio.create_task(store.people.meet(ANNA, ANNA, "en"))
        assert await names(store) == []  # reading goes on
        assert not meeting.done()
        other.execute("COMMIT")
        await meeting
    assert await names(store) == [ANNA]


async def test_the_connection_is_set_up_to_lose_nothing(store: Store) -> None:
    async with store.write():
        found = {
            name: (await store.database.all(f"PRAGMA {name}"))[0].get(name)
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


async def test_two_stores_of_one_folder_see_each_other(store: Store, clock: Clock, tmp_path: Path) -> None:
    other = await Store.open(tmp_path / "data", clock)
    try:
        await store.people.meet(ANNA, ANNA, "en")
        assert await names(other) == [ANNA]
    finally:
        await other.close()


def test_a_process_that_crashes_with_an_open_store_ends(tmp_path: Path) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from storage.store import Store

async def crash(folder):
    store = await Store.open(Path(folder))
    raise SystemExit(3)

asyncio.run(crash(sys.argv[1]))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "data")]
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=30).returncode == 3


def commits(log: bytes) -> int:
    """How many commits lie in a write-ahead log: a frame that ends one names the database's size."""
    page_bytes = int.from_bytes(log[8:12], "big")
    frames = range(32, len(log), 24 + page_bytes)
    return sum(int.from_bytes(log[at + 4 : at + 8], "big") > 0 and log[at + 8 : at + 16] == log[16:24] for at in frames)


async def test_tasks_that_wait_for_each_other_share_a_commit_and_one_that_fails_is_undone_alone(store: Store) -> None:
    async def meet(number: int) -> None:
        async with store.write():
            await store.people.meet(number, number, "en")
            if number == 7:
                raise ZeroDivisionError

    await store.people.meet(BORIS, BORIS, "ru")
    log = store.folder / f"{DATABASE}-wal"
    before = commits(log.read_bytes())
    ended = await asyncio.gather(*(meet(number) for number in range(1, 21)), return_exceptions=True)
    assert [type(one) for one in ended if one is not None] == [ZeroDivisionError]
    assert sorted(await names(store)) == sorted({*range(1, 21), BORIS} - {7})
    assert commits(log.read_bytes()) - before <= 3


async def test_nobody_who_shares_a_commit_goes_on_before_it(store: Store) -> None:
    first, second = asyncio.Event(), asyncio.Event()

    async def write(number: int, inside: asyncio.Event) -> None:
        async with store.write():
            await store.people.meet(number, number, "en")
            await inside.wait()

    one, two = (asyncio.create_task(write(n, event)) for n, event in ((1, first), (2, second)))
    await turn()
    first.set()
    await until_waiting(two, store)
    assert not one.done()
    assert await names(store) == []
    second.set()
    await asyncio.gather(one, two)
    assert await names(store) == [1, 2]


async def until_waiting(task: asyncio.Task[None], store: Store) -> None:
    """Until a task is inside its write, or the loop has turned often."""
    for _ in range(10_000):
        if store.database._transactions._holder is task:
            return
        await turn()
    raise AssertionError("it never got in")


async def test_a_disk_that_refuses_a_shared_commit_lets_none_of_them_go_on(store: Store) -> None:
    rows = await store.database.all("PRAGMA page_count")
    await store.database.maintain(f"PRAGMA max_page_count = {rows[0]['page_count'] + 2}")

    async def take(number: int) -> None:
        async with store.write():
            await store.inbox.take(number, ANNA, "x" * 3000)
            await turn()

    ended = await asyncio.gather(*(take(number) for number in range(1, 21)), return_exceptions=True)
    kept = {number for number, error in enumerate(ended, 1) if error is None}
    assert any(isinstance(error, NoRoom) for error in ended)
    assert {update for update, _ in await store.inbox.pending()} == kept
    await store.database.maintain("PRAGMA max_page_count = 100000")
    await store.inbox.take(99, ANNA, "again")
    assert 99 in {update for update, _ in await store.inbox.pending()}
