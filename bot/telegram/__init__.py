"""The only part that speaks Telegram."""

import os

os.environ.setdefault("PTB_TIMEDELTA", "true")  # durations as the library's next version gives them, without a warning
