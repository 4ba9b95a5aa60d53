"""Finds a model by name: `emoji`, a folder, a single .safetensors or a hub id, and looks at what is in it.

Nothing is loaded here, and pickles are refused by name and content before anything reads them. Knows no devices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.models.faults import refusal
from engine.models.folders import INDEX, PICKLE_SUFFIXES, Chosen, check_folder, read_json
from engine.models.headers import Header, headers_of
from engine.models.hub import HUB_NAME, fetched
from engine.models.kinds import QUANTS, family_of_file, fault_of_class
from storage.errors import FileRefused, ModelMissing
from storage.families import Family
from storage.packaged_models import packaged_model
from storage.states import ModelFault

EMBEDDED = Family.EMOJI.value
NOT_PACKAGED = "{} is in no package that is installed here. In a checkout, run: make install"
MAGIC = {b"PK\x03\x04": ModelFault.PICKLE, b"\x80": ModelFault.PICKLE, b"GGUF": ModelFault.QUANTIZED}


@dataclass(frozen=True)
class FoundModel:
    """Where a model lies. `path` is a folder in diffusers layout, or a single .safetensors file.

    `weights` are the files that are loaded and their headers, by part (one part without a name for a single file).
    """

    name: str
    path: Path
    revision: str = ""  # of a hub model, where one is asked for
    variant: str | None = None
    weights: Mapping[str, Mapping[Path, Header]] = field(default_factory=dict)

    @property
    def is_single_file(self) -> bool:
        """Whether it is one file that holds everything."""
        return self.path.is_file()

    @property
    def header(self) -> Header:
        """A single file's."""
        return self.weights[""][self.path]

    def unet_files(self) -> tuple[Path, ...]:
        """The files that tell this model from others, for its hash."""
        if self.is_single_file:
            return (self.path,)
        return (
            tuple(self.weights["unet"]) if self.weights else tuple(sorted((self.path / "unet").glob("*.safetensors")))
        )


def find(name: str) -> FoundModel:
    """The model of this name. Raises ModelMissing, and ModelRefused with what is there instead of a model."""
    if name == EMBEDDED:
        return FoundModel(EMBEDDED, _embedded())
    path = Path(name).expanduser()
    if path.suffix.lower() in PICKLE_SUFFIXES:
        raise refusal(ModelFault.PICKLE, path.name)
    if path.is_file():
        return _file(path.stem, path)
    if path.is_dir():
        return _folder(path.resolve().name, path)
    if (hub := HUB_NAME.fullmatch(name)) is None or name.startswith("."):
        raise refusal(ModelFault.MISSING, path.name)
    found = fetched(hub["name"], hub["revision"])
    inside = _file(hub["name"], found) if found.is_file() else _folder(hub["name"], found)
    return FoundModel(hub["name"], inside.path, hub["revision"] or "", inside.variant, inside.weights)


def _embedded() -> Path:
    if (path := packaged_model(EMBEDDED)) is None:
        raise ModelMissing(NOT_PACKAGED.format(EMBEDDED), model=EMBEDDED, fault=ModelFault.MISSING)
    return path


def _file(name: str, path: Path) -> FoundModel:
    return FoundModel(name, path, weights={"": _headers([path], name)})


def _folder(name: str, folder: Path) -> FoundModel:
    folder = _snapshot_in(folder)
    if not (folder / INDEX).exists():
        return _file(name, _only_file(folder, name))
    chosen = check_folder(folder, name)
    return FoundModel(name, folder, variant=chosen.variant, weights=_part_headers(folder, chosen, name))


def _snapshot_in(folder: Path) -> Path:
    """The newest snapshot where the folder is a model's in the hub's cache; else the folder itself."""
    snapshots = folder / "snapshots"
    if not snapshots.is_dir():
        return folder
    main = folder / "refs" / "main"
    if main.is_file() and (named := snapshots / main.read_text().strip()).is_dir():
        return named
    return max(snapshots.iterdir(), key=lambda one: one.stat().st_mtime, default=folder)


def _only_file(folder: Path, name: str) -> Path:
    """The one single file of a folder that is not in diffusers layout. Raises ModelRefused, saying what it is."""
    if (folder / "config.json").is_file():
        config = read_json(folder / "config.json", name)
        kind = str(config.get("_class_name") or " ".join(config.get("architectures") or ()))
        raise refusal(fault_of_class(kind) or ModelFault.OTHER, name)
    files = sorted(folder.glob("*.safetensors"))
    if len(files) == 1:
        return files[0]
    if files:
        faults = {family_of_file(header) for header in _headers(files, name).values()}
        fault = next(iter(faults)) if len(faults) == 1 else None
        raise refusal(fault if isinstance(fault, ModelFault) else ModelFault.SEVERAL, name)
    if any(one.suffix.lower() in PICKLE_SUFFIXES for one in folder.rglob("*")):
        raise refusal(ModelFault.PICKLE, name)
    raise refusal(ModelFault.INCOMPLETE if any(folder.glob("*/config.json")) else ModelFault.MISSING, name)


def _part_headers(folder: Path, chosen: Chosen, name: str) -> dict[str, dict[Path, Header]]:
    files = [folder / one for inside in chosen.files.values() for one in inside]
    headers = _headers(files, name)
    if any(quant in key for header in headers.values() for key in header.tensors for quant in QUANTS):
        raise refusal(ModelFault.QUANTIZED, name)
    return {part: {folder / one: headers[folder / one] for one in inside} for part, inside in chosen.files.items()}


def _headers(files: list[Path], name: str) -> dict[Path, Header]:
    """Every file's header. Raises ModelRefused for a pickle under another name, and for what is not whole."""
    for file in files:
        if file.exists() and (fault := _by_first_bytes(file)):
            raise refusal(fault, name)
    try:
        return dict(zip(files, headers_of(files), strict=True))
    except FileRefused as error:
        raise refusal(ModelFault.DAMAGED, name) from error


def _by_first_bytes(file: Path) -> ModelFault | None:
    """What else it is under this name. A header some 128 bytes long begins like a pickle; its ninth byte tells."""
    with file.open("rb") as opened:
        first = opened.read(64)
    if re.match(rb".{8}\s*\{", first, re.DOTALL):
        return None
    return next((fault for magic, fault in MAGIC.items() if first.startswith(magic)), None)
