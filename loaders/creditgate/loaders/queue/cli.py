"""`creditgate deadletter`: what could not be taken, for people to mend."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec

from creditgate.client import AsyncClient, CreditgateError
from creditgate.client.cli import Connection, Failure, amount, connected, facts, table
from creditgate.loaders.errors import RowError
from creditgate.loaders.queue.database import NAME, StateError
from creditgate.loaders.queue.letters import (
    LIST_MAX,
    DeadLetter,
    LetterBox,
    LetterNotFoundError,
    Status,
)
from creditgate.loaders.queue.replays import ClosedError, NoReplayError, replay

EXIT_REFUSED = 1
LISTED_DEFAULT = 100


def _state_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--state",
        required=True,
        envvar="CREDITGATE_SYNC_STATE",
        show_envvar=True,
        type=click.Path(path_type=Path, file_okay=False),
        help="State folder of the loader that the letters are of.",
    )(command)


def _open(state: Path) -> LetterBox:
    if not (state / NAME).is_file():
        raise click.UsageError(f"--state is {str(state)!r}: no loader has kept its state there")
    try:
        return LetterBox(state)
    except StateError as error:
        raise Failure(str(error)) from error


@click.group("deadletter", short_help="What could not be taken.")
def deadletter() -> None:
    """Events that a loader could not take: look at them, mend what is wrong, send them again.

    A letter is named by its source and its event id. It is OPEN until it was replayed, that is sent
    again and taken, or discarded.
    """


@deadletter.command("list")
@_state_option
@click.option("--source", default="", help="Of this source alone.")
@click.option(
    "--status",
    type=click.Choice([*(status.value.lower() for status in Status), "all"]),
    default="open",
    show_default=True,
)
@click.option(
    "--limit",
    type=click.IntRange(1, LIST_MAX),
    default=LISTED_DEFAULT,
    show_default=True,
    help="How many at most.",
)
@connected
def list_(connection: Connection, *, state: Path, source: str, status: str, limit: int) -> None:
    """The letters, those first with the most at stake.

    That is the amount of the event or, where it has none, what the account owes.
    """
    wanted = None if status == "all" else Status(status.upper())
    with _open(state) as letters:
        found = letters.list(source=source, status=wanted, limit=limit)
    if connection.json:
        for letter in found:
            connection.write_json(_figures(letter))
        return
    if not found:
        connection.console.print("no dead letters")
        return
    columns = ("at stake", "source", "event", "account", "reason", "owner", "status", "attempts")
    rows = [
        (
            amount(letter.amount_minor, letter.currency),
            letter.source,
            letter.event_id,
            letter.account_id,
            letter.reason,
            letter.owner,
            letter.status.value,
            str(letter.attempts),
        )
        for letter in found
    ]
    numbers = ("at stake", "attempts")
    connection.console.print(table(connection.console, columns, rows, numbers=numbers))


@deadletter.command()
@_state_option
@click.argument("source")
@click.argument("event_id", metavar="EVENT")
@connected
def show(connection: Connection, *, state: Path, source: str, event_id: str) -> None:
    """All that is known of one letter, with what was received."""
    with _open(state) as letters:
        letter = _get(letters, source, event_id)
    if connection.json:
        connection.write_json(_figures(letter))
        return
    figures = _figures(letter)
    payload = figures.pop("payload")
    del figures["amount_minor"], figures["currency"]
    at_stake = amount(letter.amount_minor, letter.currency)
    told = [(name, str(value or "")) for name, value in figures.items()]
    facts(connection.console, [("at stake", at_stake), *told])
    connection.console.print(payload, markup=False, soft_wrap=True)


@deadletter.command("replay")
@_state_option
@click.option("--all", "every", is_flag=True, help="All that are open, in place of one.")
@click.option("--of", "of_source", default="", metavar="SOURCE", help="With --all: of this source.")
@click.argument("source", required=False)
@click.argument("event_id", metavar="EVENT", required=False)
@connected
def replay_(
    connection: Connection,
    *,
    state: Path,
    every: bool,
    of_source: str,
    source: str | None,
    event_id: str | None,
) -> None:
    """Send an event again, once what was wrong is mended, under the id that it came with.

    So it counts once, also where it was taken by another way meanwhile. When it is refused again,
    its letter stays open with the new reason, and the exit code is 1.
    """
    if every == (event_id is not None) or (of_source and not every):
        raise click.UsageError("give SOURCE and EVENT, or --all with or without --of")
    with _open(state) as letters:
        if event_id is None:
            chosen = letters.oldest_first(of_source)
        else:
            chosen = iter([_get(letters, source or "", event_id)])
        refused = asyncio.run(_replay(connection, letters, chosen, state, every=every))
    if refused:
        click.get_current_context().exit(EXIT_REFUSED)


async def _replay(
    connection: Connection,
    letters: LetterBox,
    chosen: Iterator[DeadLetter],
    state: Path,
    *,
    every: bool,
) -> int:
    """How many were refused again."""
    refused = 0
    by = connection.client.options.actor
    async with AsyncClient(connection.client.address, connection.client.options) as client:
        for letter in chosen:
            try:
                error = await replay(letters, letter, client, state, by=by)
            except ClosedError as failure:
                if every:
                    continue
                raise Failure(str(failure)) from failure
            except (NoReplayError, StateError) as failure:
                raise Failure(str(failure)) from failure
            except CreditgateError as failure:
                raise Failure(f"{letter.source} {letter.event_id}: {failure}") from failure
            refused += error is not None
            _tell(connection, letter, error)
    return refused


def _tell(connection: Connection, letter: DeadLetter, error: RowError | None) -> None:
    name = f"{letter.source} {letter.event_id}"
    if connection.json:
        result = {"source": letter.source, "event_id": letter.event_id, "status": "REPLAYED"}
        if error is not None:
            result |= {"status": "OPEN", "reason": error.reason, "message": error.message}
        connection.write_json(result)
    elif error is None:
        connection.console.print(f"REPLAYED {name}", markup=False)
    else:
        text = f"OPEN {name}: {error.reason}: {error.message}"
        connection.console.print(text, markup=False, soft_wrap=True)


@deadletter.command()
@_state_option
@click.option("--reason", required=True, help="Why, for whoever asks later.")
@click.argument("source")
@click.argument("event_id", metavar="EVENT")
@connected
def discard(
    connection: Connection, *, state: Path, source: str, event_id: str, reason: str
) -> None:
    """Give an event up: it stays here to be read, and is never sent."""
    if not reason.strip():
        raise click.UsageError("--reason is empty: say why the event is given up")
    with _open(state) as letters:
        letter = _get(letters, source, event_id)
        if letter.status is not Status.OPEN:
            raise Failure(f"{source} {event_id} is {letter.status}: only an open one is discarded")
        by = connection.client.options.actor
        letters.mark(source, event_id, Status.DISCARDED, by=by, why=reason)
    if connection.json:
        connection.write_json({"source": source, "event_id": event_id, "status": "DISCARDED"})
    else:
        connection.console.print(f"DISCARDED {source} {event_id}", markup=False)


def _get(letters: LetterBox, source: str, event_id: str) -> DeadLetter:
    try:
        return letters.get(source, event_id)
    except LetterNotFoundError as error:
        raise Failure(str(error)) from error


def _figures(letter: DeadLetter) -> dict[str, object]:
    """The letter for programs and people; a payload that is not UTF-8 is escaped."""
    figures: dict[str, object] = msgspec.structs.asdict(letter)
    return figures | {"payload": letter.payload.decode(errors="backslashreplace")}
