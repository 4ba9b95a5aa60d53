"""What an installation and each image would hold: the packages that are imported, their data, and nothing else."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HOUSES = ("bot", "emoji_sd", "engine", "launch", "rehearsal", "storage")
IMPORT_NAMES = {
    "PIL": "pillow",
    "pydantic_settings": "pydantic-settings",
    "resvg_py": "resvg-py",
    "sd_parsers": "sd-parsers",
    "telegram": "python-telegram-bot",
}
# imported by other libraries by name, never by us
NEEDED_BY_LIBRARIES = {"accelerate", "python-multipart", "sniffio"}
IN_BOTH = {"bitsandbytes"}  # an extra of its own
MINE = {  # by extra; what all share comes with every one
    "bot": {"bot", "storage"},
    "engine": {"engine", "storage"},
    "rehearsal": {"rehearsal"},
    "recipe": {"emoji_sd"},
}
PINNED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def names(requirements: list[str]) -> set[str]:
    """The packages of an extra, with those of extras that it takes in."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    found: set[str] = set()
    for line in requirements:
        inner = re.fullmatch(r"styleseal\[([\w-]+)\]", line)
        found |= names(extras[inner[1]]) if inner else {re.split(r"[<>=~ ;]", line)[0]}
    return found


SHARED = names(PYPROJECT["project"]["dependencies"])
EXTRAS = {extra: names(lines) for extra, lines in PYPROJECT["project"]["optional-dependencies"].items()}
DEVELOPMENT = names([line for line in PYPROJECT["dependency-groups"]["dev"] if isinstance(line, str)])


def imported(house: str) -> set[str]:
    """Packages that the code of a folder imports."""
    found: set[str] = set()
    for path in (ROOT / house).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return {IMPORT_NAMES.get(name, name) for name in found - {*HOUSES} if name not in sys.stdlib_module_names}


@pytest.mark.parametrize("extra", MINE)
def test_an_extra_brings_what_its_code_imports(extra: str) -> None:
    wanted = set().union(*map(imported, MINE[extra])) - IN_BOTH
    assert wanted - SHARED - EXTRAS[extra] == set()


@pytest.mark.parametrize("extra", ["bot", "engine", "rehearsal"])
def test_an_extra_brings_no_more(extra: str) -> None:
    wanted = set().union(*map(imported, MINE[extra]))
    assert EXTRAS[extra] - wanted - NEEDED_BY_LIBRARIES == set()


def test_what_every_installation_has_is_what_storage_and_launch_import() -> None:
    of_the_scripted_person = {"httpx"}  # `make quest` alone
    assert imported("storage") | imported("launch") - of_the_scripted_person == SHARED


def locked(name: str) -> dict[str, str]:
    """Versions by package of a file in locks/."""
    return dict(PINNED.findall((ROOT / "locks" / f"{name}.txt").read_text()))


@pytest.mark.parametrize(
    ("image", "folders"),
    [
        ("bot", {"bot", "launch", "storage"}),
        ("engine", {"emoji_sd/__init__.py", "emoji_sd/weights", "engine", "launch", "storage"}),
    ],
)
def test_an_image_holds_its_own_folders_and_no_rehearsal_recipe_or_development_tool(
    image: str, folders: set[str]
) -> None:
    text = (ROOT / "Dockerfile").read_text()
    stages = re.split(r"^FROM \S+ AS (\w+)$", text, flags=re.MULTILINE)
    stage = dict(zip(stages[1::2], stages[2::2], strict=True))[image]
    assert set(re.findall(r"^COPY (\S+) \./\1$", stage, re.MULTILINE)) == folders
    installs = re.findall(r"pip install (.*?)(?: \\)?$", stage, re.MULTILINE)
    torch = ["--constraint locks/torch.txt torch"] if image == "engine" else []
    assert installs == [
        f"--require-hashes --no-deps --requirement locks/{image}.txt",
        *torch,
        "--no-deps --no-build-isolation --editable .",
    ]
    held = set(locked(image)) | ({"torch"} if torch else set())
    wanted = SHARED | EXTRAS[image]
    recipe = EXTRAS["recipe"] - EXTRAS["engine"]
    foreign = (EXTRAS["rehearsal"] | recipe | DEVELOPMENT) - wanted - {"pyyaml"}  # other libraries read YAML too
    assert {name.replace("_", "-") for name in wanted} <= held
    assert foreign & held == set()


def test_every_locked_file_has_its_hashes_but_those_that_differ_by_place() -> None:
    for name in ("bot", "development", "engine"):
        packages = re.findall(r"^\S.*\n(?:    .*\n)*", (ROOT / "locks" / f"{name}.txt").read_text(), re.MULTILINE)
        assert packages
        assert [one for one in packages if "--hash=sha256:" not in one] == []
    by_version = locked("torch")
    assert {name.split("-")[0] for name in by_version} == {"cuda", "nvidia", "torch", "triton"}
    assert by_version.keys() & locked("development").keys() == set()


def test_all_locks_agree_and_hold_everything_that_is_asked_for() -> None:
    development = {**locked("development"), **locked("torch")}
    for image in ("bot", "engine"):
        assert {name: version for name, version in locked(image).items() if development.get(name) != version} == (
            {"bitsandbytes": locked(image)["bitsandbytes"]} if image == "engine" else {}
        )
    asked = SHARED | DEVELOPMENT | set().union(*(EXTRAS[extra] for extra in MINE))
    assert {name.replace("_", "-") for name in asked} - development.keys() == set()


def tracked(house: str) -> set[Path]:
    """Files of a house that git knows."""
    listed = subprocess.run(["git", "ls-files", house], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {ROOT / line for line in listed.splitlines()}


@pytest.mark.parametrize("house", HOUSES)
def test_a_package_holds_all_its_code_and_data(house: str) -> None:
    assert f"{house}*" in PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    files = {path for path in tracked(house) if path.exists()}
    code = {path for path in files if path.suffix == ".py"}
    assert [path for path in code if not (path.parent / "__init__.py").exists()] == []
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"].get(house, [])
    data = {path for pattern in patterns for path in (ROOT / house).glob(pattern)}
    assert files - code - data == set()


def test_every_command_of_an_installation_runs_a_package_of_its_extra() -> None:
    for command, place in PYPROJECT["project"]["scripts"].items():
        package = command.removeprefix("styleseal-")
        assert place == f"launch.scripts:{package}"
        assert package in EXTRAS
        assert (ROOT / package / "__main__.py").exists()


def paths_from_file(path: Path) -> list[Path]:
    """Every place that a source file finds from where it lies itself."""
    tree = ast.parse(path.read_text())
    inner = {child for node in ast.walk(tree) for child in ast.iter_child_nodes(node) if isinstance(node, ast.expr)}
    whole = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.expr) and node not in inner]
    places = [eval(text, {"Path": Path, "__file__": str(path)}) for text in whole if "__file__" in text]
    return [Path(one) for place in places for one in ([place] if isinstance(place, str | Path) else place)]


@pytest.mark.parametrize("house", [*HOUSES, "bench"])
def test_nobody_reaches_by_path_into_another_house(house: str) -> None:
    for path in (ROOT / house).rglob("*.py"):
        for reached in paths_from_file(path):
            assert reached == ROOT or reached.is_relative_to(ROOT / house), path  # the root is where commands run
        others = "|".join({*HOUSES} - {house})
        assert re.findall(rf'ROOT / "(?:{others})|"(?:{others})/', path.read_text()) == [], path


def test_a_commit_is_checked_as_make_check_does() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    done = subprocess.run(["make", "--dry-run", "check"], cwd=ROOT, capture_output=True, text=True, check=True)
    commands = [line for line in done.stdout.splitlines() if line.startswith(".venv/bin/")]
    assert [hook["entry"] for hook in hooks] == commands[-len(hooks) :]
    assert len(hooks) == 5
