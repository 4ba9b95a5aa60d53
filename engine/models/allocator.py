"""Keeps freed memory in the process, where the next layer takes it again. For the CPU and glibc; elsewhere nothing.

glibc maps every larger tensor anew and gives it back when it is freed, so that each layer of each step has its pages
counted out by the kernel: a quarter of the time of a small model (docs/performance.md).
"""

from __future__ import annotations

import ctypes

MIB = 1 << 20
# mallopt(3). 32 MiB is the largest threshold that glibc takes; what is larger is still mapped and given back.
SETTINGS = {"M_TRIM_THRESHOLD": (-1, 512 * MIB), "M_TOP_PAD": (-2, 64 * MIB), "M_MMAP_THRESHOLD": (-3, 32 * MIB)}


def keep_freed_memory() -> bool:
    """Whether the allocator took it: up to half a GiB that is free stays with the process."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all([mallopt(number, value) for number, value in SETTINGS.values()])
