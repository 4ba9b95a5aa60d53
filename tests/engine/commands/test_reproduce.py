"""A seal trained again from its recipe file and dataset."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load
from typer.testing import CliRunner

from engine.__main__ import app
from engine.commands.reproduce import Reproduced, reproduce
from engine.exports.card_text import model_of
from engine.exports.recipe_file import read_recipe
from engine.exports.recipe_reading import FILENAME
from engine.jobs import export
from engine.jobs.drawing import draw_rows
from engine.jobs.events import Drew, Made, Task
from engine.models.loading import load_model
from storage.errors import FileMissing, FileRefused
from storage.requests import ExportRequest, TrainingRequest
from tests.engine.drawing import rows_of
from tests.engine.sealing import Memory, attempt, content_hash, small_training
from tests.engine.tiny_models import tiny_folder, tiny_machine

CRAFT: dict[str, object] = {
    "optimizer": "prodigy",
    "ema_decay": 0.9,
    "text_encoder_learning_rate": 1e-3,
    "new_tokens": 2,
    "shuffle_caption": True,
    "use_dora": True,
}


def taken_home(folder: Path, model: str = "", **changes: object) -> tuple[Path, bytes]:
    """(card's zip, adapter at its first checkpoint): a training whose card and dataset now lie in a folder."""
    machine, memory = load_model(model or str(tiny_folder("sd1")), device="cpu"), Memory()
    training = replace(small_training(memory, **changes), samples=())
    for _ in attempt(training, machine, memory):
        pass
    adapter = memory.adapters[3]
    memory.files[content_hash(adapter)] = adapter
    for what in ("card", "dataset"):
        request = take_request(training, what, content_hash(adapter))
        events = export.run(request, machine, Task(job_id=2, read=memory.files.__getitem__))
        data = next(event.data for event in events if isinstance(event, Made))
        (folder / f"neon-ohwx-{what}.zip").write_bytes(data)
    return folder / "neon-ohwx-card.zip", adapter


def take_request(training: TrainingRequest, what: str, adapter: object) -> ExportRequest:
    return ExportRequest(
        what=what,
        name="Neon",
        trigger=training.trigger,
        recipe=training.recipe,
        pictures=training.pictures,
        adapter=adapter,  # type: ignore[arg-type]
        step=3,
    )


def with_model_found(card: Path) -> Path:
    """The recipe beside its card, with the tiny model's folder as its model: a card names no paths."""
    with zipfile.ZipFile(card) as archive:
        facts = json.loads(archive.read(FILENAME))
    path = card.parent / FILENAME
    path.write_text(json.dumps({**facts, "model": str(tiny_folder("sd1"))}))
    return path


def again(recipe: Path, out: Path, pictures: Path | None = None) -> tuple[Reproduced, list[str]]:
    heard: list[str] = []
    return reproduce(recipe, pictures, out, "cpu", heard.append), heard


@pytest.mark.parametrize("changes", [{}, CRAFT], ids=["plain", "craft"])
def test_a_recipe_trains_the_same_bytes_again_and_says_so_step_by_step(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    card, adapter = taken_home(tmp_path, **changes)
    found, heard = again(with_model_found(card), tmp_path / "out")
    assert found.same is True
    assert found.differences == ()
    assert (tmp_path / "out" / "neon-ohwx-adapter.safetensors").read_bytes() == adapter
    assert [line.split(",")[0] for line in heard] == ["encoding the palette", *(f"step {n} of 3" for n in (1, 2, 3))]
    wanted = {"neon-ohwx", "neon-ohwx-adapter", "neon-ohwx-diffusers", *(["ohwx"] if changes else [])}
    assert {path.name for path in found.files} == {f"{stem}.safetensors" for stem in wanted}


def test_other_pictures_and_other_packages_are_said(tmp_path: Path) -> None:
    card, _ = taken_home(tmp_path)
    recipe = with_model_found(card)
    facts = json.loads(recipe.read_text())
    recipe.write_text(
        json.dumps({**facts, "made_with": {"torch": "1.0"}, "captions": facts["captions"][::-1], "model_sha256": "0"})
    )
    shown = tmp_path / "neon-ohwx-dataset.zip"
    swapped = io.BytesIO()
    with zipfile.ZipFile(shown) as old, zipfile.ZipFile(swapped, "w") as new:
        for name in old.namelist():
            other = {"0001.png": "0002.png", "0002.png": "0001.png"}.get(Path(name).name, Path(name).name)
            new.writestr(name, old.read(str(Path(name).with_name(other))))
    shown.write_bytes(swapped.getvalue())
    found, _ = again(recipe, tmp_path / "out")
    assert found.same is False
    assert len(found.differences) == 3
    assert f"torch is {torch.__version__}" in found.differences[-1]


def test_without_the_palette_or_with_another_file_it_is_refused(tmp_path: Path) -> None:
    card, _ = taken_home(tmp_path)
    recipe = with_model_found(card)
    (tmp_path / "neon-ohwx-dataset.zip").unlink()
    with pytest.raises(FileMissing):
        again(recipe, tmp_path / "out")
    damaged = tmp_path / "damaged.json"
    damaged.write_text("{}")
    with pytest.raises(FileRefused):
        read_recipe(damaged)


def test_the_card_names_the_model_but_not_where_it_lies(tmp_path: Path) -> None:
    card, adapter = taken_home(tmp_path)
    recipe = read_recipe(card)
    assert recipe.adapter == content_hash(adapter)
    assert recipe.model == tiny_machine("sd1").name
    assert "/" not in recipe.as_json().decode()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub's cache without a network: anna/tiny at v1.0, and at main a model of other weights."""
    model = tmp_path / "cache" / "models--anna--tiny"
    for branch, family in (("v1.0", "sd1"), ("main", "sd2")):
        commit = branch[0] * 40
        shutil.copytree(tiny_folder(family), model / "snapshots" / commit)
        (model / "refs").mkdir(exist_ok=True)
        (model / "refs" / branch).write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.mark.usefixtures("hub")
def test_a_pinned_revision_is_in_facts_card_and_recipe_and_the_seal_is_made_again_with_it(tmp_path: Path) -> None:
    card, _ = taken_home(tmp_path, model="anna/tiny@v1.0")
    assert read_recipe(card).model == "anna/tiny@v1.0"
    found, _ = again(card, tmp_path / "out")
    assert (found.same, found.differences) == (True, ())
    machine = load_model("anna/tiny@v1.0", device="cpu")
    facts = machine.facts("e", content_hash(b""), picture=None, step=None)
    assert (facts.model.name, facts.model.revision) == ("anna/tiny", "v1.0")
    assert model_of(read_recipe(card)).startswith("anna/tiny@v1.0 (")
    rows = rows_of(1, width_px=64, height_px=64, steps=1)
    events = draw_rows(rows, machine, Task(job_id=1, read=lambda _: b""))
    png = next(event.png for event in events if isinstance(event, Drew))
    assert b"Model: anna/tiny@v1.0" in png


def test_the_command_ends_with_the_verdict(tmp_path: Path) -> None:
    card, adapter = taken_home(tmp_path)
    ran = CliRunner().invoke(app, ["reproduce", str(with_model_found(card)), "--out", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    assert f"adapter {content_hash(adapter)[:16]}…: the same bytes as the seal" in ran.output
    assert load((tmp_path / "out" / "neon-ohwx.safetensors").read_bytes())
    damaged = tmp_path / "damaged.json"
    damaged.write_text("{}")
    assert CliRunner().invoke(app, ["reproduce", str(damaged)]).exit_code == 2
