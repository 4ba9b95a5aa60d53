"""`python -m bot`: run, doctor, backup. Builds the objects and hands them to each other."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path

import typer
from pydantic import ValidationError

from bot.settings import Settings
from storage.errors import StorageError
from storage.leash import follow_launcher
from storage.logs import set_up_logs
from storage.private import keep_to_ourselves

SILENT_SECONDS = 30.0  # it beats every five
REFUSED = 2  # exit codes 2 to 4 tell `launch` that starting again makes no sense
HOW_TO_BEGIN = """There is no token yet.
  To rehearse without one:  make run   (opens a chat in the browser)
  For Telegram itself:      ask @BotFather for a token and put TELEGRAM_BOT_TOKEN=… into .env"""

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="Styleseal's bot: what people see and tap."
)


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Runs the bot when no command is named."""
    keep_to_ourselves()
    set_up_logs("WARNING")
    if context.invoked_subcommand is None:
        run()


@app.command()
def run() -> None:
    """Talks until SIGTERM or Ctrl-C."""
    follow_launcher()
    settings = read_settings()
    if settings.token is None:
        typer.echo(HOW_TO_BEGIN, err=True)
        raise typer.Exit(REFUSED)
    set_up_logs(settings.log_level, settings.token)
    raise typer.Exit(refusing(talk(settings, settings.token)))


@app.command()
def doctor(
    alive: bool = typer.Option(False, help="Only say by the exit code whether the bot fetches updates and delivers."),
) -> None:
    """Says what is missing."""
    from bot.doctor import examine
    from storage.beats import age_seconds

    if alive:
        age = age_seconds(read_settings().data, "bot")
        raise typer.Exit(0 if age is not None and age < SILENT_SECONDS else 1)
    findings = asyncio.run(examine(read_settings()))
    for finding in findings:
        typer.echo(f"{'✓' if finding.well else '✗'} {finding.name}: {finding.words}")
    raise typer.Exit(0 if all(finding.well for finding in findings if finding.must) else 1)


@app.command()
def backup(folder: Path) -> None:
    """Copies database and files into a new folder while everything runs, and checks the copy."""
    raise typer.Exit(refusing(copy_to(read_settings(), folder)))


@app.command()
def restore(copy: Path) -> None:
    """Puts a copy, once it is checked, into the data folder; refuses where there is a database already."""
    from storage.backup import restore as put_back

    try:
        put_back(copy, read_settings().data)
    except StorageError as error:
        typer.echo(f"{error} Nothing was changed.", err=True)
        raise typer.Exit(REFUSED) from None
    typer.echo(f"Checked and put back: {copy}. Unfinished work goes on at the next start.")


def read_settings() -> Settings:
    """The settings; what cannot be read is said in words."""
    try:
        return Settings()
    except ValidationError as error:
        for found in error.errors(include_input=False, include_url=False):
            typer.echo(f"{'.'.join(map(str, found['loc']))}: {found['msg']}", err=True)
        raise typer.Exit(REFUSED) from None


def refusing(work: Coroutine[None, None, int]) -> int:
    """Runs it; a store that cannot be used is said in words."""
    try:
        return int(asyncio.run(work))
    except StorageError as error:
        typer.echo(str(error), err=True)
        return REFUSED


async def talk(settings: Settings, token: str) -> int:
    """Opens the store and runs the bot over it."""
    from bot.telegram.app import TelegramBot
    from storage.store import Store

    store = await Store.open_when_possible(
        settings.data, lambda error: typer.echo(f"{error} It goes on by itself.", err=True)
    )
    try:
        return await TelegramBot(settings, store, token).run()
    finally:
        await store.close()


async def copy_to(settings: Settings, folder: Path) -> int:
    """A checked copy of everything."""
    from storage.backup import back_up
    from storage.store import Store

    store = await Store.open(settings.data)
    try:
        await back_up(store, folder)
    finally:
        await store.close()
    typer.echo(f"Copied and checked: {folder}")
    return 0


if __name__ == "__main__":
    app()
