"""Datasets and recipes as they come back: packed again, cut, forged. A sentence and exit code 2, nothing outside."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from engine.__main__ import app
from engine.exports.dataset_reading import METADATA, read_dataset
from engine.exports.dataset_zip import dataset_zip
from engine.exports.recipe_file import RecipeFile, read_recipe
from storage.errors import FileRefused
from storage.recipe import Recipe
from storage.records import ContentHash, Seed
from storage.requests import TrainingPicture
from tests.engine.sealing import content_hash, png
from tests.engine.tiny_models import tiny_folder

Files = dict[str, bytes]
CAPTIONS = tuple(f"a fox {number}, ohwx" for number in range(4))
RECIPE = Recipe(rank=2, alpha=2, batch_size=2, steps=2, warmup_steps=0, checkpoints=1, seed=Seed(1))


def exported() -> bytes:
    pictures = {content_hash(png(number)): png(number) for number in range(4)}
    asked = [
        TrainingPicture(file=ContentHash(name), caption=caption, subject="fox")
        for name, caption in zip(pictures, CAPTIONS, strict=True)
    ]
    return dataset_zip(asked, pictures.__getitem__)


def members() -> Files:
    with zipfile.ZipFile(io.BytesIO(exported())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Files, method: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def a_picture() -> str:
    return next(name for name in members() if name.endswith("0002.png"))


def listing() -> str:
    return next(name for name in members() if name.endswith(METADATA))


def with_rows(*rows: object) -> Files:
    return {**members(), listing(): "\n".join(json.dumps(row) for row in rows).encode()}


def a_link() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        link = zipfile.ZipInfo(a_picture())
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        for name, data in members().items():
            if name != a_picture():
                archive.writestr(name, data)
    return target.getvalue()


def locked() -> bytes:
    """Says of every file that it is encrypted, as zip's flag bit 0 does."""
    data = bytearray(exported())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + place] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


def twice() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members().items():
            archive.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(a_picture(), b"other")
    return target.getvalue()


def huge_picture() -> bytes:
    target = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(target, "PNG")
    return target.getvalue()


SAME: dict[str, Callable[[], bytes]] = {
    "as exported": exported,
    "on a Mac": lambda: packed(
        {f"neon-dataset/{name}": data for name, data in members().items()}
        | {f"__MACOSX/neon-dataset/{name}": b"\0\5\x16\7" for name in members()}
        | {"neon-dataset/.DS_Store": b"\0", "neon-dataset/images/._0001.png": b"\0\5\x16\7"}
    ),
    "on Windows": lambda: packed({name.replace("/", "\\"): data for name, data in members().items()}),
    "pressed, in another order": lambda: packed(dict(reversed(members().items())), zipfile.ZIP_DEFLATED),
    "pressed harder": lambda: packed(members(), zipfile.ZIP_LZMA),
    "lines of Windows and a byte order mark": lambda: packed(
        {**members(), listing(): b"\xef\xbb\xbf" + members()[listing()].replace(b"\n", b"\r\n")}
    ),
    "only the folder": lambda: packed({name.removeprefix("images/"): data for name, data in members().items()}),
}

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "half a download": (lambda: exported()[: len(exported()) // 2], "half a download"),
    "nothing": (lambda: b"", "no whole zip"),
    "a picture": (lambda: png(1), "no whole zip"),
    "a picture cut off": (lambda: packed({**members(), a_picture(): members()[a_picture()][:-60]}), "cut off"),
    "a picture that is a text": (lambda: packed({**members(), a_picture(): b"hello"}), "no PNG"),
    "a picture that is a bomb": (lambda: packed({**members(), a_picture(): huge_picture()}), "larger than"),
    "a picture renamed": (
        lambda: packed({name.replace("0002.png", "0002.jpg"): data for name, data in members().items()}),
        "not in the zip",
    ),
    "pictures missing": (lambda: packed({listing(): members()[listing()]}), "not in the zip"),
    "a zip inside a zip": (lambda: packed({"neon-dataset.zip": exported()}), "unpack the outer one"),
    "two datasets": (lambda: packed(members() | {f"b/{name}": data for name, data in members().items()}), "several"),
    "no listing": (lambda: packed({"a.png": png(1)}), "there is no metadata.jsonl"),
    "locked": (locked, "password"),
    "a way up": (lambda: packed({**members(), "../x.png": png(1)}), "outside itself"),
    "an absolute way": (lambda: packed({**members(), "/etc/x.png": png(1)}), "outside itself"),
    "a drive": (lambda: packed({**members(), "C:/x.png": png(1)}), "outside itself"),
    "a link": (a_link, "links"),
    "one name twice": (twice, "two files of one name"),
    "a way up in the listing": (lambda: packed(with_rows({"file_name": "../../../etc/passwd", "text": "a"})), "not in"),
    "a bomb": (lambda: packed({**members(), a_picture(): b"\0" * (60 << 20)}, zipfile.ZIP_DEFLATED), "too much"),
    "a bomb of a listing": (lambda: packed({listing(): b" " * (60 << 20)}, zipfile.ZIP_DEFLATED), "too much"),
    "rows that are none": (lambda: packed(with_rows(["a"], 3)), "line 1"),
    "names that are numbers": (lambda: packed(with_rows({"file_name": 3, "text": "a"})), "line 1"),
    "texts that are missing": (lambda: packed(with_rows({"file_name": "0001.png"})), "line 1"),
    "nested rows": (lambda: packed({listing(): b"[" * 200_000}), "line 1"),
    "no rows": (lambda: packed({listing(): b"\n\n"}), "names 0 pictures"),
    "11,000 files": (lambda: packed({str(number): b"" for number in range(11_000)}), "too many files"),
}


@pytest.mark.parametrize("name", SAME)
def test_a_dataset_packed_by_others_is_the_same_dataset(tmp_path: Path, name: str) -> None:
    path = tmp_path / "dataset.zip"
    path.write_bytes(SAME[name]())
    assert read_dataset(path) == [(caption, png(number)) for number, caption in enumerate(CAPTIONS)]


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_whole_dataset_is_refused_by_one_line(tmp_path: Path, name: str) -> None:
    make, words = REFUSED[name]
    path = tmp_path / "dataset.zip"
    path.write_bytes(make())
    with pytest.raises(FileRefused) as refused:
        read_dataset(path)
    assert words in str(refused.value.facts["reason"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["dataset.zip"]


def recipe(**changes: object) -> dict[str, object]:
    made = RecipeFile(
        name="neon-ohwx",
        trigger="ohwx",
        model=str(tiny_folder("sd1")),
        checkpoint_step=2,
        recipe=RECIPE,
        captions=CAPTIONS,
    )
    found: dict[str, object] = json.loads(made.as_json())
    inner = {key: value for key, value in changes.items() if key in vars(RECIPE)}
    outer = {key: value for key, value in changes.items() if key not in inner}
    return {**found, **outer, "recipe": {**found["recipe"], **inner}}  # type: ignore[dict-item]


FORGED: dict[str, dict[str, object]] = {
    "a name that leads out": {"name": "../escaped"},
    "an absolute name": {"name": "/tmp/escaped"},
    "a hidden name": {"name": ".bashrc"},
    "a name with a NUL": {"name": "a\0b"},
    "a name that is a number": {"name": 3},
    "no trigger": {"trigger": ""},
    "a format of the future": {"format": 2},
    "no captions": {"captions": []},
    "captions that are numbers": {"captions": [1, 2, 3, 4]},
    "subjects of another number": {"subjects": ["fox"]},
    "threads that are a word": {"made_with": {"threads": "many"}},
    "a million threads": {"made_with": {"threads": "1000000"}},
    "a seed below zero": {"seed": -1},
    "a seed beyond 64 bits": {"seed": 10**30},
    "a rank that fills memory": {"rank": 10**9},
    "steps for ever": {"steps": 10**15},
    "a checkpoint after the end": {"checkpoint_step": 3},
    "a checkpoint before the beginning": {"checkpoint_step": 0},
    "a rate that is no number": {"learning_rate": float("nan")},
    "a rate without end": {"learning_rate": float("inf")},
    "a rate beyond all": {"learning_rate": 1e300},
    "a pattern that takes for ever": {"rank_pattern": {"(a+)+$": 4}},
    "an optimizer nobody knows": {"optimizer": "sgd"},
    "targets that are a word": {"targets": "to_q"},
}


def run(folder: Path, card: bytes, dataset: bytes | None = None) -> tuple[int, str]:
    """Exit code and words of `engine reproduce`. Raises what should have been a sentence."""
    (folder / "in").mkdir()
    (folder / "in" / "recipe.json").write_bytes(card)
    (folder / "in" / "n-dataset.zip").write_bytes(exported() if dataset is None else dataset)
    asked = ["reproduce", str(folder / "in" / "recipe.json"), "--out", str(folder / "out")]
    ran = CliRunner().invoke(app, asked)
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return ran.exit_code, ran.output


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_recipe_is_refused_with_a_sentence_and_writes_nothing(tmp_path: Path, name: str) -> None:
    code, words = run(tmp_path, json.dumps(recipe(**FORGED[name])).encode())
    assert code == 2, words
    assert "Traceback" not in words
    assert [entry.name for entry in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(
    "card",
    [b"", b"[]", b"null", b"{}", png(1), b"[" * 400_000, b'{"a":' * 80_000, json.dumps(recipe()).encode()[:90]],
    ids=["empty", "a list", "null", "bare", "a picture", "nested lists", "nested objects", "cut"],
)
def test_what_is_no_recipe_is_refused_with_a_sentence(tmp_path: Path, card: bytes) -> None:
    assert run(tmp_path, card)[0] == 2


def test_a_small_card_that_unpacks_to_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = packed({"recipe.json": b'{"a":"' + b" " * (400 << 20) + b'"}'}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 500_000
    path = tmp_path / "card.zip"
    path.write_bytes(bomb)
    with pytest.raises(FileRefused, match="outside") as refused:
        read_recipe(path)
    assert refused.value.facts["reason"] == "it is larger than any recipe"


def test_a_card_packed_again_on_a_mac_is_read(tmp_path: Path) -> None:
    path = tmp_path / "card.zip"
    path.write_bytes(packed({"card/recipe.json": json.dumps(recipe()).encode(), "__MACOSX/card/recipe.json": b"\0"}))
    assert read_recipe(path).name == "neon-ohwx"


def test_a_dataset_that_is_cut_ends_the_command_with_a_sentence(tmp_path: Path) -> None:
    code, words = run(tmp_path, json.dumps(recipe()).encode(), exported()[:1000])
    assert code == 2
    assert "half a download" in words


def test_what_cannot_be_written_is_a_sentence_too(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"a file where the folder should be")
    assert run(tmp_path, json.dumps(recipe()).encode())[0] == 2
