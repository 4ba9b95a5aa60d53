"""Freed memory is taken again instead of being mapped anew, by page faults in processes of their own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
from engine.models.allocator import keep_freed_memory

def a_step():
    return sum(float(one.sum()) for one in [torch.ones(2**20) for _ in range(30)])

if sys.argv[1] == "kept":
    assert keep_freed_memory()
a_step()
a_step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    a_step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc's")
def test_a_step_like_the_last_one_asks_the_kernel_for_no_pages() -> None:
    # glibc's own threshold at its first value: it grows by itself, and then where blocks happen to lie decides.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(128 * 1024)}
    kept, given_back = (
        int(
            subprocess.run([sys.executable, "-c", FAULTS, how], env=environment, capture_output=True, check=True).stdout
        )
        for how in ("kept", "given back")
    )
    assert kept < given_back / 10
