"""Draws the rooms and who imports whom: `python -m tests.house.drawing` puts the drawing into ARCHITECTURE.md.

An arrow goes from a room to one it imports. Arrows that others already say (A → C beside A → B → C) are left out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "ARCHITECTURE.md"
HOUSES = ("launch", "rehearsal", "bot", "engine", "storage", "emoji_sd")
OF_ROOMS = ("bot", "engine")  # the others are one room each
BEGIN, END = "<!-- drawn from the imports by tests/house/drawing.py -->\n", "<!-- end of the drawing -->\n"


def room(module: str) -> str:
    """The room a module is in: `bot.steps` for `bot.steps.hunt`; a file at the root of such a house is one itself."""
    house, *inner = module.split(".")
    return f"{house}.{inner[0]}" if inner and house in OF_ROOMS else house


def arrows() -> dict[str, set[str]]:
    """Every room with the rooms it imports, arrows that follow from others left out."""
    graph = grimp.build_graph(*HOUSES, cache_dir=None)
    direct: dict[str, set[str]] = {}
    for module in sorted(graph.modules):
        here = room(module)
        targets = {room(target) for target in graph.find_modules_directly_imported_by(module)}
        direct.setdefault(here, set()).update(targets - {here, here.partition(".")[0]})
    return {here: targets - set(_further(direct, targets)) for here, targets in direct.items()}


def _further(direct: dict[str, set[str]], begun: set[str]) -> Iterator[str]:
    """What can be reached by more than one arrow from those that are left by one."""
    open_ends, seen = [target for first in begun for target in direct[first]], set[str]()
    while open_ends:
        here = open_ends.pop()
        if here not in seen:
            seen.add(here)
            yield here
            open_ends += direct[here]


def drawing() -> str:
    """A Mermaid flow chart: a box a house, a node a room."""
    found = arrows()
    lines = ["```mermaid", "flowchart TD"]
    for house in HOUSES:
        rooms = [one for one in found if one.split(".")[0] == house]
        lines.append(f"  subgraph {house}" if house in OF_ROOMS else f"  {house}[{house}]")
        lines += [f"    {one}[{one.partition('.')[2].strip('_')}]" for one in rooms if one != house]
        lines += ["  end"] if house in OF_ROOMS else []
    lines += [f"  {here} --> {target}" for here in found for target in sorted(found[here])]
    return "\n".join([*lines, "```", ""])


def drawn_again(page: str) -> str:
    """The page with the drawing of today."""
    pattern = f"{re.escape(BEGIN)}.*{re.escape(END)}"
    return re.sub(pattern, lambda _: BEGIN + drawing() + END, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(drawn_again(PAGE.read_text()))
    sys.stdout.write(drawing())
