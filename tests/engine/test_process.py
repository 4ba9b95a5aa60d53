"""The real process: it works, it stops between two steps when asked, and gives back what it has not finished."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.__main__ import SECOND_SIGNAL
from engine.jobs.training_steps import STATE_EVERY
from engine.models.faults import SENTENCES
from storage.records import ContentHash, Drawing, Job, Seed
from storage.requests import PayloadRequest, Row
from storage.states import JobState, ModelFault
from storage.store import Store
from tests.engine.sealing import Memory, small_training
from tests.engine.tiny_models import tiny_folder
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0
ANNA = 1
TRAINING_STEPS = 70

pytestmark = pytest.mark.slow


@pytest.fixture
def clock() -> None:
    """The machine's own: two processes live by it."""


async def test_a_stopped_engine_exits_cleanly_and_the_job_waits_for_the_next(store: Store) -> None:
    await store.people.meet(ANNA, ANNA, "en")
    quest = (await store.quests.begin(ANNA, ANNA)).id
    drawing = Drawing(steps=50, width_px=64, height_px=64)
    rows = tuple(Row(prompt="a fox", negative="", seed=Seed(n), subject="", drawing=drawing) for n in range(100))
    job = await store.queue.enqueue(PayloadRequest(rows=rows), key="payload", quest=quest, user=ANNA)
    process = await start(store)
    await until(lambda: store.pictures.of_job(job.id), PATIENCE_SECONDS, by=process.wait())
    process.send_signal(signal.SIGTERM)
    lines = await said(process)
    found = await store.queue.find(job.id)
    assert found is not None
    assert (process.returncode, found.state, found.attempt, found.crashes) == (0, JobState.QUEUED, 0, 0), lines
    assert '"event": "ready"' in lines
    assert "Traceback" not in lines


async def begin_training(store: Store) -> Job:
    """A training of 70 steps on the tiny model, asked for and not begun."""
    await store.people.meet(ANNA, ANNA, "en")
    quest = (await store.quests.begin(ANNA, ANNA)).id
    memory = Memory()
    request = small_training(memory, steps=TRAINING_STEPS, epochs=200, checkpoints=1)
    for data in memory.files.values():
        await store.files.put(data, ".png")
    return await store.queue.enqueue(request, key="train", quest=quest, user=ANNA)


async def start(store: Store) -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        "STYLESEAL_DATA": str(store.folder),
        "STYLESEAL_MODEL": str(tiny_folder("sd1")),
        "STYLESEAL_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "engine"), env=environment, cwd=ROOT, stdout=PIPE, stderr=STDOUT
    )


async def until_step(store: Store, job: Job, step: int, process: asyncio.subprocess.Process) -> None:
    """Waits until the training has said that it is past a step."""

    async def is_past() -> bool:
        found = await store.queue.find(job.id)
        return found is not None and found.progress.done >= step

    await until(is_past, PATIENCE_SECONDS, by=process.wait())


async def test_a_training_that_is_asked_to_end_keeps_its_very_step_and_comes_to_the_same_seal(
    store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    job = await begin_training(store)
    process = await start(store)
    await until_step(store, job, 3, process)
    process.send_signal(signal.SIGTERM)
    lines = await said(process)
    found = await store.queue.find(job.id)
    assert found is not None
    assert (process.returncode, found.state, found.attempt, found.crashes) == (0, JobState.QUEUED, 0, 0), lines
    ((step, _),) = await store.trainings.states(job.id)
    assert step >= found.progress.done >= 3
    assert [point.step for point in await store.trainings.losses(job.id)] == list(range(1, step + 1))
    assert step % STATE_EVERY, "it was asked to end at a step that is saved anyway"
    undisturbed = await Store.open(tmp_path_factory.mktemp("undisturbed"))
    try:
        assert await seal_of(undisturbed, await begin_training(undisturbed)) == await seal_of(store, job)
    finally:
        await undisturbed.close()


async def seal_of(store: Store, job: Job) -> tuple[list[ContentHash], list[float]]:
    """What a training comes to in an engine of its own: its checkpoints and its losses."""
    process = await start(store)
    await until_step(store, job, TRAINING_STEPS, process)

    async def is_done() -> bool:
        found = await store.queue.find(job.id)
        return found is not None and found.state is JobState.DONE

    await until(is_done, PATIENCE_SECONDS, by=process.wait())
    process.terminate()
    await said(process)
    losses = [point.loss for point in await store.trainings.losses(job.id)]
    return [point.adapter for point in await store.trainings.checkpoints(job.id)], losses


async def test_a_second_signal_ends_it_at_once(store: Store) -> None:
    job = await begin_training(store)
    process = await start(store)
    await until_step(store, job, 1, process)
    ended = asyncio.ensure_future(process.wait())
    for _ in range(20):  # the second one that arrives counts
        if not ended.done():
            process.send_signal(signal.SIGTERM)
            await asyncio.wait({ended}, timeout=0.005)
    lines = await said(process)
    assert process.returncode in (0, SECOND_SIGNAL), lines
    assert "Traceback" not in lines


@pytest.mark.parametrize("name", ["some-lora.safetensors", "nowhere/at-all", "dream.ckpt"])
async def test_an_engine_without_a_model_ends_with_a_sentence_and_leaves_the_reason(name: str, store: Store) -> None:
    lora, hub = store.folder / "some-lora.safetensors", {"HF_HUB_OFFLINE": "1", "HF_HOME": str(store.folder / "hub")}
    save_file({"lora_unet_mid.lora_down.weight": torch.zeros(4, 4)}, lora)
    model = {"STYLESEAL_MODEL": str(lora) if name == lora.name else name, "STYLESEAL_DATA": str(store.folder)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "engine"), env={**os.environ, **model, **hub}, cwd=ROOT, stdout=PIPE, stderr=STDOUT
    )
    lines = await said(process)
    assert process.returncode == 4, lines
    assert "Traceback" not in lines
    refusal = await store.machine.refusal()
    assert refusal is not None
    fault = {"some-lora.safetensors": "lora", "nowhere/at-all": "not_fetched", "dream.ckpt": "pickle"}[name]
    assert refusal[1] is ModelFault(fault)
    assert SENTENCES[ModelFault(fault)] in lines


async def test_no_library_speaks_on_the_screen_while_a_model_loads_draws_and_trains(store: Store) -> None:
    job = await begin_training(store)
    process = await start(store)
    await until_step(store, job, 2, process)  # it has drawn samples before
    process.send_signal(signal.SIGTERM)
    lines = (await said(process)).splitlines()
    assert lines
    assert [line for line in lines if not is_ours(line)] == []


def is_ours(line: str) -> bool:
    """Whether it is an event of ours; a library's warning that went through the log is none."""
    return line.startswith("{") and json.loads(line)["level"] == "info"


def test_no_library_speaks_on_the_screen_before_a_bench_speaks() -> None:
    loads = (
        "import bench.drawing, bench.waiting; from engine.models.loading import load_model; load_model(device='cpu')"
    )
    found = subprocess.run([sys.executable, "-c", loads], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


async def said(process: asyncio.subprocess.Process) -> str:
    """Waits for its end; everything it wrote."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        written, _ = await process.communicate()
    return written.decode()
