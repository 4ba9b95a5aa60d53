"""Who may do what. Pure."""

from __future__ import annotations

from collections.abc import Collection

from storage.records import Job, Person, Quest


def owns(person: Person, thing: Quest | Job | None) -> bool:
    """Whether this quest or job is the person's own; nobody sees or touches another's."""
    if thing is None:
        return False
    return person.id == (thing.owner if isinstance(thing, Quest) else thing.user)


def is_admin(person: Person, admins: Collection[int]) -> bool:
    """Whether the operator listed this person."""
    return person.id in admins
