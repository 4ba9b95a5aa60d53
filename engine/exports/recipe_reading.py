"""Reads a recipe.json, or the one in a card's zip, from anybody. Runs in a limited child; knows no field of it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from storage.errors import FileRefused
from storage.limited_child import Limits, read_in_child

FILENAME = "recipe.json"
RECIPE_BYTES = 4 << 20  # a thousand captions of 4,000 characters
LIMITS = Limits(result_bytes=RECIPE_BYTES)


def read_document(path: Path) -> bytes:
    """The recipe's JSON, whole, an object, and without numbers that are none. Raises FileRefused."""
    found: bytes = read_in_child("engine.exports.recipe_reading:document", str(path.resolve()), limits=LIMITS)
    return found


def document(path: str) -> bytes:
    """The same, inside the child."""
    data = _bytes(Path(path))
    if len(data) > RECIPE_BYTES:
        raise FileRefused(reason="it is larger than any recipe")
    try:
        found = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise FileRefused(reason="it is no recipe.json and no card with one") from error
    if not isinstance(found, dict):
        raise FileRefused(reason="it is no recipe.json and no card with one")
    return data


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise FileRefused(reason="there is no such file")
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return file.read(RECIPE_BYTES + 1)
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [name for name in archive.namelist() if _is_recipe(name)]
            if len(inside) != 1:
                raise FileRefused(reason=f"there is no {FILENAME} in it" if not inside else f"two {FILENAME} are in it")
            with archive.open(inside[0]) as file:
                return file.read(RECIPE_BYTES + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise FileRefused(reason="it is no whole zip that can be read here") from error


def _is_recipe(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return parts[-1] == FILENAME and "__MACOSX" not in parts


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")
