"""`creditgate reconcile`: whether ledger and service say the same, and where not."""

import asyncio
from pathlib import Path
from typing import Final

import click
import msgspec
import psycopg
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from creditgate.client import AsyncClient, CreditgateError
from creditgate.client import Reconciliation as Findings
from creditgate.client.cli import Connection, Failure, amount, connected, table
from creditgate.loaders.ledger import repair
from creditgate.loaders.ledger.cli import LedgerCommand, ledger_option, mapping_option
from creditgate.loaders.ledger.differences import Difference, Kind, Report
from creditgate.loaders.ledger.mapping import LedgerMapping
from creditgate.loaders.ledger.reconcile import NotInStepError, Reconciliation
from creditgate.loaders.sending import CHANNEL

EXIT_DIFFERENT: Final = 1
EXIT_NOT_RECORDED: Final = 4


@click.command("reconcile", cls=LedgerCommand, short_help="Hold the ledger against the service.")
@ledger_option
@mapping_option
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Seconds that the service may take to be told of what the ledger says now.",
)
@click.option(
    "--repair",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Propose adjustments that make the service agree, and write them to this new file, for "
    "somebody else to approve.",
)
@click.option("--reason", default="", help="Why, for who approves them.  [with --repair]")
@connected
def reconcile(
    connection: Connection,
    *,
    ledger: str,
    mapping: LedgerMapping,
    wait_s: float,
    file: Path | None,
    reason: str,
) -> None:
    """Hold the ledger's open items against the service's, account by account and invoice by
    invoice, while both go on and `creditgate sync ledger` runs.

    Accounts that differ are looked at again until the ledger has left one alone for a moment, so
    that what is on its way is no difference. What is left is named to the entry: MISSING, the
    ledger alone has it; UNKNOWN, the service alone; AMOUNT, they move different amounts.

    A MISSING entry is better sent again than repaired (`creditgate deadletter list`): when it comes
    after an adjustment has stood in for it, it counts twice.

    The server keeps what was found, for good: `creditgate ledger sources` shows the latest. Where
    they differ, its log and metrics say so.

    Exit code: 0 they agree, 1 they differ, 3 they could not be compared, 4 they agree, and the
    server did not record it.
    """
    if file is not None:
        try:
            repair.check_none_waits(connection.client)
        except repair.RepairError as error:
            raise Failure(str(error)) from error
    try:
        report = asyncio.run(_compare(connection, ledger, mapping, wait_s))
    except (NotInStepError, psycopg.Error, CreditgateError) as error:
        raise NotCompared(str(error)) from error
    _show(connection, report)
    if not report.explained:
        click.echo(
            "the entries behind the differences are not named: "
            "this identity may not read the journal",
            err=True,
        )
    recorded = _record(connection, mapping.source, report)
    if file is not None and report.differences:
        _propose(connection, mapping, report, file, reason)
    if report.differences or report.unsettled or report.unreadable:
        click.get_current_context().exit(EXIT_DIFFERENT)
    if not recorded:
        click.get_current_context().exit(EXIT_NOT_RECORDED)


class NotCompared(Failure):
    """The two could not be held against each other."""

    exit_code = 3


async def _compare(
    connection: Connection, ledger: str, mapping: LedgerMapping, wait_s: float
) -> Report:
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(
        SpinnerColumn(), *columns, console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("the ledger is asked")

        def on_read(whose: str, items: int) -> None:
            bar.update(task, description=f"{items:,} open items of the {whose} read")

        async with AsyncClient(connection.client.address, connection.client.options) as client:
            return await Reconciliation(client, mapping, wait_s=wait_s, on_read=on_read).run(ledger)


def _record(connection: Connection, source: str, report: Report) -> bool:
    """Has the server keep what was found, and says so where it does not: a repair may follow all
    the same."""
    found = Findings(
        position=report.position,
        accounts_compared=report.accounts,
        items_compared=report.items,
        accounts_differing=len(report.differences),
        accounts_unsettled=len(report.unsettled),
        accounts_unreadable=len(report.unreadable),
    )
    try:
        connection.client.record_reconciliation(source, found, channel=CHANNEL)
    except CreditgateError as error:
        click.echo(f"compared, but the server did not record it: {error}", err=True)
        return False
    return True


def _propose(
    connection: Connection, mapping: LedgerMapping, report: Report, file: Path, reason: str
) -> None:
    if not report.explained:
        raise Failure(
            "no repair is proposed: an entry that is only late would count twice with it, and "
            "which those are, only an identity that may read the journal can tell"
        )
    entries = repair.adjustments(mapping.source, report)
    if not entries:
        raise Failure(
            "no repair is proposed: all accounts that differ have amounts in the ledger that "
            "cannot be read, which are to be put right there first"
        )
    reason = reason or f"reconciled with {mapping.source} as of transaction {report.position}"
    try:
        proposed = repair.propose(connection.client, file, entries, report.position, reason)
    except repair.RepairError as error:
        raise Failure(str(error)) from error
    late = [
        difference.account_id
        for difference in report.differences
        if any(entry.kind is Kind.MISSING for entry in difference.entries)
    ]
    if late:
        click.echo(
            f"{len(late):,} accounts lack entries that may still come and would then count twice "
            f"(`creditgate deadletter list`): {', '.join(late[:10])}",
            err=True,
        )
    left = len(entries) - len(proposed.entries)
    rest = f"; {left:,} more are for the next time" if left else ""
    click.echo(
        f"{len(proposed.entries):,} adjustments are proposed as {proposed.adjustments_id}{rest}. "
        f"Somebody else runs: creditgate repair approve {file}",
        err=True,
    )


def _show(connection: Connection, report: Report) -> None:
    if connection.json:
        connection.write_json(msgspec.to_builtins(report))
        return
    connection.console.print(
        f"{report.accounts:,} accounts and {report.items:,} open items compared, as of transaction "
        f"{report.position} of the ledger: {len(report.differences):,} differ",
        soft_wrap=True,
    )
    for difference in report.differences:
        connection.console.print(_table(connection, difference))
    for account_id in report.unreadable:
        connection.console.print(
            f"{account_id}: the ledger has an open amount that cannot be read, or is nobody's",
            markup=False,
        )
    for account_id in report.unsettled:
        connection.console.print(
            f"{account_id}: moves all the time, look again later", markup=False
        )


def _table(connection: Connection, difference: Difference) -> object:
    currency = difference.currency
    rows = [
        ("item", invoice or "(no invoice)", "", amount(theirs, currency), amount(ours, currency))
        for invoice, (theirs, ours) in difference.items.items()
    ]
    rows += [
        (
            entry.kind.value,
            entry.entry_id,
            entry.source,
            amount(entry.ledger_minor, currency),
            amount(entry.service_minor, currency),
        )
        for entry in difference.entries
    ]
    columns = (difference.account_id, "what", "source", "ledger", "service")
    return table(connection.console, columns, rows, numbers=("ledger", "service"))
