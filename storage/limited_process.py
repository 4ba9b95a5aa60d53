"""The inside of a limited child: gives up what it can do, then calls the one function that it was started for.

Started by `storage.limited_child` alone. Imports little: every reading of a file starts it anew.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import sys
from contextlib import suppress
from typing import Any

from storage.errors import StylesealError

# Linux' own numbers: sched.h, prctl.h, landlock.h; Landlock's system calls have the same on every processor.
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000
DIE_WITH_PARENT, NO_NEW_PRIVILEGES = 1, 38
CREATE_RULESET, RESTRICT_SELF = 444, 446
READ_FILE, READ_FOLDER = 1 << 2, 1 << 3
FILE_RIGHTS = ((1, 13), (2, 14), (3, 15), (5, 16))  # (Landlock's version, how many rights over files it knows)
TCP, SCOPES = 0b11, 0b11  # binding and connecting; sockets and signals to others
KILL = 9

held: dict[str, bool] = {"network": False, "writing": False}


def main(task: str) -> None:
    """Calls the task's function under its limits and writes the answer into its pipe: one letter, then content."""
    asked = json.loads(task)
    most = asked["limits"]["result_bytes"]
    _limit(asked["limits"])
    _leave_network()
    _leave_files()
    answer = _answer_of(asked["function"], asked["arguments"], most)
    view = memoryview(answer)
    while view:
        view = view[os.write(asked["pipe"], view) :]
    os._exit(0)  # nothing of what was read gets to clean up


def held_guards() -> dict[str, bool]:
    """Which guards hold in this process."""
    return held


def _answer_of(function: str, arguments: list[Any], most: int) -> bytes:
    try:
        module, name = function.split(":")
        found = getattr(importlib.import_module(module), name)(*arguments)
        answer = b"B" + found if isinstance(found, bytes) else b"J" + json.dumps(found).encode()
    except MemoryError:
        return b"M"
    except StylesealError as error:
        return b"R" + _one_line(str(error.facts.get("reason", error)))
    except Exception as error:  # whatever a library says of a broken file is a refusal
        return b"R" + _one_line(f"it cannot be read ({type(error).__name__})")
    return answer if len(answer) <= most + 1 else b"L"


def _one_line(reason: str) -> bytes:
    return " ".join(reason.split())[:300].encode()


def _limit(limits: dict[str, int]) -> None:
    seconds = limits["cpu_seconds"]
    wanted = {
        resource.RLIMIT_AS: (limits["memory_bytes"], limits["memory_bytes"]),
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_NOFILE: (limits["open_files"], limits["open_files"]),
        resource.RLIMIT_CORE: (0, 0),
    }
    for what, values in wanted.items():
        with suppress(ValueError, OSError):  # macOS knows no limit of address space
            resource.setrlimit(what, values)


def _leave_network() -> None:
    """Into a network of its own that has no way out; an ordinary user needs a user namespace for that."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(DIE_WITH_PARENT, KILL, 0, 0, 0)
    held["network"] = any(libc.unshare(flags) == 0 for flags in (NEW_NETWORK, NEW_USER | NEW_NETWORK))


def _leave_files() -> None:
    """Landlock takes every right over files but reading, and TCP where containers forbid a network namespace."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return
    rights = (1 << max(count for since, count in FILE_RIGHTS if version >= since)) - 1
    rules = (ctypes.c_uint64 * 3)(rights & ~(READ_FILE | READ_FOLDER), TCP, SCOPES)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(CREATE_RULESET, rules, size, 0)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    held["writing"] = ruleset >= 0 and libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    held["network"] = held["network"] or (held["writing"] and version >= 4)
