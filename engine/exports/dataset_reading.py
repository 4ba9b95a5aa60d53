"""Reads an exported dataset as it comes back: packed again by others, cut, or hostile. Names in it reach no disk.

`unpacked` runs in a limited child (storage.limited_child): it imports next to nothing and believes nothing.
"""

from __future__ import annotations

import json
import posixpath
import stat
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from storage.errors import FileRefused
from storage.limited_child import Limits, read_in_child

PICTURES, ENTRIES = 1_000, 10_000  # a palette has 50 at most by SPEC's advice, and a .txt twin each
PICTURE_BYTES, METADATA_BYTES, ALL_BYTES = 40 << 20, 4 << 20, 400 << 20
PICTURE_PX = 40_000_000
LIMITS = Limits(memory_bytes=2 << 30, cpu_seconds=120, wall_seconds=180.0, result_bytes=ALL_BYTES + METADATA_BYTES)
METADATA = "metadata.jsonl"
LENGTH_BYTES = 8
Members = dict[str, zipfile.ZipInfo]


def read_dataset(path: Path) -> list[tuple[str, bytes]]:
    """(caption, picture) in the dataset's order; every picture could be decoded whole. Raises FileRefused."""
    packed: bytes = read_in_child("engine.exports.dataset_reading:unpacked", str(path.resolve()), limits=LIMITS)
    end = LENGTH_BYTES + int.from_bytes(packed[:LENGTH_BYTES], "little")
    found, place = [], end
    for caption, length in json.loads(packed[LENGTH_BYTES:end]):
        found.append((str(caption), packed[place : place + length]))
        place += length
    return found


def unpacked(path: str) -> bytes:
    """Length of an index, the index as JSON: [[caption, bytes], …], and the pictures one behind the other."""
    if not Path(path).is_file():
        raise FileRefused(reason="there is no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            pictures = list(_pictures(archive))
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FileRefused(reason="it is no whole zip; half a download looks like that") from error
    except (NotImplementedError, RuntimeError) as error:
        raise FileRefused(reason="it is packed in a way that is not read here") from error
    index = json.dumps([(caption, len(data)) for caption, data in pictures]).encode()
    return b"".join([len(index).to_bytes(LENGTH_BYTES, "little"), index, *(data for _, data in pictures)])


def _pictures(archive: zipfile.ZipFile) -> Any:
    members = _members(archive)
    listing = _listing(members)
    folder, left = posixpath.dirname(listing), ALL_BYTES
    for name, caption in _rows(_content(archive, members[listing], METADATA_BYTES)):
        inside = posixpath.normpath(posixpath.join(folder, name))
        if inside not in members:
            raise FileRefused(reason=f"{name} is named in {METADATA} but is not in the zip")
        data = _content(archive, members[inside], min(PICTURE_BYTES, left))
        _check_picture(name, data)
        left -= len(data)
        yield caption, data


def _members(archive: zipfile.ZipFile) -> Members:
    """Its files by name, without folders and what a Mac or Windows adds."""
    if len(archive.infolist()) > ENTRIES:
        raise FileRefused(reason="it holds too many files")
    found: Members = {}
    for info in archive.infolist():
        name = info.filename.replace("\\", "/")
        if info.is_dir() or _is_litter(name):
            continue
        if name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0]:
            raise FileRefused(reason="it names files outside itself")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise FileRefused(reason="it holds links instead of files")
        if info.flag_bits & 1:
            raise FileRefused(reason="it is locked with a password")
        name = posixpath.normpath(name)
        if name in found:
            raise FileRefused(reason="it holds two files of one name")
        found[name] = info
    return found


def _is_litter(name: str) -> bool:
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] in {".DS_Store", "Thumbs.db", "desktop.ini"}


def _listing(members: Members) -> str:
    listings = [name for name in members if posixpath.basename(name) == METADATA]
    if len(listings) == 1:
        return listings[0]
    if listings:
        raise FileRefused(reason=f"it holds several {METADATA}; one dataset at a time")
    if any(name.lower().endswith(".zip") for name in members):
        raise FileRefused(reason="it holds another zip; unpack the outer one first")
    raise FileRefused(reason=f"there is no {METADATA} in it")


def _rows(text: bytes) -> list[tuple[str, str]]:
    found = []
    for number, line in enumerate(text.decode("utf-8-sig", "replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name, caption = row["file_name"], row["text"]
        except (ValueError, KeyError, TypeError, RecursionError):
            name = caption = None
        if not isinstance(name, str) or not isinstance(caption, str):
            raise FileRefused(reason=f"line {number} of {METADATA} is not a file_name with its text")
        found.append((name, caption))
    if not 0 < len(found) <= PICTURES:
        raise FileRefused(reason=f"{METADATA} names {len(found)} pictures; 1 to {PICTURES} can be read")
    return found


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """A member's bytes, counted while they are read: what a zip says of sizes may be a lie."""
    with archive.open(info) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise FileRefused(reason="what it holds is too much")
    return data


def _check_picture(name: str, data: bytes) -> None:
    """Decodes it once; whoever decodes the same bytes by the same library later meets nothing new."""
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            if image.width * image.height > PICTURE_PX:
                raise Image.DecompressionBombError
            image.load()
    except Image.DecompressionBombError as error:
        raise FileRefused(reason=f"{name} is larger than {PICTURE_PX // 10**6} million pixels") from error
    except (OSError, ValueError, SyntaxError, zlib.error) as error:
        raise FileRefused(reason=f"{name} is damaged, cut off, or no PNG, JPEG or WebP") from error
