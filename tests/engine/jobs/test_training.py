"""The training job: it may die between any two of its words and the same seal comes out; it may be stopped or fail."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from engine.jobs.attempt import Attempt
from engine.jobs.events import Drew, Finished, Measured, Stepped, Trained
from engine.jobs.measuring import Measuring, Scale
from engine.measures.subject import SubjectMeasure
from engine.models.machine import Machine
from storage.errors import LossNotFinite
from storage.states import Wish
from tests.engine.sealing import Memory, attempt, base_hash, png, small_training
from tests.engine.tiny_models import tiny_machine

EVERY_EVENT = 9  # of about eighty; shares no factor with what repeats inside, so all kinds are met


def trained(machine: Machine, **changes: object) -> Memory:
    memory = Memory()
    for _ in attempt(small_training(memory, **changes), machine, memory):
        pass
    return memory


def what_came_out(memory: Memory) -> dict[str, object]:
    answer = memory.answer
    assert answer is not None
    return {
        "samples": memory.drawn,
        "losses": [memory.losses[step] for step in sorted(memory.losses)],
        "adapters": memory.adapters,
        "measures": memory.measures,
        "advice": (answer.steps, answer.recommended, answer.reading),
    }


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, object]:
    return what_came_out(trained(tiny_machine("sd1")))


def test_a_training_draws_its_samples_at_the_start_and_at_every_checkpoint() -> None:
    memory = Memory()
    request = small_training(memory)
    events = list(attempt(request, tiny_machine("sd1"), memory))
    drew = [event for event in events if isinstance(event, Drew)]
    assert [(event.step, event.position) for event in drew] == [(0, 0), (0, 1), (3, 2), (3, 3), (6, 4), (6, 5)]
    assert sorted(memory.adapters) == sorted(memory.measures) == [3, 6]
    assert sorted(memory.losses) == [1, 2, 3, 4, 5, 6]
    assert memory.answer is not None
    assert memory.answer.recommended in (3, 6)
    assert isinstance(events[-1], Finished)
    assert events[0].progress.phase == "encoding"  # type: ignore[union-attr]


def test_samples_change_as_the_adapter_learns_and_the_base_ones_are_the_bare_model(undisturbed: Any) -> None:
    samples = undisturbed["samples"]
    assert len({samples[0], samples[2], samples[4]}) == 3
    longer = trained(tiny_machine("sd1"), steps=4, checkpoints=1)
    assert longer.drawn[0] == samples[0]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_training_dropped_after_any_event_comes_to_the_same_bytes(undisturbed: Any) -> None:
    machine = tiny_machine("sd1")
    whole = Memory()
    total = len(list(attempt(small_training(whole), machine, whole)))
    for deaths in range(2, total, EVERY_EVENT):
        memory = Memory()
        request = small_training(memory)
        events = attempt(request, machine, memory)
        for _ in range(deaths):
            next(events)
        events.close()  # type: ignore[attr-defined]
        for _ in attempt(request, machine, memory):
            pass
        assert what_came_out(memory) == undisturbed, f"dropped after event {deaths}"
        assert memory.doubles == [], f"dropped after event {deaths}"


def test_a_training_that_dies_again_and_again_still_gets_on(undisturbed: Any) -> None:
    memory = Memory()
    request = small_training(memory)
    for _ in range(4):  # two checkpoints, each saved, then measured: every attempt adds one of these
        for event in (events := attempt(request, tiny_machine("sd1"), memory)):
            if isinstance(event, Trained | Measured):
                break
        events.close()  # type: ignore[attr-defined]
    assert sorted(memory.measures) == [3, 6]
    for _ in attempt(request, tiny_machine("sd1"), memory):
        pass
    assert what_came_out(memory) == undisturbed


def test_what_others_draw_between_two_steps_changes_nothing(undisturbed: Any) -> None:
    machine = tiny_machine("sd1")
    memory, other = Memory(), Memory()
    ours = attempt(small_training(memory), machine, memory)
    theirs = attempt(small_training(other, seed=99), machine, other, _as_job(2, other))
    for _ in ours:
        next(theirs, None)
        torch.randn(3)
    for _ in theirs:
        pass
    assert what_came_out(memory) == undisturbed
    assert other.adapters.keys() == memory.adapters.keys()
    assert other.adapters != memory.adapters


def _as_job(number: int, memory: Memory) -> Any:
    task = memory.task()
    task.job_id = number
    return task


@pytest.mark.parametrize("family", ["sd2", "sdxl"])
def test_every_family_trains_and_resumes_to_the_same_bytes(family: str) -> None:
    machine = tiny_machine(family)
    whole = what_came_out(trained(machine, accumulation=2))
    memory = Memory()
    request = small_training(memory, accumulation=2)
    events = attempt(request, machine, memory)
    while memory.state is None:
        next(events)
    events.close()  # type: ignore[attr-defined]
    for _ in attempt(request, machine, memory):
        pass
    assert what_came_out(memory) == whole


def test_the_base_weights_are_the_same_after_a_training_and_no_adapter_is_left() -> None:
    machine = tiny_machine("sd1")
    before = base_hash(machine)
    trained(machine)
    assert base_hash(machine) == before
    assert not [key for key, _ in machine.unet.named_parameters() if "training_" in key]


@pytest.mark.parametrize("accumulation", [1, 2])
def test_an_ended_engine_repeats_no_finished_step_wherever_it_was(accumulation: int) -> None:
    machine, whole = tiny_machine("sd1"), Memory()
    request = small_training(whole, accumulation=accumulation)
    expected = list(attempt(request, machine, whole))
    for number in range(1, len(expected), 3):
        memory = Memory()
        request = small_training(memory, accumulation=accumulation)
        task = memory.task()
        events = attempt(request, machine, memory, task)
        before = [next(events) for _ in range(number)]
        task.stopping = True
        rest = list(events)
        done = max((event.progress.done for event in before if isinstance(event, Stepped | Trained)), default=0)
        assert (memory.state or (0, b""))[0] >= done
        assert sum(isinstance(event, Trained) for event in rest) <= 1
        assert memory.answer is None
        for _ in attempt(request, machine, memory):
            pass
        assert what_came_out(memory) == what_came_out(whole), f"ended after event {number}"
        assert memory.doubles == []


def test_stopping_keeps_what_was_learnt_and_says_so() -> None:
    memory = Memory()
    request = small_training(memory)
    task = memory.task()
    for event in attempt(request, tiny_machine("sd1"), memory, task):
        if isinstance(event, Stepped) and event.progress.phase == "training" and event.progress.done == 2:
            task.wish = Wish.STOP
    assert memory.answer is not None
    assert memory.answer.reading == "stopped"
    assert sorted(memory.adapters) == sorted(memory.measures) == [2]
    assert memory.answer.recommended == memory.answer.steps == 2
    assert sorted(memory.drawn) == [0, 1, 2, 3]


def test_a_loss_that_is_no_number_ends_at_the_last_good_checkpoint() -> None:
    machine, memory = tiny_machine("sd1"), Memory()
    request = small_training(memory)
    events = attempt(request, machine, memory)
    while 3 not in memory.measures:
        next(events)
    events.close()  # type: ignore[attr-defined]
    memory.state = (3, poisoned(memory.state))
    for _ in attempt(request, machine, memory):
        pass
    assert memory.answer is not None
    assert memory.answer.recommended == memory.answer.steps == 3
    assert sorted(memory.adapters) == sorted(memory.losses)[2:] == [3]


def poisoned(state: tuple[int, bytes] | None) -> bytes:
    """The state with one weight that is no number."""
    assert state is not None
    tensors = load(state[1])
    tensors["00000.weight"].view(-1)[0] = float("nan")
    data: bytes = save(tensors)
    return data


def test_a_loss_that_is_no_number_before_any_checkpoint_fails_by_its_name() -> None:
    machine, memory = tiny_machine("sd1"), Memory()
    with pytest.raises(LossNotFinite):
        for _ in attempt(small_training(memory, learning_rate=1e30, checkpoints=1), machine, memory):
            pass
    assert not [key for key, _ in machine.unet.named_parameters() if "training_" in key]


def test_a_sample_that_copies_a_palette_picture_names_it() -> None:
    memory = Memory()
    request, scale = small_training(memory), Scale((), [], [], SubjectMeasure(tiny_machine("sd1"), ("fox",)))
    for copying, named in ((0.97, 2), (0.5, None)):
        memory.measures = {3: (0.5, 1.0, 0.5), 6: (0.9, 1.0, copying)}
        attempt_at_it = Attempt(request, tiny_machine("sd1"), memory.task())
        assert Measuring(attempt_at_it, scale, copied={3: 1, 6: 2}).most_copied() == named


def test_pictures_of_any_size_are_trained_on_at_the_models_own() -> None:
    memory = Memory()
    request = small_training(memory)
    data = png(1, side=100)
    memory.files[request.pictures[0].file] = data
    for event in attempt(request, tiny_machine("sd1"), memory):
        if isinstance(event, Trained):
            break
    assert memory.losses
