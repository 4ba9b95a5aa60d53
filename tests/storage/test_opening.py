"""A database is born whole, checked at every start, and never replaced silently by an empty one."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from storage.errors import DatabaseDamaged, DatabaseMissing, SchemaNewer, SqliteTooOld
from storage.opening import MIGRATIONS, check_library, prepare
from storage.store import DATABASE, Store
from tests.asking import ANNA

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"


def schema_of(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite.connect(str(path))) as connection:
        return list(connection.execute(SCHEMA))


def later_migrations(folder: Path, *scripts: str) -> Path:
    """Today's migrations and these after them."""
    folder.mkdir()
    for step in MIGRATIONS.glob("*.sql"):
        (folder / step.name).write_text(step.read_text())
    for number, script in enumerate(scripts, 1):
        (folder / f"2099_01_0{number}_later.sql").write_text(script)
    return folder


def earlier_migrations(folder: Path, day: str) -> Path:
    """Those of the days before this one."""
    folder.mkdir()
    for step in MIGRATIONS.glob("*.sql"):
        if step.name < day:
            (folder / step.name).write_text(step.read_text())
    return folder


def test_the_migrations_lead_to_exactly_todays_schema(tmp_path: Path) -> None:
    prepare(tmp_path / "migrated")
    with closing(sqlite.connect(str(tmp_path / "today"))) as today:
        today.executescript((ROOT / "storage" / "schema.sql").read_text())
    assert schema_of(tmp_path / "migrated") == schema_of(tmp_path / "today")


def test_a_library_with_the_wal_reset_bug_is_refused() -> None:
    with pytest.raises(SqliteTooOld) as refused:
        check_library((3, 51, 2))
    assert refused.value.facts == {"found": "3.51.2"}
    check_library((3, 51, 3))


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    prepare(path, later_migrations(tmp_path / "later", "CREATE TABLE later (id INTEGER) STRICT;"))
    before = schema_of(path)
    with pytest.raises(SchemaNewer):
        prepare(path)
    assert schema_of(path) == before


def test_an_older_database_is_upgraded_and_a_copy_of_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    prepare(path)
    before = schema_of(path)
    prepare(path, later_migrations(tmp_path / "later", "CREATE TABLE later (id INTEGER) STRICT;"))
    assert "later" in {name for _, name, _, _ in schema_of(path)}
    (copy,) = tmp_path.glob("*.before-*")
    assert schema_of(copy) == before


async def test_a_style_keeps_its_emphasis_from_when_it_was_called_strength(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    prepare(path, earlier_migrations(tmp_path / "earlier", "2026_11_27"))
    with closing(sqlite.connect(str(path))) as before, before:
        before.execute("INSERT INTO people (id, chat_id, language, created) VALUES (?, ?, 'en', 0)", (ANNA, ANNA))
        before.execute(
            "INSERT INTO quests (id, owner, chat_id, step, stage, style, recipe, created, updated)"
            """ VALUES (1, ?, ?, 'hunt', 'album', '{"modifiers": "ink", "strength": -2}', '{}', 0, 0)""",
            (ANNA, ANNA),
        )
    store = await Store.open(tmp_path)
    (quest,) = await store.quests.of(ANNA)
    await store.close()
    assert (quest.style.modifiers, quest.style.emphasis) == ("ink", -2)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    prepare(path)
    before = schema_of(path)
    broken = later_migrations(tmp_path / "later", "CREATE TABLE later (id INTEGER) STRICT; DROP TABLE nowhere;")
    with pytest.raises(sqlite.OperationalError):
        prepare(path, broken)
    assert schema_of(path) == before


def test_processes_that_start_in_the_same_moment_make_one_database(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(prepare, [tmp_path / DATABASE] * 8))
    assert schema_of(tmp_path / DATABASE)
    assert list(tmp_path.glob("*.new*")) == []


@pytest.mark.parametrize("failpoint", ["migration:1", "rename-before:1", "rename-after:1"])
def test_a_birth_cut_short_is_begun_again(tmp_path: Path, failpoint: str) -> None:
    script = "from pathlib import Path; from storage.opening import prepare; import sys; prepare(Path(sys.argv[1]))"
    path = tmp_path / DATABASE
    environment = {**os.environ, "STYLESEAL_FAILPOINT": failpoint}
    died = subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, env=environment, check=False)
    assert died.returncode == 137
    prepare(path)
    assert schema_of(path)
    assert list(tmp_path.glob("*.new*")) == []


async def test_an_empty_database_file_is_damage(tmp_path: Path) -> None:
    (tmp_path / DATABASE).touch()
    with pytest.raises(DatabaseDamaged):
        await Store.open(tmp_path)
    assert (tmp_path / DATABASE).stat().st_size == 0


async def test_files_without_a_database_are_not_started_on(tmp_path: Path) -> None:
    store = await Store.open(tmp_path)
    await store.files.put(b"a picture", ".png")
    await store.close()
    (tmp_path / DATABASE).unlink()
    with pytest.raises(DatabaseMissing):
        await Store.open(tmp_path)
    assert not (tmp_path / DATABASE).exists()


@pytest.mark.parametrize("at", [0, 4096 * 3])
async def test_a_spoilt_page_is_found_at_the_start_and_kept_as_evidence(tmp_path: Path, at: int) -> None:
    store = await Store.open(tmp_path)
    await store.people.meet(ANNA, ANNA, "en")
    await store.close()
    path = tmp_path / DATABASE
    spoilt = bytearray(path.read_bytes())
    spoilt[at : at + 512] = b"\xa5" * 512
    path.write_bytes(spoilt)
    with pytest.raises(DatabaseDamaged):
        await Store.open(tmp_path)
    assert path.read_bytes() == spoilt


async def test_a_truncated_log_loses_only_what_was_not_synced(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "data")
    await store.people.meet(ANNA, ANNA, "en")
    cut = tmp_path / "cut"
    cut.mkdir()
    log = (tmp_path / "data" / f"{DATABASE}-wal").read_bytes()
    (cut / DATABASE).write_bytes((tmp_path / "data" / DATABASE).read_bytes())
    (cut / f"{DATABASE}-wal").write_bytes(log[: len(log) - 100])
    await store.close()
    reopened = await Store.open(cut)
    try:
        assert await reopened.people.all() == ()
        assert await reopened.database.all("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    finally:
        await reopened.close()
