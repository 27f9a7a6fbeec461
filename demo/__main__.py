"""`python -m demo`: a day of orders, a kill -9, and every counter as it was."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from creditgate.client import AsyncClient, CreditgateError, Position
from creditgate.loaders import load
from creditgate.loaders.errors import LoadError
from creditgate.loaders.load import FileLoad
from demo import approval, events, positions, report, rules, sample
from demo.errors import DemoError, NothingToPlayError
from demo.play import OPTIONS, Day, DayLog
from demo.serving import Server

EXIT_FAILED = 1
EXIT_NOTHING_TO_PLAY = 2
FILES = ("accounts.csv", "entries.csv", "orders.csv")


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Play accounts.csv, entries.csv and orders.csv (and segments.csv, terms.csv and "
    "assignments.csv, if there) of a folder of your own; demo/README.md names their columns.",
)
def main(data: Path | None) -> None:
    """Play a day of orders against a new server, kill it with -9, and show that nothing is lost.

    Exit code: 0 when every counter is as it was, 1 when not or when the demo could not go on, 2
    when orders.csv is empty.
    """
    console = report.make_console()
    # Told to end, it ends like an interrupted one: neither the server nor its store stay behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with (
            tempfile.TemporaryDirectory(prefix="creditgate-demo-") as folder,
            _dead_letters(console) as dead_letters,
        ):
            lossless = asyncio.run(_demo(console, Path(folder), data, dead_letters))
    except (DemoError, LoadError, CreditgateError) as error:
        said = f"The demo ended early: {error}"
        console.print(said, style="bold red", markup=False, soft_wrap=True)
        nothing = isinstance(error, NothingToPlayError)
        sys.exit(EXIT_NOTHING_TO_PLAY if nothing else EXIT_FAILED)
    if not lossless:
        sys.exit(EXIT_FAILED)


@contextmanager
def _dead_letters(console: Console) -> Iterator[Path]:
    """A folder for rejected rows, which is kept and named when there are any."""
    folder = Path(tempfile.mkdtemp(prefix="creditgate-demo-rejected-"))
    try:
        yield folder
    finally:
        with suppress(OSError):  # not empty
            folder.rmdir()
        if folder.exists():
            console.print(f"Rejected rows are kept in {folder}", soft_wrap=True, markup=False)


async def _demo(console: Console, folder: Path, data: Path | None, dead_letters: Path) -> bool:
    _step(console, "A day of orders; many run at once, so counts differ slightly between runs")
    files = _files(console, folder, data)
    day = events.read(files / "orders.csv")
    server = Server(folder)
    try:
        await server.start()
        _step(console, f"Server started on {server.address} in {server.start_s:.2f} s")
        before = await _load(console, server, files, dead_letters)
        log = await _play(console, server, day)
        report.day(console, log, before, await _positions(server))
        console.print()
        _step(console, "An order that a policy leaves to a person")
        await approval.play(console, server.address)
        console.print()
        _step(
            console,
            "An order that each common rule refuses, on a server of its own whose clock is moved",
        )
        await rules.play(console, folder / "rules", rules.POLICY.read_text())
        return await _kill_and_compare(console, server, await _positions(server))
    finally:
        await server.stop()


def _files(console: Console, folder: Path, data: Path | None) -> Path:
    """The folder of the files to play: the user's, where nothing is written."""
    if data is None:
        files = folder / "data"
        files.mkdir()
        sample.write(files)
        _step(console, f"Sample data generated, seed {sample.SEED}")
        return files
    missing = [name for name in FILES if not (data / name).is_file()]
    if missing:
        raise DemoError(f"{data} has no {missing[0]}; it takes {', '.join(FILES)}")
    _step(console, f"Files from {data}")
    return data


async def _load(
    console: Console, server: Server, files: Path, dead_letters: Path
) -> dict[str, Position]:
    """Loads master data and the opening position; returns where every account then stands."""
    _step(console, "Loading accounts and the opening position")
    async with AsyncClient(server.address) as client:
        loads: list[FileLoad[Any]] = [
            load.accounts(client, files / "accounts.csv"),
            load.entries(client, files / "entries.csv"),
        ]
        if (files / "segments.csv").is_file():
            loads.insert(0, load.segments(client, files / "segments.csv"))
        for name, make in (("terms.csv", load.terms), ("assignments.csv", load.assignments)):
            if (files / name).is_file():
                loads.append(make(client, files / name))
        for file_load in loads:
            file_load.dead_letters = dead_letters / f"{file_load.path.name}.rejected.csv"
            tally = await file_load.run()
            console.print(f"  {file_load.path.name}")
            console.print(tally.table())
            for line in tally.rejected_lines():
                console.print(f"  {line}", style="red", markup=False)
    return await _positions(server)


async def _play(console: Console, server: Server, day: list[events.Event]) -> DayLog:
    channels = sorted({event.channel for event in day})
    _step(console, f"Playing {len(day):,} events over gRPC from {', '.join(channels)} at once")
    with Progress(
        TextColumn("the day"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("day", total=len(day))
        log = await Day(server.address, lambda: progress.advance(task)).play(day)
    calls = sum(len(seconds) for seconds in log.seconds.values())
    _step(console, f"{calls:,} calls in {log.elapsed_s:.1f} s")
    return log


async def _positions(server: Server) -> dict[str, Position]:
    async with AsyncClient(server.address, OPTIONS) as client:
        return await positions.read_all(client)


async def _kill_and_compare(console: Console, server: Server, before: dict[str, Position]) -> bool:
    """Ends the server with kill -9, starts it on the same store, and compares every counter."""
    console.print()
    _step(console, "Ending the server with kill -9, and starting it again on the same store")
    await server.kill()
    await server.start()
    console.print("  the server says of its recovery:", style="dim")
    recovery = dict(server.started["recovery"])
    recovery["duration_ms"] = f"{recovery.pop('duration_us') / 1_000:.1f}"
    for name, value in recovery.items():
        console.print(f"    {name:<20} {value}", style="dim", markup=False)
    console.print(f"  ready after {server.start_s:.2f} s, start of the process included")
    after = await _positions(server)
    found = list(positions.differences(before, after))
    compared = len(positions.COUNTERS) * len(before)
    if found:
        console.print(report.difference_table(found))
        console.print(f"{len(found)} of {compared:,} counters differ", style="bold red")
        return False
    console.print(
        f"  all {compared:,} counters of {len(before):,} accounts are equal", style="bold green"
    )
    return True


def _step(console: Console, text: str) -> None:
    console.print(f"▸ {text}", style="bold cyan", markup=False)


if __name__ == "__main__":
    main()
