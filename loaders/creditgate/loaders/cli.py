"""`creditgate load`: accounts, segments, limits and ledger entries from CSV files."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, Unpack

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
from creditgate.client.cli import Connection, connected
from creditgate.loaders import load as loading
from creditgate.loaders import rows
from creditgate.loaders.errors import FileError, LoadStoppedError
from creditgate.loaders.fields import identifier
from creditgate.loaders.load import FileLoad
from creditgate.loaders.rows import RowKind
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


class LoadStopped(click.ClickException):
    """The load ended before the end of its file."""

    exit_code = EXIT_STOPPED


@click.group("load", short_help="Load CSV files.")
def load() -> None:
    """Load accounts, segments, limits and ledger entries from CSV files.

    A file is UTF-8 with commas and a header line that names its columns, in any order; an empty
    cell is an absent value. An unknown column, or a required one that is missing, is refused before
    anything is sent. Amounts are decimals in the row's currency, dates YYYY-MM-DD.

    Rows that break a rule, here or on the server, are written to FILE.rejected.csv with line,
    field, value, reason and message; all others are loaded. That file is always of the latest load;
    a dry run shows the first rejected rows instead. Of /dev/stdin it stands in the working
    directory.

    Accounts, segments and limits are set to what the file says, also where they were changed by
    hand since; a second row for the same one is rejected. Entries are posted once. So a file loaded
    twice changes nothing the second time, and a load that was stopped is simply run again.

    Exit code: 0 all rows loaded, 1 some rejected, 2 wrong usage or header, 3 stopped early: the
    server could not be reached or failed, or the file could not be read to its end; 130
    interrupted.
    """


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--dead-letters",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Where rejected rows go.  [default: FILE.rejected.csv; nowhere in a dry run]",
        ),
        click.option("--dry-run", is_flag=True, help="Validate every row, send nothing."),
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    ):
        command = option(command)
    return command


def _source(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    try:
        return identifier(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@load.command()
@_options
@connected
def accounts(connection: Connection, **options: Unpack[Options]) -> None:
    """Create accounts, and change the fields whose cells are filled.

    Required columns: account_id, currency. Further columns: display_name, parent_account_id,
    segment_id, limit_kind (amount, unlimited, no_credit or inherit), limit_amount (with limit_kind
    amount), limit_valid_until (the last day), max_order_amount (0 removes it), shared_limit_kind
    (amount, or unlimited, which removes it), shared_limit_amount: the most that the account and all
    below it may owe together.

    A parent account stands in a row before its children, or exists already; a segment exists. Each
    account stands in one row; loading sets its values back to the file's.
    """
    _run(connection, rows.ACCOUNTS, loading.accounts, options)


@load.command()
@_options
@connected
def segments(connection: Connection, **options: Unpack[Options]) -> None:
    """Create segments, and change the limits that their accounts inherit, and their caps.

    Required columns: segment_id, currency. Further columns: limit_kind (amount, unlimited or
    no_credit), limit_amount (with limit_kind amount), limit_valid_until (the last day), cap_kind
    (amount, or unlimited, which removes it), cap_amount (with cap_kind amount): the most that all
    accounts of the segment in this currency may owe together. A limit or a cap is given.

    Each segment stands in one row for each currency; loading sets its limit and cap back to the
    file's.
    """
    _run(connection, rows.SEGMENTS, loading.segments, options)


@load.command()
@_options
@connected
def limits(connection: Connection, **options: Unpack[Options]) -> None:
    """Change the limits of accounts that exist.

    Required columns: account_id, currency (the account's; it says how many decimals amounts have),
    limit_kind (amount, unlimited, no_credit or inherit). Further columns: limit_amount (with
    limit_kind amount), limit_valid_until (the last day), max_order_amount (0 removes it),
    shared_limit_kind and shared_limit_amount, as for accounts.

    Each account stands in one row; loading sets its limit back to the file's.
    """
    _run(connection, rows.LIMITS, loading.limits, options)


@load.command()
@click.option(
    "--source",
    default=loading.SOURCE_DEFAULT,
    show_default=True,
    callback=_source,
    help="The system that the entries come from; an entry_id is posted once within its source.",
)
@_options
@connected
def entries(connection: Connection, source: str, **options: Unpack[Options]) -> None:
    """Post ledger entries.

    Required columns: entry_id, account_id, kind (invoice, payment, credit_memo, adjustment or
    opening_balance), amount (signed in adjustments and opening balances, else above zero),
    currency. Further columns: invoice_id (required in invoices; a payment or credit memo settles it
    with its whole amount), order_id (the order that an invoice bills), issue_date, due_date,
    allocations (of payments and credit memos instead of invoice_id, as
    INVOICE:AMOUNT;INVOICE:AMOUNT), position (in the source's stream, a whole number).

    The source does not depend on the file's name: an export loaded twice under two names must not
    be posted twice.
    """
    _run(
        connection,
        rows.ENTRIES,
        lambda client, path: loading.entries(client, path, source),
        options,
    )


def _run(connection: Connection, kind: RowKind[Any], make: MakeLoad, options: Options) -> None:
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
