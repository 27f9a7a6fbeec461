"""`creditgate quality`: what is wrong with the ledger's credit data."""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click
import msgspec
import psycopg
from rich.console import Console
from rich.table import Table

from creditgate.loaders.ledger.cli import LedgerCommand
from creditgate.loaders.ledger.mapping import LedgerMapping
from creditgate.loaders.quality.checks import Checks
from creditgate.loaders.quality.report import Report
from creditgate.loaders.quality.rules import Rule, Severity
from creditgate.loaders.scoring.cli import ledger_failures, ledger_options

EXIT_FINDINGS = 1

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(cls=LedgerCommand)
@ledger_options
@click.option("--html", "html_path", type=_FILE, metavar="FILE", help="Write a page for people.")
@click.option("--csv", "csv_path", type=_FILE, metavar="FILE", help="Write every finding.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "notice", "never"]),
    default="error",
    show_default=True,
    help="From which severity on findings make the exit code 1.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the counts as JSON.")
def quality(
    *,
    ledger: str,
    mapping: LedgerMapping,
    as_of: date,
    html_path: Path | None,
    csv_path: Path | None,
    fail_on: str,
    as_json: bool,
) -> None:
    """Report what is wrong with the ledger's credit data.

    Duplicates, orphans, negative and missing limits, currencies that differ, terms that contradict
    contracts, stale verifications, impossible dates, limits that nobody has reviewed for a year;
    each finding with its owner, field, value, rule and how it is mended. Nothing is written to the
    ledger. docs/data-quality.md lists the rules.

    Exit code: 0 nothing found of the severity of --fail-on, 1 something, 2 wrong usage or mapping,
    3 stopped early: the ledger could not be read, or a file not written.
    """
    with ledger_failures():
        report = Report(as_of, csv_path, html_path)
        with psycopg.connect(ledger) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            checks = Checks(connection, mapping, as_of)
            report.write(checks.run(), checks.left_out)
    counts = {rule: count for rule, count in report.counts.items() if count}
    if as_json:
        for row in _rows(counts):
            sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
    else:
        _show(counts, checks.left_out)
    worst = max((rule.severity for rule in counts), default=None)
    bound = None if fail_on == "never" else Severity[fail_on.upper()]
    if bound is not None and worst is not None and worst >= bound:
        click.get_current_context().exit(EXIT_FINDINGS)


def _rows(counts: dict[Rule, int]) -> Iterator[dict[str, str | int]]:
    for rule, count in counts.items():
        yield {
            "severity": rule.severity.name,
            "code": rule.code,
            "relation": rule.relation,
            "field": rule.field,
            "owner": rule.owner,
            "findings": count,
        }


def _show(counts: dict[Rule, int], left_out: list[Rule]) -> None:
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    for row in _rows(counts):
        if not table.columns:
            for name in row:
                table.add_column(name, justify="right" if name == "findings" else "left")
        table.add_row(*map(str, row.values()))
    console.print(table if counts else "Nothing found.")
    for rule in left_out:
        where = f"{rule.code} of {rule.relation}.{rule.field}"
        console.print(f"{where}: not looked at, the mapping does not have it", markup=False)
