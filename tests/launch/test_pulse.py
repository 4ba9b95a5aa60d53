"""When a silent process counts as hung: decided from answers, computing and a clock that is handed in."""

from __future__ import annotations

import pytest

from launch.pulse import Patience, Pulse

PATIENCE = Patience(idle=45, busy=600, loading=6)


def felt(pulse: Pulse, *, until: int, alive: bool, cpu_share: float, start: int = 0, cpu_before: float = 0.0) -> int:
    """Asks every 15 s; returns when it was first called hung, or 0."""
    for now in range(start + 15, until + 1, 15):
        pulse.notes(alive, now, cpu_before + cpu_share * (now - start))
        if pulse.hangs(now):
            return now
    return 0


def test_a_process_that_answers_is_left_alone_however_idle_it_is() -> None:
    assert felt(Pulse(PATIENCE, 0), until=10_000, alive=True, cpu_share=0.0) == 0


@pytest.mark.parametrize(("cpu_share", "hung_for"), [(0.0, 60), (1.0, 615)], ids=["stopped", "endless loop"])
def test_a_silent_one_is_given_up_soon_when_it_computes_nothing_and_late_when_it_does(
    cpu_share: float, hung_for: int
) -> None:
    pulse = Pulse(PATIENCE, 0)
    felt(pulse, until=300, alive=True, cpu_share=0.5)
    found = felt(pulse, until=5000, alive=False, cpu_share=cpu_share, start=300, cpu_before=150)
    assert 0 < found - 300 <= hung_for + 15


@pytest.mark.parametrize(("cpu_share", "after"), [(0.0, 270), (1.0, 3600)])
def test_before_its_first_sign_of_life_it_has_six_times_as_long(cpu_share: float, after: int) -> None:
    assert after < felt(Pulse(PATIENCE, 0), until=9000, alive=False, cpu_share=cpu_share) <= after + 30


def test_a_long_step_that_ends_is_no_hang() -> None:
    pulse = Pulse(PATIENCE, 0)
    felt(pulse, until=60, alive=True, cpu_share=1.0)
    assert felt(pulse, until=600, alive=False, cpu_share=1.0, start=60, cpu_before=60) == 0
    pulse.notes(True, 610, 610)
    assert felt(pulse, until=1200, alive=False, cpu_share=1.0, start=610, cpu_before=610) == 0


def test_one_that_a_signal_holds_still_is_loading_nothing() -> None:
    pulse = Pulse(PATIENCE, 0)
    pulse.is_stopped = True
    assert 45 < felt(pulse, until=9000, alive=False, cpu_share=0.0) <= 75
