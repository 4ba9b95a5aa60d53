"""How far something is and how long it will take, as bars and clock times. Knows no words."""

from __future__ import annotations

from collections.abc import Sequence

from storage.recipe import Prior, Recipe
from storage.records import PICTURE_STEPS, Job, MachineFacts
from storage.requests import ExportRequest, TrainingRequest, read_request

BAR_CELLS = 10
UNMEASURED_PICTURE_SECONDS = 5.0  # a careful guess until the engine has measured
UNMEASURED_STEP_SECONDS = 1.0
TAKE_SECONDS = 3.0
PRIOR_COST = {
    Prior.TRIGGER: 1.46,
    Prior.CLASS: 2.0,
}  # one more forward (0.402 T to 0.869 T, performance.md 0); a second batch
DORA_COST = 1.3  # a norm of every adapted weight a step; a guess, peft only says "more overhead"


def bar(done: int, total: int) -> str:
    """▓▓▓▓░░░░░░ – full only when all is done."""
    filled = min(BAR_CELLS, BAR_CELLS * done // total) if total else 0
    return "▓" * filled + "░" * (BAR_CELLS - filled)


def clock_time(seconds: float) -> str:
    """0:27, 12:05, 1:02:03."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def dots(share: float, count: int = 5) -> str:
    """●●●●○ for a share of 0 … 1."""
    filled = max(0, min(count, round(share * count)))
    return "●" * filled + "○" * (count - filled)


def picture_seconds(facts: MachineFacts | None) -> float:
    """Seconds a picture of PICTURE_STEPS takes on this machine."""
    return (facts and facts.seconds_per_picture) or UNMEASURED_PICTURE_SECONDS


def step_seconds(facts: MachineFacts | None) -> float:
    """Seconds a training step with a batch of 4 takes on this machine."""
    return (facts and facts.seconds_per_training_step) or UNMEASURED_STEP_SECONDS


def seconds_of(job: Job, facts: MachineFacts | None) -> float:
    """What a job still needs, without waiting; its own estimate where it has one."""
    if job.progress.seconds_left is not None:
        return job.progress.seconds_left
    request = read_request(job.request)
    if isinstance(request, TrainingRequest):
        return training_seconds(request.recipe, len(request.samples), facts)
    if isinstance(request, ExportRequest):
        return TAKE_SECONDS
    steps = sum(row.drawing.steps for row in request.rows) / PICTURE_STEPS
    return max(0.0, steps * (1 - job.progress.done / max(1, len(request.rows)))) * picture_seconds(facts)


def training_seconds(recipe: Recipe, samples: int, facts: MachineFacts | None) -> float:
    """Steps at the announced pace (of 4 pictures a step), and the samples of the start and each checkpoint."""
    pace = step_seconds(facts) * max(0.5, recipe.batch_size * recipe.accumulation / 4)
    pace *= PRIOR_COST[recipe.prior] if recipe.prior_weight else 1.0
    pace *= DORA_COST if recipe.use_dora else 1.0
    return recipe.steps * pace + (recipe.checkpoints + 1) * samples * picture_seconds(facts)


def wait_of(before: Sequence[Job], facts: MachineFacts | None) -> float:
    """What all jobs before one still need."""
    return sum(seconds_of(job, facts) for job in before)
