"""Which file system a folder lies on, and whether SQLite's WAL is safe there. Knows no table of ours."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/mounts")
# WAL needs memory that all processes share, and locks that hold: network and VM file systems give neither.
FOREIGN = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "9p", "virtiofs", "vboxsf", "prl_fs", "afs", "ceph",
        "glusterfs", "lustre", "davfs", "fuse.grpcfuse", "fuse.osxfs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs",
        "fuse.glusterfs", "fuse.vmhgfs-fuse",
    }
)  # fmt: skip


def file_system(folder: Path, mounts: Path = MOUNTS) -> str:
    """The kind of the innermost mount that holds this folder, which may not exist yet; "" where nobody can say."""
    if not mounts.exists():
        return ""
    resolved, best, kind = folder.absolute().resolve(), Path(), ""
    for line in mounts.read_text().splitlines():
        _, point, found, *_ = line.split(" ")
        where = Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), point))
        if resolved.is_relative_to(where) and len(where.parts) >= len(best.parts):
            best, kind = where, found
    return kind


def danger(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """What threatens a database there, with the remedy; None where it is safe or nobody can say."""
    kind = file_system(folder, mounts)
    if kind not in FOREIGN:
        return None
    return f"{kind} may corrupt SQLite's WAL; move STYLESEAL_DATA to a local disk, in Docker to a named volume"
