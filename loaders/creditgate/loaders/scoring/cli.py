"""`creditgate recalc` and `creditgate payment-history`."""

import asyncio
import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg
from rich.console import Console
from rich.table import Table

from creditgate.client import AsyncClient, money
from creditgate.client.cli import Connection, connected
from creditgate.loaders.cli_runs import EXIT_REJECTED, LoadStopped
from creditgate.loaders.errors import FileError, LoadError, LoadStoppedError
from creditgate.loaders.ledger.cli import LedgerCommand, ledger_option, mapping_option
from creditgate.loaders.ledger.mapping import LedgerMapping
from creditgate.loaders.scoring import scorecard as scorecards
from creditgate.loaders.scoring.history import Behaviour, analyse, behaviours
from creditgate.loaders.scoring.moves import Move, criterion_text, decimal
from creditgate.loaders.scoring.recalc import Moved, Recalculation
from creditgate.loaders.scoring.scorecard import Scorecard
from creditgate.loaders.scoring.spool import MEMORY_DEFAULT, Spool

SHOWN_MAX = 1_000
"""Rows of a table for people; --json and --csv write all."""


def ledger_options(command: Callable[..., None]) -> Callable[..., None]:
    """Where the ledger is, how its tables are read, and as of which day."""
    for option in (
        click.option(
            "--as-of",
            type=click.DateTime(["%Y-%m-%d"]),
            callback=lambda _ctx, _param, value: (
                value.date() if value else datetime.now(UTC).date()
            ),
            metavar="DATE",
            help="The day that is looked back from.  [default: today, in UTC]",
        ),
        mapping_option,
        ledger_option,
    ):
        command = option(command)
    return command


def _spool_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--memory", default=MEMORY_DEFAULT, show_default=True, help="What DuckDB may use."
        ),
        click.option(
            "--spool",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            metavar="FOLDER",
            help="Where the ledger's documents are kept meanwhile.  [default: the system's]",
        ),
    ):
        command = option(command)
    return command


@contextmanager
def ledger_failures() -> Iterator[None]:
    """What goes wrong with the ledger, the mapping or the disk, in words with an exit code."""
    try:
        yield
    except FileError as error:
        raise click.UsageError(str(error)) from error
    except psycopg.Error as error:
        raise LoadStopped(f"the ledger: {error}".rstrip()) from error
    except LoadError as error:
        raise LoadStopped(str(error)) from error


@contextmanager
def _analysed(
    ledger: str, mapping: LedgerMapping, as_of: date, spool: Path | None, memory: str
) -> Iterator[Spool]:
    """The payment behaviour of all accounts."""
    with Spool(spool, memory) as made:
        with psycopg.connect(ledger, autocommit=True) as connection:
            unknown = made.fill(connection, mapping, as_of)
        for currency in unknown:
            click.echo(f"Left out: accounts in {currency!r}, which is no currency.", err=True)
        analyse(made.db, as_of)
        yield made


@click.command(cls=LedgerCommand)
@ledger_options
@click.option(
    "--scorecard",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=scorecards.REFERENCE,
    metavar="FILE",
    help="Points, grades and steps.  [default: the one that comes with creditgate]",
)
@click.option("--dry-run", is_flag=True, help="Show who would move and why, send nothing.")
@_spool_options
@connected
def recalc(
    connection: Connection,
    *,
    ledger: str,
    mapping: LedgerMapping,
    as_of: date,
    scorecard: Path,
    dry_run: bool,
    spool: Path | None,
    memory: str,
) -> None:
    """Propose limits by payment behaviour.

    Reads the ledger's documents, records scores that the service does not have, and proposes a
    limit for each account that the scorecard would move. What the policy's bands approve is in
    force at once, the rest waits for somebody (`creditgate limit list`). A second run on the same
    day changes nothing; one that was stopped is simply run again.

    Exit code: 0 all proposed, 1 some refused, 2 wrong usage or scorecard, 3 stopped early.
    """
    with ledger_failures():
        card = scorecards.read(scorecard)
        with _analysed(ledger, mapping, as_of, spool, memory) as analysed:
            refused = asyncio.run(_recalc(connection, analysed, card, as_of, dry_run=dry_run))
    if refused:
        click.get_current_context().exit(EXIT_REJECTED)


async def _recalc(
    connection: Connection, spool: Spool, card: Scorecard, as_of: date, *, dry_run: bool
) -> int:
    """Runs it and shows how it went; returns how many rows were refused."""
    outcomes: Counter[str] = Counter()
    view = _MovesView(connection)
    async with AsyncClient(connection.client.address, connection.client.options) as client:
        run = Recalculation(client, spool.db, card, as_of, dry_run=dry_run)
        try:
            async for moved in run.run():
                outcomes[moved.outcome] += 1
                view.add(moved)
        except LoadStoppedError as error:
            view.end(run, outcomes)
            raise LoadStoppedError(f"{error}\nRun it again: nothing is proposed twice.") from error
    view.end(run, outcomes)
    return outcomes["REFUSED"] + run.scores_refused.total()


class _MovesView:
    """Shows moves, and at the end what became of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._shown: list[Moved] = []
        self._more = 0

    def add(self, moved: Moved) -> None:
        if self._connection.json:
            self._connection.write_json(moved)
        elif len(self._shown) < SHOWN_MAX:
            self._shown.append(moved)
        else:
            self._more += 1

    def end(self, run: Recalculation, outcomes: Counter[str]) -> None:
        counts = {
            "accounts": run.accounts,
            "moves": dict(outcomes),
            "kept": {kept.name: count for kept, count in run.kept.items()},
            "scores_recorded": run.scores_recorded,
            "scores_refused": dict(run.scores_refused),
        }
        if self._connection.json:
            self._connection.write_json(counts)
            return
        console = self._connection.console
        if self._shown:
            console.print(_moves_table(self._shown))
        if self._more:
            console.print(f"and {self._more} more: --json writes all")
        lines = [f"{run.accounts} accounts"]
        lines += [f"  {count} {outcome.lower()}" for outcome, count in outcomes.items()]
        lines += [f"  {count} stay: {kept.value}" for kept, count in run.kept.items()]
        lines += [f"{run.scores_recorded} scores recorded"]
        lines += [f"  {count} refused: {why}" for why, count in run.scores_refused.items()]
        for line in lines:
            console.print(line, markup=False, soft_wrap=True)


def _moves_table(moves: list[Moved]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("account", "limit", "proposed", "", "points", "why", "outcome"):
        table.add_column(name, justify="right" if name in {"limit", "proposed"} else "left")
    for moved in moves:
        move = moved.move
        why = ", ".join(map(criterion_text, move.criteria))
        outcome = f"{moved.outcome} {moved.message}".rstrip()
        limits = (_amount(move, move.limit_now_minor), _amount(move, move.limit_minor))
        table.add_row(move.account_id, *limits, move.currency, decimal(move.points), why, outcome)
    return table


def _amount(move: Move, amount_minor: int) -> str:
    return money.format(amount_minor, move.currency, group=True)


_HISTORY_COLUMNS = (
    "account_id",
    "currency",
    "invoices",
    "owed",
    "days_late",
    "late_share",
    "trend",
    "disputed_share",
    "open",
    "turnover",
)


@click.command("payment-history", cls=LedgerCommand)
@ledger_options
@click.option("--account", "account_id", default="", metavar="ACCOUNT", help="This one alone.")
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, amounts in minor units.")
@_spool_options
def payment_history(
    *,
    ledger: str,
    mapping: LedgerMapping,
    as_of: date,
    account_id: str,
    as_csv: bool,
    as_json: bool,
    spool: Path | None,
    memory: str,
) -> None:
    """Show how each customer has paid in the last twelve months.

    By account: invoices that fell due and what was owed of them, average days late weighted by
    amount, share paid late (percent of the amount), trend (late share of the last three months
    less that of the nine before, in percentage points), share disputed, what is open, and the
    turnover of the twelve months. docs/scorecard.md gives the formulas.
    """
    with ledger_failures(), _analysed(ledger, mapping, as_of, spool, memory) as analysed:
        rows = behaviours(analysed.db, account_id)
        if as_json:
            for row in rows:
                sys.stdout.write(msgspec.json.encode(row._asdict()).decode() + "\n")
        elif as_csv:
            writer = csv.writer(sys.stdout)
            writer.writerow(_HISTORY_COLUMNS)
            writer.writerows(map(_history_cells, rows))
        else:
            _show_history(rows)


def _history_cells(row: Behaviour) -> tuple[str, ...]:
    def amount(amount_minor: int) -> str:
        return money.format(amount_minor, row.currency)

    shares: tuple[Any, ...] = (row.days_late, row.late_share, row.trend, row.disputed_share)
    return (
        row.account_id,
        row.currency,
        str(row.invoices),
        amount(row.owed_minor),
        *("" if share is None else decimal(share) for share in shares),
        amount(row.open_minor),
        amount(row.turnover_minor),
    )


def _show_history(rows: Iterator[Behaviour]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in _HISTORY_COLUMNS:
        left = name in {"account_id", "currency"}
        table.add_column(name.replace("_", " "), justify="left" if left else "right")
    more = 0
    for count, row in enumerate(rows):
        if count < SHOWN_MAX:
            table.add_row(*_history_cells(row))
        else:
            more += 1
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)
    if more:
        console.print(f"and {more} more: --csv and --json write all")
