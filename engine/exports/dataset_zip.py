"""The palette as other people's tools read it, each by its own convention, all from one folder.

- datasets: `load_dataset(FOLDER)` goes by the README's `configs` (without it the .txt twins win its guess);
  `imagefolder`, from the folder or the zip, by metadata.jsonl.
- kohya (`train_data_dir` = images/): a folder `repeats_words` inside, `.txt` beside each picture
  (library/config_util.py, generate_dreambooth_subsets_config_by_subdirs).
- OneTrainer: the folder of pictures, `.txt` beside each; `-masklabel` and `-condlabel` would be masks
  (modules/dataLoader/mixin/DataLoaderText2ImageMixin.py).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Sequence

from storage.records import ContentHash
from storage.requests import TrainingPicture

EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's own beginning: the same dataset gives the same bytes


README = """---
configs:
- config_name: default
  data_files:
  - split: train
    path:
    - images/**/*.png
    - images/metadata.jsonl
---

Pictures with their captions, made with Styleseal.

- datasets: `load_dataset("this folder")`
- kohya's sd-scripts: `train_data_dir` is `images`, `caption_extension` is `.txt`
- OneTrainer: a concept whose path is the folder inside `images`, prompts from a text file beside each picture
"""


def dataset_zip(
    pictures: Sequence[TrainingPicture], read: Callable[[ContentHash], bytes], trigger: str = "style"
) -> bytes:
    """All pictures in their own bytes, with captions."""
    folder = "1_" + re.sub(r"[^\w-]", "-", trigger)  # shown once an epoch
    files: dict[str, bytes] = {"README.md": README.encode()}
    lines = []
    for number, picture in enumerate(pictures, 1):
        files[f"images/{folder}/{number:04}.png"] = read(picture.file)
        files[f"images/{folder}/{number:04}.txt"] = picture.caption.encode()
        row = {"file_name": f"{folder}/{number:04}.png", "text": picture.caption}
        lines.append(json.dumps(row, ensure_ascii=False))
    files["images/metadata.jsonl"] = "\n".join([*lines, ""]).encode()
    return zipped(files)


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip whose bytes depend on its content alone."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), files[name])
    return target.getvalue()
