"""The container files, as far as they can be held true without a container engine."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
IMPORT_NAMES = {
    "sd_parsers": "sd-parsers",
    "PIL": "pillow",
    "telegram": "python-telegram-bot",
    "pydantic_settings": "pydantic-settings",
    "multipart": "python-multipart",
    "python_multipart": "python-multipart",
    "yaml": "pyyaml",
}
# imported by other libraries by name, never by us
NEEDED_BY_LIBRARIES = {"python-multipart", "pillow", "accelerate"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_a_compose_validator_finds_nothing_wrong() -> None:
    assert shutil.which("npx"), "node is part of the machine this project is tested on"
    done = subprocess.run(
        ["npx", "--yes", "dclint@3.1.0", "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_engine_gets_the_gpu(compose: dict[str, Any]) -> None:
    devices = compose["services"]["engine"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices[0]["capabilities"] == ["gpu"]
    assert "deploy" not in compose["services"]["bot"]


@pytest.mark.parametrize("service", ["bot", "engine"])
def test_each_service_can_write_only_its_data(compose: dict[str, Any], service: str) -> None:
    found = compose["services"][service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["volumes"] == ["data:/data"]  # a named volume: WAL on a bind mount through a VM corrupts


def test_only_the_bot_is_told_the_token(compose: dict[str, Any]) -> None:
    assert "TELEGRAM_BOT_TOKEN" in compose["services"]["bot"]["environment"]
    assert "TELEGRAM_BOT_TOKEN" not in compose["services"]["engine"]["environment"]


def stages() -> dict[str, str]:
    text = (ROOT / "Dockerfile").read_text()
    parts = re.split(r"^FROM .* AS (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("service", ["bot", "engine"])
def test_each_image_runs_as_nobody_special_and_says_whether_it_is_well(service: str) -> None:
    stage = stages()[service]
    assert re.search(r"^USER styleseal$", stage, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*python", stage, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["python", "-m", "\w+"\]$', stage, re.MULTILINE)  # exec form: signals arrive


def third_party_imports(folder: Path) -> set[str]:
    """Packages that the code of a folder imports."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    own = {"bot", "engine", "storage", "launch", "tests", "bench"}
    return {IMPORT_NAMES.get(name, name) for name in names - own if name not in sys.stdlib_module_names}


@pytest.mark.parametrize("service", ["bot", "engine"])
def test_each_image_installs_what_its_code_imports_and_no_more(service: str) -> None:
    command = re.search(r"pip install --constraint constraints.txt \\\n(.*?)(?=\n[A-Z])", stages()[service], re.DOTALL)
    assert command
    installed = set(command[1].replace("\\", " ").split())
    imported = third_party_imports(ROOT / service) | third_party_imports(ROOT / "storage")
    assert imported - installed == set()
    assert installed - imported - NEEDED_BY_LIBRARIES == set()
