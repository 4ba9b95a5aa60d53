"""Finds a model by name: `emoji`, a folder, a single .safetensors or a hub id.

Pickles are refused by name and content before anything reads them. Knows nothing of devices, or of what a model is for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from storage.errors import ModelMissing, ModelRefused

EMBEDDED = "emoji"
EMBEDDED_FOLDER = Path(__file__).resolve().parents[2] / "emoji_sd" / "weights"
PICKLE_SUFFIXES = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"})
HEADER_LIMIT_BYTES = 100_000_000  # the safetensors library's own cap


@dataclass(frozen=True)
class FoundModel:
    """Where a model lies. `path` is a folder in diffusers layout, or a single .safetensors file."""

    name: str
    path: Path

    @property
    def is_single_file(self) -> bool:
        """Whether it is one file that holds everything."""
        return self.path.is_file()

    def unet_files(self) -> tuple[Path, ...]:
        """The files that tell this model from others, for its hash."""
        if self.is_single_file:
            return (self.path,)
        return tuple(sorted((self.path / "unet").glob("*.safetensors")))


def find(name: str) -> FoundModel:
    """The model of this name. Raises ModelMissing, and ModelRefused for a pickle, whatever it is called."""
    if name == EMBEDDED:
        return FoundModel(EMBEDDED, EMBEDDED_FOLDER)
    path = Path(name).expanduser()
    if path.suffix.lower() in PICKLE_SUFFIXES:
        raise ModelRefused(model=path.name)
    if path.is_file():
        refuse_unless_safetensors(path)
        return FoundModel(path.stem, path)
    if path.is_dir():
        return FoundModel(path.name, _checked_folder(path))
    if path.suffix or path.is_absolute() or name.count("/") != 1:
        raise ModelMissing(model=path.name)
    return FoundModel(name, _checked_folder(_from_hub(name)))


def refuse_unless_safetensors(path: Path) -> None:
    """Looks at the first bytes only: 8 bytes of header length, then a JSON header that fits. Raises ModelRefused."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(HEADER_LIMIT_BYTES, path.stat().st_size - 8):
            raise ModelRefused(model=path.name)
        header = file.read(length)
    try:
        entries = json.loads(header)
    except ValueError as error:
        raise ModelRefused(model=path.name) from error
    if not isinstance(entries, dict):
        raise ModelRefused(model=path.name)


def _checked_folder(folder: Path) -> Path:
    """A folder in diffusers layout whose every weight file is a true .safetensors."""
    if not (folder / "model_index.json").is_file():
        raise ModelMissing(model=folder.name)
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        if not (folder / part).is_dir():
            continue
        weights = sorted((folder / part).glob("*.safetensors"))
        if not weights:
            pickled = any(file.suffix in PICKLE_SUFFIXES for file in (folder / part).iterdir())
            raise (ModelRefused if pickled else ModelMissing)(model=folder.name)
        for file in weights:
            refuse_unless_safetensors(file)
    return folder


def _from_hub(name: str) -> Path:
    """Downloads (or finds in the local cache when there is no network) the safetensors of a hub model."""
    from diffusers import DiffusionPipeline
    from huggingface_hub.errors import HfHubHTTPError

    for offline in (False, True):
        try:
            return Path(DiffusionPipeline.download(name, use_safetensors=True, local_files_only=offline))
        except (OSError, ValueError, HfHubHTTPError):  # unreachable, unknown, or not in the cache
            continue
    raise ModelMissing(model=name)
