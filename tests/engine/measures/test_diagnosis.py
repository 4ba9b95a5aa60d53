"""What is said of a training: read from curves that wander, and from measures that are four samples each."""

from __future__ import annotations

import math
import random

import pytest

from engine.measures.checkpoint_choice import Measures, advise
from engine.measures.curve import diagnose, elbow, memorises, read_curve, wander
from storage.records import LossPoint

STEPS = 240
POINTS = 12  # a run is validated twelve times


def curve(*values: float) -> list[LossPoint]:
    return [LossPoint(step=20 * n, loss=1.0, validation_loss=value) for n, value in enumerate(values, 1)]


def settles(time: float) -> float:
    return 0.2 + 0.8 * math.exp(-6 * time)


def still_falls(time: float) -> float:
    return 1.0 - 0.6 * time


def turns_up(time: float) -> float:
    return 0.3 + 0.7 * math.exp(-10 * time) + 0.45 * max(0.0, time - 0.4)


@pytest.mark.parametrize(
    ("values", "reading"),
    [
        ((1.0, 0.6, 0.45, 0.4, 0.38, 0.375, 0.374, 0.373), "good"),
        ((1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3), "under"),
        ((1.0, 0.5, 0.4, 0.42, 0.48, 0.55, 0.6, 0.7), "over"),
        ((0.5, 0.6, 0.7, 0.8), "burnt"),
        ((0.5, 0.5, 0.5, 0.5, 0.5), "flat"),
        ((1.0, 0.5), "under"),
    ],
)
def test_the_curve_is_read_by_its_elbow_and_its_end(values: tuple[float, ...], reading: str) -> None:
    assert read_curve(curve(*values)) == reading
    assert diagnose(curve(*values), [], stopped=True) == "stopped"


# The embedded model on eight pictures of its second look, 120 steps of the fast preset, at this rate.
RECORDED = {
    1e-3: (
        (0.2235, 0.20249, 0.18985, 0.18033, 0.17613, 0.17169, 0.16591, 0.16284, 0.16146, 0.15972, 0.15865, 0.15792),
        "good",
    ),
    2e-5: (
        (0.24399, 0.24328, 0.24254, 0.24182, 0.24122, 0.24065, 0.24019, 0.2399, 0.23961, 0.23944, 0.23933, 0.23925),
        "flat",
    ),
    3e-2: (
        (0.34173, 1.15141, 1.04867, 0.94727, 0.93897, 0.98697, 0.95747, 0.93019, 0.91424, 0.89464, 0.89666, 0.88685),
        "burnt",
    ),
}


@pytest.mark.parametrize("rate", RECORDED)
def test_recorded_trainings_are_read_as_what_they_were(rate: float) -> None:
    values, reading = RECORDED[rate]
    assert read_curve(curve(*values)) == reading


@pytest.mark.parametrize(("shape", "reading"), [(settles, "good"), (still_falls, "under"), (turns_up, "over")])
def test_a_curve_that_wanders_is_still_read_right(shape: object, reading: str) -> None:
    right = 0
    for seed in range(100):
        chance = random.Random(seed)
        values = [shape(n / POINTS) + chance.gauss(0, 0.012) for n in range(1, POINTS + 1)]  # type: ignore[operator]
        right += read_curve(curve(*values)) == reading
    assert right >= 93


def test_one_spike_changes_no_reading() -> None:
    values = [settles(n / POINTS) for n in range(1, POINTS + 1)]
    for place in range(1, POINTS - 1):
        spiked = [value + 0.3 * (n == place) for n, value in enumerate(values)]
        assert read_curve(curve(*spiked)) == "good", place


def test_the_elbow_is_where_a_curve_bends_and_a_straight_one_has_none() -> None:
    bent = curve(1.0, 0.8, 0.6, 0.4, 0.38, 0.36, 0.34, 0.32)
    assert elbow(bent) == 80
    assert elbow(curve(*(still_falls(n / 8) for n in range(8)))) == 0
    assert elbow(curve(0.5, 0.5, 0.5, 0.5)) == 0
    assert elbow(curve(1.0, 0.3)) == 0
    assert elbow(curve(*RECORDED[3e-2][0])) == 0, "what ends worse than it began has none"


def test_the_elbow_stays_near_its_place_when_the_curve_wanders() -> None:
    truth = elbow(curve(*(settles(n / POINTS) for n in range(1, POINTS + 1))))
    for seed in range(50):
        chance = random.Random(seed)
        found = elbow(curve(*(settles(n / POINTS) + chance.gauss(0, 0.01) for n in range(1, POINTS + 1))))
        assert abs(found - truth) <= 40, seed  # two points of the curve


def test_wander_is_the_deviation_of_the_noise_on_a_slope() -> None:
    chance = random.Random(4)
    found = wander([0.01 * n + chance.gauss(0, 0.2) for n in range(4000)])
    assert found == pytest.approx(0.2, rel=0.06)


def test_what_the_curve_cannot_see_the_samples_say() -> None:
    falls = curve(1.0, 0.6, 0.45, 0.4, 0.38, 0.375, 0.374, 0.373)
    kept, forgotten = Measures(80, 0.9, 0.97, 0.5), Measures(160, 1.0, 0.8, 0.5)
    copies = Measures(160, 1.0, 0.95, 0.96)
    assert diagnose(falls, [kept]) == "good"
    assert diagnose(falls, [kept, forgotten]) == "over"
    assert diagnose(falls, [copies, kept]) == "over", "in order of steps, not of the list"
    assert diagnose(falls, [kept, forgotten], stopped=True) == "stopped"
    assert not memorises([Measures(80, 0.2, 0.8, 0.95), Measures(160, 0.9, 0.95, 0.95)])


# (step, style gained, prompt kept, copying). The recorded one is of the weights before 2026-11-22.
TABLE = {
    "style with the prompt, over a burnt one": (((40, 0.3, 1.0, 0.5), (80, 0.8, 0.95, 0.5), (120, 1.0, 0.6, 0.5)), 80),
    "the only one there is": (((120, 1.0, 0.3, 0.5),), 120),
    "no copies, though they have more style": (((40, 0.8, 0.9, 0.5), (80, 0.85, 0.9, 1.0)), 40),
    "of equals the earlier": (((80, 0.8, 0.9, 0.5), (40, 0.8, 0.9, 0.5)), 40),
    "what exaggerates gains nothing by it": (((80, 1.0, 0.95, 0.5), (120, 1.2, 0.9, 0.5)), 80),
    "a guess is worth nothing, however stylish": (((40, 0.2, 0.95, 0.5), (80, 1.0, 0.55, 0.5)), 40),
    "where nothing was gained, the nearest": (((40, -0.4, 1.0, 0.5), (80, -0.1, 1.0, 0.5)), 80),
    "a subtle look, still growing": (((40, 0.05, 1.0, 0.4), (80, 0.12, 0.99, 0.4), (120, 0.2, 0.98, 0.4)), 120),
    "icon, thorough (recorded)": (((160, 0.92, 0.97, 0.5), (320, 1.08, 0.95, 0.5), (480, 1.04, 0.94, 0.5)), 320),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_the_choice_weighs_style_prompt_and_own_work(case: str) -> None:
    measured, chosen = TABLE[case]
    assert advise([Measures(*one) for one in measured]) == chosen


def run_of(chance: random.Random, *, overtrains: bool) -> list[Measures]:
    """The truth of five checkpoints: style saturates, the prompt is kept until it is not, copies come late."""
    speed, holds = chance.uniform(2, 6), chance.uniform(0.4, 0.7) if overtrains else 2.0
    ceiling = chance.uniform(0.4, 1.15)
    found = []
    for number in range(1, 6):
        time = number / 5
        lost = chance.uniform(0.25, 0.6) * max(0.0, time - holds) + 0.03 * time
        copied = 0.6 + (0.7 * max(0.0, time - holds) if overtrains else 0.05 * time)
        found.append(Measures(48 * number, ceiling * (1 - math.exp(-speed * time)), 0.99 - lost, min(1.0, copied)))
    return found


@pytest.mark.parametrize("overtrains", [False, True])
def test_four_samples_a_checkpoint_are_enough_to_advise_within_a_twentieth_of_the_best(overtrains: bool) -> None:
    near = 0
    for seed in range(200):
        chance = random.Random(seed)
        truth = run_of(chance, overtrains=overtrains)
        seen = [
            Measures(
                one.step,
                one.style_gained + chance.gauss(0, 0.03),
                min(1.0, one.prompt_kept + chance.gauss(0, 0.015)),
                one.copying + chance.gauss(0, 0.01),
            )
            for one in truth
        ]
        worth = {one.step: one.worth for one in truth}
        near += worth[advise(seen)] >= 0.95 * max(worth.values())
    assert near >= 160, "eight of ten"
