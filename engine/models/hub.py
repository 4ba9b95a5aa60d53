"""Models of the Hugging Face hub: `org/name` or `org/name@revision`, fetched into its cache or found there.

Only what is loaded is fetched: the safetensors of one variant and small files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from engine.models.faults import refusal
from engine.models.folders import INDEX, PARTS, TOKENIZERS, choose, parts_of
from storage.errors import ModelRefused
from storage.states import ModelFault

HUB_NAME = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*?)(?:@(?P<revision>[\w./-]+))?")

FOLDERS = tuple(f"{folder}/" for folder in (*PARTS, *TOKENIZERS, "scheduler"))


def fetched(name: str, revision: str | None) -> Path:
    """The folder (or single file) of a hub model at a revision; asks the hub, else looks into the cache.

    Raises ModelMissing, and ModelRefused for what cannot be used.
    """
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return _from_hub(name, revision)
    except ModelRefused:
        raise
    except (RepositoryNotFoundError, RevisionNotFoundError, GatedRepoError):
        missing = ModelFault.MISSING
    except (OSError, HfHubHTTPError, LocalEntryNotFoundError, ValueError):  # unreachable, or offline by wish
        missing = ModelFault.NOT_FETCHED
    found = _from_cache(name, revision)
    if found is None:
        raise refusal(missing, f"{name}@{revision}" if revision else name)
    return found


def _from_hub(name: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download

    info = HfApi().model_info(name, revision=revision)
    names = [one.rfilename for one in info.siblings or ()]
    if INDEX not in names:
        return Path(hf_hub_download(name, _single_file(names, name), revision=info.sha))
    index = json.loads(Path(hf_hub_download(name, INDEX, revision=info.sha)).read_text())
    wanted = _wanted(names, parts_of(index, name), name)
    return Path(snapshot_download(name, revision=info.sha if revision is None else revision, allow_patterns=wanted))


def _wanted(names: Iterable[str], parts: Iterable[str], model: str) -> list[str]:
    names = list(names)
    small = [one for one in names if one.startswith(FOLDERS) and one.endswith((".json", ".txt"))]
    weights = [file for files in choose(names, parts, model).files.values() for file in files]
    return [INDEX, *small, *weights]


def _single_file(names: Iterable[str], model: str) -> str:
    """A repository without diffusers' layout may hold one file that is the model."""
    files = [one for one in names if one.endswith(".safetensors") and "/" not in one]
    if len(files) == 1:
        return files[0]
    raise refusal(ModelFault.SEVERAL if files else ModelFault.OTHER, model)


def _from_cache(name: str, revision: str | None) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except (OSError, ValueError, HfHubHTTPError):
        return None
