"""A data folder on a network or VM file system is warned of at the start, with the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from storage.mounts import FOREIGN, danger, file_system
from storage.store import Store

TABLE = """overlay / overlay rw 0 0
proc /proc proc rw 0 0
/dev/sdb1 /mnt/nas/local ext4 rw 0 0
nas:/export /mnt/nas nfs4 rw,vers=4.2 0 0
//box/share /mnt/My\\040Pictures cifs rw 0 0
mac /Users virtiofs rw 0 0
tmpfs /mnt/nas/local/quick tmpfs rw 0 0
"""


def written(path: Path, table: str) -> Path:
    path.write_text(table)
    return path


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    return written(tmp_path / "mounts", TABLE)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/styleseal", "overlay"),
        ("/mnt/nas/styleseal", "nfs4"),
        ("/mnt/nastier", "overlay"),
        ("/mnt/nas/local/data", "ext4"),
        ("/mnt/nas/local/quick/data", "tmpfs"),
        ("/mnt/My Pictures/data", "cifs"),
        ("/Users/anna/styleseal/data", "virtiofs"),
    ],
)
def test_a_folder_lies_on_the_innermost_mount(mounts: Path, folder: str, kind: str) -> None:
    assert file_system(Path(folder), mounts) == kind
    assert (danger(Path(folder), mounts) is not None) is (kind in FOREIGN)


def test_where_nobody_can_say_nothing_is_said(tmp_path: Path) -> None:
    assert danger(tmp_path, tmp_path / "no table") is None


@pytest.mark.parametrize(("kind", "warnings"), [("nfs4", 1), ("ext4", 0)])
async def test_a_start_on_a_network_file_system_warns_with_the_remedy(tmp_path: Path, kind: str, warnings: int) -> None:
    table = written(tmp_path / "mounts", f"disk {tmp_path} {kind} rw 0 0\n")
    with capture_logs() as logs:
        await (await Store.open(tmp_path / "data", mounts=table)).close()
    said = [entry["why"] for entry in logs if entry["event"] == "the data folder is not safe"]
    assert len(said) == warnings
    assert all("local disk" in why for why in said)
