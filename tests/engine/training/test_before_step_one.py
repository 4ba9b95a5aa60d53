"""Before step one: what cannot go together is refused by its reason, and a trial step says what is to come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
import torch

from engine.jobs import training
from engine.training import dry_run
from engine.training.dataset import prepare
from engine.training.divergence import HEAVIER, WORSE, DivergenceCheck
from engine.training.loop import Loop
from engine.training.recipe_validation import REASONS, validate
from storage.errors import LossExploded, LossNotFinite, OutOfMemory, RecipeRefused
from storage.limits import MOST, MOST_PICTURES
from storage.recipe import Recipe
from tests.engine.sealing import Memory, small_training
from tests.engine.tiny_models import tiny_machine
from tests.engine.training.looping import loop_of, steps

REFUSED: list[tuple[str, dict[str, object]]] = [
    ("number_too_small", {"rank": 0}),
    ("number_too_small", {"crops": 0}),
    ("number_too_small", {"moved": -1}),
    ("number_too_large", {"steps": MOST["steps"] + 1}),
    ("number_too_large", {"rank_pattern": {"to_q": 129}}),
    ("rate_not_positive", {"learning_rate": 0.0}),
    ("loss_without_width", {"loss": "huber", "huber_delta": 0.0}),
    ("average_never_moves", {"ema_decay": 1.0}),
    ("eight_bit", {"optimizer": "adamw8bit"}),
    ("loraplus", {"optimizer": "prodigy", "loraplus_ratio": 16.0}),
    ("loraplus", {"optimizer": "dadaptation", "loraplus_ratio": 16.0}),
    ("debiased", {"debiased": True}),
    ("learns_nothing", {"lora": False}),
    ("learns_words", {"lora": False, "new_tokens": 2, "use_dora": True}),
    ("prior_words", {"lora": False, "new_tokens": 2, "prior_weight": 1.0}),
    ("prior_class_prompt", {"prior_weight": 1.0, "prior": "class", "class_pictures": 2}),
    ("prior_class", {"prior_weight": 1.0, "prior": "class", "class_prompt": "a fox"}),
    ("no_such_target", {"targets": ("to_q", "to_nowhere")}),
    ("no_such_target", {"targets": ()}),
]


@pytest.mark.parametrize(("reason", "changes"), REFUSED)
def test_what_cannot_go_together_is_refused_by_its_reason(reason: str, changes: dict[str, object]) -> None:
    with pytest.raises(RecipeRefused) as refused:
        validate(replace(Recipe(), **changes), tiny_machine("sd1"))  # type: ignore[arg-type]
    assert refused.value.facts["reason"] == reason


def test_a_palette_beyond_the_upper_end_is_refused_before_it_is_read() -> None:
    request = small_training(Memory())
    too_many = replace(request, pictures=request.pictures * (MOST_PICTURES // len(request.pictures) + 1))
    with pytest.raises(RecipeRefused) as refused:
        next(training.run(too_many, tiny_machine("sd1"), Memory().task()))
    assert refused.value.facts["reason"] == "pictures"


def test_the_default_recipe_goes_and_every_reason_that_a_cpu_can_meet_is_met_above() -> None:
    validate(Recipe(), tiny_machine("sd1"))
    elsewhere = {"eight_bit_not_installed", "dora_offload"}  # need CUDA
    assert {reason for reason, _ in REFUSED} | elsewhere == set(REASONS)


def test_a_dataset_prepared_without_the_recipe_is_not_trained_on_as_if_it_were() -> None:
    machine, memory = tiny_machine("sd1"), Memory()
    request = small_training(memory, flip=True)
    dataset = prepare(machine, request.pictures, memory.files.__getitem__)
    with pytest.raises(ValueError, match="another recipe"):
        Loop(machine, dataset, request.recipe, "loop")


def test_a_trial_says_how_long_a_step_takes_and_changes_nothing_that_comes_after() -> None:
    machine = tiny_machine("sd1")
    with closing(loop_of(machine)) as loop:
        expected = steps(loop, 2), loop.state()
    with closing(loop_of(machine)) as tried:
        found = dry_run.attempt(tried)
        assert (steps(tried, 2), tried.state()) == expected
    assert 0 < found.seconds < 5
    assert (found.rows_at_once, found.checkpointing) == (2, False)


def test_a_weight_that_is_no_number_is_found_before_step_one() -> None:
    with closing(loop_of(tiny_machine("sd1"))) as loop:
        loop.parameters[0].data.view(-1)[0] = float("nan")
        with pytest.raises(LossNotFinite):
            dry_run.attempt(loop)
        assert all(parameter.grad is None for parameter in loop.parameters)


class SmallMemory(Loop):
    """A loop on a device that holds only so many rows, and half as many without recomputing."""

    rows = 4

    def learn_from(self, chance: object) -> torch.Tensor:
        if self.rows_at_once > self.rows * (2 if self.checkpointing else 1) // 2:
            raise torch.OutOfMemoryError
        return super().learn_from(chance)  # type: ignore[arg-type]


@pytest.fixture
def small_memory() -> Iterator[Callable[[int], SmallMemory]]:
    made: list[SmallMemory] = []

    def make(rows: int) -> SmallMemory:
        memory = Memory()
        request = small_training(memory, batch_size=4)
        dataset = prepare(tiny_machine("sd1"), request.pictures, memory.files.__getitem__, request.recipe)
        made.append(SmallMemory(tiny_machine("sd1"), dataset, request.recipe, "loop"))
        made[-1].rows = rows
        return made[-1]

    yield make
    for loop in made:
        loop.close()
    assert not tiny_machine("sd1").unet.is_gradient_checkpointing


@pytest.mark.parametrize(("rows", "expected"), [(8, (4, False)), (4, (4, True)), (2, (2, True)), (1, (1, True))])
def test_a_batch_that_does_not_fit_is_recomputed_then_taken_in_pieces(
    small_memory: Callable[[int], SmallMemory], rows: int, expected: tuple[int, bool]
) -> None:
    found = dry_run.attempt(small_memory(rows))
    assert (found.rows_at_once, found.checkpointing) == expected


def test_where_not_one_row_fits_it_says_so(small_memory: Callable[[int], SmallMemory]) -> None:
    with pytest.raises(OutOfMemory):
        dry_run.attempt(small_memory(0))


def test_a_batch_in_pieces_with_recomputing_learns_the_same() -> None:
    machine = tiny_machine("sdxl")
    gradients = []
    for pieces in (False, True):
        with closing(loop_of(machine, batch_size=4)) as loop:
            steps(loop, 1)
            if pieces:
                loop.rows_at_once = 1
                loop.recompute_activations()
            loop.learn_from(loop.chance(1))
            gradients.append([one.grad for one in loop.parameters if one.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 0
    for whole, pieced in zip(*gradients, strict=True):
        assert torch.allclose(whole, pieced, rtol=1e-3, atol=1e-6)


def test_weights_that_run_away_stop_a_training_whose_numbers_are_still_numbers() -> None:
    with closing(loop_of(tiny_machine("sd1"), steps=12, learning_rate=1e-3)) as loop:
        first = steps(loop, 2)[0]
        assert first.weight_norm == pytest.approx(loop.divergence.start_norm, rel=0.1)
        for parameter in loop.parameters:
            parameter.data *= 4 * HEAVIER
        with pytest.raises(LossExploded):
            steps(loop, 1)


@pytest.mark.parametrize("grid", [2.0 * WORSE, float("nan"), float("inf")])
def test_a_grid_far_above_its_lowest_is_a_training_that_ran_away(grid: float) -> None:
    check = DivergenceCheck(start_norm=1.0)
    check.update(1, 1.0, 1.0)
    check.update(2, WORSE * 0.9, 1.0)
    with pytest.raises(LossExploded):
        check.update(3, grid, 1.0)


def test_losses_read_late_are_all_told_once_and_nothing_is_kept_before_they_are() -> None:
    machine = tiny_machine("sd1")
    with closing(loop_of(machine, steps=60)) as loop:
        expected = steps(loop, 23)
    with closing(loop_of(machine, steps=60)) as late:
        late.read_every = 10
        told = steps(late, 23)
        assert [point.step for point in told] == list(range(1, 21))  # the grid is due every five steps
        assert told + late.read() == expected
        late.parameters[0].data.view(-1)[0] = float("nan")
        assert steps(late, 1) == []
        with pytest.raises(LossNotFinite) as lost:
            late.read()
        assert lost.value.facts["step"] == 24
