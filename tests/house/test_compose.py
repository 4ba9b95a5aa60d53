"""The container files, as far as they can be held true without a container engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


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


def test_the_token_comes_as_a_file_to_the_bot_alone(compose: dict[str, Any]) -> None:
    assert compose["services"]["bot"]["secrets"] == ["telegram_bot_token"]
    assert compose["services"]["bot"]["environment"]["TELEGRAM_BOT_TOKEN_FILE"] == "/run/secrets/telegram_bot_token"
    for service in compose["services"].values():
        assert "TELEGRAM_BOT_TOKEN" not in service["environment"], "`docker inspect` shows it to everybody"
    assert not any("secrets" in compose["services"][name] for name in ("engine", "fetch"))
    assert "telegram_bot_token" in (ROOT / ".dockerignore").read_text()


def test_the_engine_has_no_way_out_and_a_model_is_fetched_by_a_profile_of_its_own(compose: dict[str, Any]) -> None:
    services, networks = compose["services"], compose["networks"]
    assert [networks[name] for name in services["engine"]["networks"]] == [{"internal": True}]
    assert services["engine"]["environment"]["HF_HUB_OFFLINE"] == "1"
    assert services["fetch"]["profiles"] == ["fetch"]
    assert services["fetch"]["networks"] == services["bot"]["networks"] == ["outside"]
    assert services["fetch"]["environment"]["HF_HOME"] == services["engine"]["environment"]["HF_HOME"]


@pytest.mark.parametrize("service", ["bot", "engine", "fetch"])
def test_each_service_has_an_end_to_its_memory_and_processes(compose: dict[str, Any], service: str) -> None:
    found = compose["services"][service]
    assert found["mem_limit"]
    assert found["pids_limit"] <= 1024
    assert found["security_opt"] == ["no-new-privileges:true"]


def test_one_command_pins_the_base_image_to_the_digest_that_the_registry_names(tmp_path: Path) -> None:
    digest = "sha256:" + "0123456789abcdef" * 4
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho {digest}\n")  # the registry is the edge of the world
    docker.chmod(0o755)
    shutil.copy(ROOT / "Dockerfile", tmp_path / "Dockerfile")
    command = ["make", "--file", str(ROOT / "Makefile"), "pin", f"DOCKERFILE={tmp_path / 'Dockerfile'}"]
    for _ in range(2):  # and again, to renew it
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        first = re.search(r"^ARG BASE=(.*)$", (tmp_path / "Dockerfile").read_text(), re.MULTILINE)
        assert first
        assert first[1] == f"python:3.11-slim-bookworm@{digest}"
    docker.write_text("#!/bin/sh\nexit 1\n")
    assert subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False).returncode != 0
    assert digest in (tmp_path / "Dockerfile").read_text()


def stages() -> dict[str, str]:
    text = (ROOT / "Dockerfile").read_text()
    parts = re.split(r"^FROM \S+ AS (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("service", ["bot", "engine"])
def test_each_image_runs_as_nobody_special_and_says_whether_it_is_well(service: str) -> None:
    stage = stages()[service]
    assert re.search(r"^USER styleseal$", stage, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*python", stage, re.MULTILINE)
    assert re.search(
        rf'^ENTRYPOINT \["python", "-m", "launch", "{service}"\]$', stage, re.MULTILINE
    )  # exec form: signals arrive
