"""A job from its row, for both sides of the queue."""

from __future__ import annotations

from dataclasses import fields

from storage.database import Row, from_ms
from storage.documents import load
from storage.records import Job, Progress
from storage.states import JobKind, JobState, Lane, Wish


def read_job(row: Row) -> Job:
    """A job from its row."""
    moments = {
        name: None if row[name] is None else from_ms(row[name])
        for name in ("run_after", "lease_until", "created", "started", "finished")
    }
    parsed = {
        "kind": JobKind(row["kind"]),
        "lane": Lane(row["lane"]),
        "state": JobState(row["state"]),
        "wish": Wish(row["wish"]),
        "crashes": row["deaths"],
        "notified": row["told"],
        "progress": load(Progress, row["progress"]),
    }
    facts = {**row, **moments, **parsed}
    return Job(**{field.name: facts[field.name] for field in fields(Job)})
