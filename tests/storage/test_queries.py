"""Named queries: each says what it is for, each is used, and none reads a whole growing table to find a few rows."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from storage.opening import prepare
from storage.queries import FOLDER, queries

STORAGE = FOLDER.parent
NOUNS = sorted(path.stem for path in FOLDER.glob("*.sql"))
ALL = [(noun, name) for noun in NOUNS for name in queries(noun)]
SHORT = (
    "jobs_one_live_a_key",
    "jobs_to_tell",
    "outbox_owed",
    "outbox_answers",
    "inbox_new",
)  # indexes of what is not done
GROWING = ("jobs", "outbox", "inbox", "pictures", "candidates", "losses", "taps", "files", "checkpoints", "seals")
WHOLE_TABLE_IS_MEANT = {
    ("files", "all"),  # a sweep compares the whole disk with all rows
    ("files", "without_rows"),  # so does this
    ("files", "named_by_jobs"),
    ("files", "named_by_outbox"),
    ("outbox", "tidy"),  # once an hour
    ("outbox", "tidy_uploads"),
    ("inbox", "tidy_inbox"),
    ("inbox", "tidy_taps"),
}


@pytest.mark.parametrize(("noun", "name"), ALL)
def test_a_query_opens_with_one_sentence(noun: str, name: str) -> None:
    first = queries(noun)[name].strip().splitlines()[0]
    assert re.fullmatch(r"-- [A-Z].*[.,;)]?", first), first


def test_every_query_is_used_and_every_used_query_exists() -> None:
    quoted: set[str] = set()
    for path in STORAGE.glob("*.py"):
        quoted.update(re.findall(r'"(\w+)"', path.read_text()))
    assert [f"{noun}.{name}" for noun, name in ALL if name not in quoted] == []
    for path in STORAGE.glob("*.py"):
        text = path.read_text()
        noun = re.search(r'^SQL = queries\("(\w+)"\)$', text, re.MULTILINE)
        if noun:
            asked = set(re.findall(r'SQL\["(\w+)"\]', text))
            assert asked <= set(queries(noun[1])), path.name


@pytest.mark.parametrize(("noun", "name"), [pair for pair in ALL if pair not in WHOLE_TABLE_IS_MEANT])
def test_no_query_reads_a_whole_growing_table(tmp_path: Path, noun: str, name: str) -> None:
    prepare(tmp_path / "db")
    sql = queries(noun)[name]
    values = dict.fromkeys(re.findall(r":(\w+)", sql), 1) | {"lanes": "[]", "quests": "[]"}
    values |= {"files": "[]", "only": "[]"}
    with closing(sqlite.connect(str(tmp_path / "db"))) as connection:
        plan = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    scans = [step for step in plan if re.match(rf"SCAN ({'|'.join(GROWING)})\b", step)]
    assert [step for step in scans if not step.endswith(SHORT)] == []
