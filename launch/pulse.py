"""Whether a process still does its work, or hangs: decided from what its alive command says and what it computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """How long a silent process may stay, in seconds. A question costs a start of Python, so it is not asked often."""

    idle: float = 30.0  # silent and not computing: stopped, or waiting for what never comes
    busy: float = 600.0  # silent but computing: one long step on a slow machine
    loading: float = 6.0  # times both, until the first sign of life: a model is loaded, or comes over the network
    between_questions: float = 15.0  # not less than what `alive` calls lately, or a dead predecessor's beat counts
    question: float = 40.0  # longer, and it counts as not answered
    grace: float = 10.0  # between SIGTERM and kill -9


IDLE_SHARE = 0.01  # of a core; an event loop that only waits takes less


class Pulse:
    """What is known of one process since its start. All times come from one clock that only goes forward."""

    def __init__(self, patience: Patience, born: float) -> None:
        self.patience = patience
        self.silent_since: float | None = born
        self._idle_since: float | None = None
        self._has_lived = False
        self.is_stopped = False  # by a signal: nothing is being loaded then
        self._looked, self._computed = born, 0.0

    def notes(self, alive: bool, now: float, cpu_seconds: float) -> None:
        """Takes in an answer, and how much the process has computed since its start."""
        share = (cpu_seconds - self._computed) / max(now - self._looked, 1e-9)
        if share > IDLE_SHARE:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = self._looked
        self._looked, self._computed = now, cpu_seconds
        self._has_lived = self._has_lived or alive
        if alive:
            self.silent_since = None
        elif self.silent_since is None:
            self.silent_since = now

    def hangs(self, now: float) -> bool:
        """Whether the process should be replaced."""
        if self.silent_since is None:
            return False
        times = 1.0 if self._has_lived or self.is_stopped else self.patience.loading
        silent, idle = now - self.silent_since, 0.0 if self._idle_since is None else now - self._idle_since
        return silent > self.patience.busy * times or min(silent, idle) > self.patience.idle * times
