"""`creditgate load terms|assignments|calendar`: by when invoices are to be paid."""

from pathlib import Path
from typing import Unpack

import click

from creditgate.client import Calendar
from creditgate.client.cli import Connection, connected
from creditgate.loaders import calendars, rows
from creditgate.loaders import load as loading
from creditgate.loaders.cli_runs import EXIT_REJECTED, Options, options_of_a_file, run
from creditgate.loaders.errors import FileError
from creditgate.loaders.sending import CHANNEL


@click.command()
@options_of_a_file
@connected
def terms(connection: Connection, **options: Unpack[Options]) -> None:
    """Create payment terms, or set all of them anew.

    Required columns: terms_id, due (as `creditgate terms set` takes it: "net 30", "eom 10", "day
    15", "table 15:31+0 31:15+1", "50% net 30; 50% net 60"). Further columns: discounts ("2/10; 1%
    net 20"), discount_grace_days, grace_days, calendar_id, non_working_day (keep, next or
    previous; with a calendar_id).

    Terms stand in one row; a cell that is empty is nothing, also where they had something before.
    """
    run(connection, rows.TERMS, loading.terms, options)


@click.command()
@options_of_a_file
@connected
def assignments(connection: Connection, **options: Unpack[Options]) -> None:
    """Assign payment terms.

    Required columns: terms_id. Further columns: segment_id, or account_id, or account_id and
    contract_id: for its orders that name the contract. The most particular assignment holds.

    Whoever has terms stands in one row; `creditgate terms unassign` takes terms away.
    """
    run(connection, rows.ASSIGNMENTS, loading.assignments, options)


@click.command()
@click.argument("calendar_id", metavar="CALENDAR")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--country", help="Its public holidays, by its ISO 3166 code: DE.")
@click.option("--subdivision", help="Of the country: BY.")
@click.option("--years", required=True, metavar="FIRST-LAST", help="All that are to be known.")
@click.option("--weekend", metavar="DAYS", help="Such as sat,sun, or none.  [default: its own]")
@click.option("--dry-run", is_flag=True, help="Show the days, send nothing.")
@connected
def calendar(
    connection: Connection,
    *,
    calendar_id: str,
    file: Path | None,
    country: str | None,
    subdivision: str | None,
    years: str,
    weekend: str | None,
    dry_run: bool,
) -> None:
    """Set a calendar to the holidays of a country, or to those of a CSV FILE.

    The file has the column date (YYYY-MM-DD), and may have name. A calendar is set with all its
    years at once: one that goes on is loaded again from its first year. Beyond its last year
    weekends alone count, and whatever is computed there says so.
    """
    if (file is None) == (country is None):
        raise click.UsageError("give a --country or a FILE")
    try:
        days = calendars.parse_weekend(weekend) if weekend is not None else None
        span = calendars.parse_years(years)
        if file is not None:
            made = calendars.of_file(calendar_id, file, span, days)
        else:
            made = calendars.of_country(calendar_id, country or "", subdivision, span, days)
    except (FileError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    if dry_run:
        _show_days(connection, made)
        return
    (result,) = connection.client.upsert_calendars([made], channel=CHANNEL)
    if connection.json:
        connection.write_json(result)
    elif result.error is not None:
        click.echo(f"{result.error.reason}: {result.error.message}", err=True)
    elif result.outcome is not None:
        said = f"{result.outcome.value} {calendar_id}: {len(made.holidays)} holidays"
        connection.console.print(f"{said}, {made.from_date} to {made.until_date}", markup=False)
    if result.error is not None:
        click.get_current_context().exit(EXIT_REJECTED)


def _show_days(connection: Connection, made: Calendar) -> None:
    if connection.json:
        connection.write_json(made)
        return
    said = [(day, "") for day in made.holidays] + [(day, " worked") for day in made.workdays]
    for day, worked in sorted(said):
        connection.console.print(f"{day} {day:%a}{worked}", markup=False)
