"""`python -m engine`: owns the GPU and works until told to stop. The one place that builds the engine's objects."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from engine.models.quiet import quiet_libraries
from engine.node.lock import hold_engine_lock
from engine.settings import Settings
from storage.errors import EngineBusy, ModelRefused, RequestError, StorageError, StylesealError
from storage.leash import follow_launcher
from storage.logs import set_up_logs
from storage.private import keep_to_ourselves
from storage.states import ModelFault

if TYPE_CHECKING:
    from engine.models.machine import Machine
    from engine.node.worker import Worker
    from storage.store import Store

REFUSED = 2  # exit codes 2 to 4 tell `launch` that starting again makes no sense
BUSY = 3
NO_MODEL = 4  # the bot goes on and says why
SECOND_SIGNAL = 130
SILENT_SECONDS = 15.0  # it beats every two seconds, and between two steps

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help="Styleseal's engine: draws and trains.")


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Runs the engine when no command is named."""
    keep_to_ourselves()
    quiet_libraries()
    set_up_logs("WARNING")
    if context.invoked_subcommand is None:
        run()


@app.command()
def run() -> None:
    """Claims jobs and works until SIGTERM or Ctrl-C; a second one ends at once."""
    follow_launcher()
    settings = read_settings()
    set_up_logs(settings.log_level)
    try:
        with hold_engine_lock(settings.data, datetime.now(UTC)):
            asyncio.run(work(settings))
    except EngineBusy as error:
        holder = f"process {error.facts['pid']}, since {error.facts['since']}"
        typer.echo(f"Another engine holds the GPU for {settings.data}: {holder}. This one ends.", err=True)
        raise typer.Exit(BUSY) from None
    except ModelRefused as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(NO_MODEL) from None
    except (RequestError, StorageError) as error:
        facts = ", ".join(f"{name} {value}" for name, value in error.facts.items())
        typer.echo(f"{error}{f' ({facts})' if facts else ''}", err=True)
        raise typer.Exit(REFUSED) from None


def read_settings() -> Settings:
    """The settings; a wrong one ends the process with its name and what is allowed."""
    try:
        return Settings()
    except ValidationError as error:
        for wrong in error.errors(include_input=False, include_url=False):
            typer.echo(f"STYLESEAL_{str(wrong['loc'][0]).upper()}: {wrong['msg']}", err=True)
        raise typer.Exit(REFUSED) from None


@app.command()
def prove(
    lora: Path,
    dataset: Annotated[Path, typer.Option(help="The exported dataset zip.")],
    out: Annotated[Path, typer.Option(help="Where sheet.png and proof.json go.")],
    other: Annotated[Path | None, typer.Option(help="A second file that must draw the same pictures.")] = None,
    word: Annotated[Path | None, typer.Option(help="The embeddings that came with it, where it has a word.")] = None,
) -> None:
    """Loads an exported LoRA fresh with plain diffusers and measures what it does."""
    from engine.commands.prove import prove as measure
    from engine.commands.prove import say

    with refusing():
        typer.echo(say(measure(lora, dataset, out, other, Settings().model, word)))


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="org/name or org/name@revision")]) -> None:
    """Fetches a hub model into the cache beforehand, so that the engine needs no network, and looks at what it is."""
    from engine.models.find import find

    with refusing():
        found = find(name)
    typer.echo(f"{name} lies in {found.path}")


@app.command()
def reproduce(
    recipe: Annotated[Path, typer.Argument(help="recipe.json of a model card, or the card's zip.")],
    pictures: Annotated[Path | None, typer.Option(help="The exported dataset zip; else the one beside it.")] = None,
    out: Annotated[Path, typer.Option(help="Where the files go.")] = Path("reproduced"),
) -> None:
    """Trains a seal again from its recipe and says whether the same bytes came out (exit code 1: others)."""
    from engine.commands.reproduce import reproduce as train_again
    from engine.commands.reproduce import say

    with refusing():
        found = train_again(recipe, pictures, out, Settings().device, tell)
    typer.echo(f"\n{say(found)}")
    raise typer.Exit(1 if found.same is False else 0)


@contextmanager
def refusing() -> Iterator[None]:
    """What cannot be done ends with a sentence and exit code 2; 1 means that other bytes came out."""
    try:
        yield
    except StylesealError as error:
        facts = ", ".join(f"{name} {value}" for name, value in error.facts.items())
        typer.echo(f"\n{error}{f' ({facts})' if facts else ''}", err=True)
    except OSError as error:  # a disk that is full, a folder that may not be written
        typer.echo(f"\n{error.filename or 'The disk'}: {error.strerror or type(error).__name__}", err=True)
    else:
        return
    raise typer.Exit(REFUSED)


def tell(line: str) -> None:
    """A progress line that the next one overwrites."""
    typer.echo(f"\r\x1b[K{line}", nl=False, err=True)


@app.command()
def alive() -> None:
    """Says by the exit code whether an engine has beaten lately, for health checks."""
    from storage.beats import age_seconds

    age = age_seconds(Settings().data, "engine")
    raise typer.Exit(0 if age is not None and age < SILENT_SECONDS else 1)


async def work(settings: Settings) -> None:
    """Opens the store, loads the model, measures it, and works."""
    from engine.jobs.warm_up import warm_up
    from engine.node.worker import Worker
    from storage.stalls import note_stalls
    from storage.store import Store

    store = await Store.open_when_possible(
        settings.data, lambda error: typer.echo(f"{error} It goes on by itself.", err=True)
    )
    try:
        machine = await load(store, settings)
        worker = Worker(store, machine)
        _listen(worker)
        worker.timings.start_with(await worker.on_gpu(lambda: warm_up(machine)))
        noting = asyncio.create_task(note_stalls("engine"))
        await worker.run()
        noting.cancel()
    finally:
        await store.close()


async def load(store: Store, settings: Settings) -> Machine:
    """The model; why there is none is left where the bot can read it. Raises ModelRefused."""
    from engine.models.loading import load_model

    try:
        return await asyncio.to_thread(load_model, settings.model, device=settings.device, memory=settings.memory)
    except ModelRefused as error:
        await store.machine.refuse(str(error.facts["model"]), ModelFault(str(error.facts["fault"])))
        raise


def _listen(worker: Worker) -> None:
    """The first signal stops between two steps, the second at once."""
    heard: list[int] = []

    def stop(number: int) -> None:
        if heard:
            os._exit(SECOND_SIGNAL)
        heard.append(number)
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)


if __name__ == "__main__":
    app()
