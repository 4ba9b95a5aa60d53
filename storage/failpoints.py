"""Named places where a test may let the process die, as kill -9 would. Free of cost unless STYLESEAL_FAILPOINT is set.

`STYLESEAL_FAILPOINT="commit:7"` dies at the 7th time `commit` is reached; without a number at the first.
"""

from __future__ import annotations

import os
from collections import Counter

DIED = 137  # what a shell reports of kill -9
_name, _, _number = os.environ.get("STYLESEAL_FAILPOINT", "").partition(":")
_at = int(_number or 1)
_reached: Counter[str] = Counter()


def reach(name: str) -> None:
    """Says that this place is reached; the process ends here, without clean-up, when a test asked for it."""
    if name != _name:
        return
    _reached[name] += 1
    if _reached[name] == _at:
        os._exit(DIED)
