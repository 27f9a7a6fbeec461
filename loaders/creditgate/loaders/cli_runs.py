"""How `creditgate load` runs the load of one file, and shows how it went."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from creditgate.client import AsyncClient, UnavailableError
from creditgate.client.cli import Connection
from creditgate.loaders import load as loading
from creditgate.loaders.errors import FileError, LoadStoppedError
from creditgate.loaders.load import FileLoad
from creditgate.loaders.rows import RowKind
from creditgate.loaders.sources import FORMATS, Format
from creditgate.loaders.tally import Tally

EXIT_REJECTED = 1
EXIT_STOPPED = 3
AGAIN = "What is loaded stays; loading the file again does no harm: run the load again."

MakeLoad = Callable[[AsyncClient, Path], FileLoad[Any]]


class Options(TypedDict):
    """What every load takes on the command line, beside the connection."""

    file: Path
    dry_run: bool
    dead_letters: Path | None
    format: Format | None
    mapping: Path | None


class LoadStopped(click.ClickException):
    """The load ended before the end of its file."""

    exit_code = EXIT_STOPPED


def options_of_a_file(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that loads a file row by row."""
    for option in (
        click.option(
            "--dead-letters",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Where rejected rows go.  [default: FILE.rejected.csv; nowhere in a dry run]",
        ),
        click.option(
            "--mapping",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="FILE",
            help="A TOML file that says how the file's columns are called and written.",
        ),
        click.option(
            "--format",
            type=click.Choice(FORMATS),
            help="What the file is.  [default: by its ending .csv, .jsonl, .ndjson, .parquet; "
            "else csv]",
        ),
        click.option("--dry-run", is_flag=True, help="Validate every row, send nothing."),
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    ):
        command = option(command)
    return command


def run(connection: Connection, kind: RowKind[Any], make: MakeLoad, options: Options) -> None:
    """Loads a file; the exit code tells whether rows were rejected."""
    tally = asyncio.run(_load(connection, kind, make, options))
    if tally.rejected:
        click.get_current_context().exit(EXIT_REJECTED)


async def _load(
    connection: Connection, kind: RowKind[Any], make: MakeLoad, options: Options
) -> Tally:
    """Runs the load and shows how it went."""
    async with AsyncClient(connection.client.address, connection.client.options) as client:
        path = options["file"]
        file_load = loading.dry_run(kind, path) if options["dry_run"] else make(client, path)
        if options["dead_letters"] is not None:
            file_load.dead_letters = options["dead_letters"]
        file_load.format, file_load.mapping = options["format"], options["mapping"]
        try:
            await _with_progress(file_load)
        except FileError as error:
            raise click.UsageError(str(error)) from error
        except LoadStoppedError as error:
            _show(connection, file_load, "stopped")
            raise LoadStopped(f"{error}\n{_advice(error)}") from error
        except asyncio.CancelledError:  # Ctrl-C; the command's root makes an exit code of it
            _show(connection, file_load, "stopped")
            if not options["dry_run"]:
                click.echo(f"Interrupted. {AGAIN}", err=True)
            raise
    _show(connection, file_load, "dry run, nothing sent" if options["dry_run"] else "loaded")
    return file_load.tally


def _advice(error: LoadStoppedError) -> str:
    cause = error.__cause__
    # With a reason the server has spoken itself: it is there.
    if isinstance(cause, UnavailableError) and not cause.reason:
        start = "Start a server with `creditgate serve`, or name one with --address or "
        return f"{start}CREDITGATE_ADDRESS.\n{AGAIN}"
    return AGAIN


async def _with_progress(file_load: FileLoad[Any]) -> None:
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(file_load.path.name, total=file_load.path.stat().st_size)
        file_load.on_bytes_read = lambda count: progress.update(task, completed=count)
        await file_load.run()


def _show(connection: Connection, file_load: FileLoad[Any], how: str) -> None:
    tally, name = file_load.tally, file_load.path.name
    if connection.json:
        connection.write_json({"file": name, "result": how, **tally.figures()})
        return
    connection.console.print(f"{name}: {how}", soft_wrap=True, markup=False)
    connection.console.print(tally.table())
    if not tally.rejected:
        return
    if file_load.dead_letters is None:
        lines = list(tally.rejected_lines())
    else:
        lines = [f"Rejected rows: {file_load.dead_letters}"]
    for line in lines:
        connection.console.print(line, soft_wrap=True, markup=False)
