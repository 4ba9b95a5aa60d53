"""The palette as others read it: images/ with metadata.jsonl (ImageFolder) and .txt twins beside them (kohya)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence

from storage.records import ContentHash
from storage.requests import TrainingPicture

EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's own beginning: the same dataset gives the same bytes


def dataset_zip(pictures: Sequence[TrainingPicture], read: Callable[[ContentHash], bytes]) -> bytes:
    """All pictures in their own bytes, with captions."""
    files: dict[str, bytes] = {}
    lines = []
    for number, picture in enumerate(pictures, 1):
        files[f"images/{number:04}.png"] = read(picture.file)
        files[f"images/{number:04}.txt"] = picture.caption.encode()
        lines.append(json.dumps({"file_name": f"{number:04}.png", "text": picture.caption}, ensure_ascii=False))
    files["images/metadata.jsonl"] = "\n".join([*lines, ""]).encode()
    return zipped(files)


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip whose bytes depend on its content alone."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), files[name])
    return target.getvalue()
