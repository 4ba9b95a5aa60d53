"""The slots that this room keeps in every chat; steps name more of their own."""

from __future__ import annotations

INCOMING = "incoming"  # the newest message of the person
OUTGOING = "outgoing"  # the newest message of ours
LAST_TEXT = "wrote"  # the newest text of the person, and what it answered
