"""`creditgate load`: accounts, limits, findings, terms, rates and ledger entries from files."""

from typing import Unpack

import click

from creditgate.client.cli import Connection, connected
from creditgate.loaders import load as loading
from creditgate.loaders import rows, terms_cli
from creditgate.loaders.cli_runs import Options, options_of_a_file, run
from creditgate.loaders.fields import identifier


@click.group("load", short_help="Load CSV, JSON Lines and Parquet files.")
def load() -> None:
    """Load accounts, limits, findings, payment terms, rates and ledger entries from files.

    A file has named columns, in any order; an empty cell is an absent value. CSV is UTF-8 with
    commas and a header line; JSON Lines have one object a line; of Parquet, a column of floats is
    refused. An unknown column, or a required one that is missing, is refused before anything is
    sent, in JSON Lines row by row. Amounts are decimals in the row's currency, dates YYYY-MM-DD;
    a --mapping file says where a file has other names or writes them in another way.

    Rows that break a rule, here or on the server, are written to FILE.rejected.csv with line,
    field, value, reason and message; all others are loaded. Mended, that file is loaded as it is,
    with the same --mapping. It is always of the latest load; a dry run shows the first rejected
    rows instead. Of /dev/stdin it stands in the working directory.

    Accounts, segments, limits, terms and rates are set to what the file says, also where they were
    changed by hand since; a second row for the same one is rejected. Where the policy says that
    limits are owned here, a limit becomes a proposal, and its row counts as proposed. Entries are
    posted once. So a file loaded twice changes nothing the second time, and a load that was stopped
    is simply run again.

    Exit code: 0 all rows loaded, 1 some rejected, 2 wrong usage or header, 3 stopped early: the
    server could not be reached or failed, or the file could not be read to its end; 130
    interrupted.
    """


def _source(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    try:
        return identifier(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@load.command()
@options_of_a_file
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
    run(connection, rows.ACCOUNTS, loading.accounts, options)


@load.command()
@options_of_a_file
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
    run(connection, rows.SEGMENTS, loading.segments, options)


@load.command()
@options_of_a_file
@connected
def limits(connection: Connection, **options: Unpack[Options]) -> None:
    """Change the limits of accounts that exist.

    Required columns: account_id, currency (the account's; it says how many decimals amounts have),
    limit_kind (amount, unlimited, no_credit or inherit). Further columns: limit_amount (with
    limit_kind amount), limit_valid_until (the last day), max_order_amount (0 removes it),
    shared_limit_kind and shared_limit_amount, as for accounts.

    Each account stands in one row; loading sets its limit back to the file's.
    """
    run(connection, rows.LIMITS, loading.limits, options)


@load.command()
@options_of_a_file
@connected
def verifications(connection: Connection, **options: Unpack[Options]) -> None:
    """Keep what third parties found out about customers.

    Required columns: account_id, reference (the third party's name for it), source (who it is),
    date (of which day it is). Further columns: score (0 to 1,000,000, the higher, the better),
    document_sha256 (64 hexadecimal digits).

    Of an account the latest 8 are kept, by their dates; an earlier one is unchanged. One that is
    kept is never replaced: a row of its reference that says something else is rejected.
    """
    run(connection, rows.VERIFICATIONS, loading.verifications, options)


@load.command()
@options_of_a_file
@connected
def scores(connection: Connection, **options: Unpack[Options]) -> None:
    """Keep how good third parties say that customers are.

    Required columns: account_id, reference (the third party's name for it), source (who it is),
    date (of which day it is), score (0 to 1,000,000, the higher, the better).

    A score is a verification that has one: see `creditgate load verifications`.
    """
    run(connection, rows.SCORES, loading.scores, options)


@load.command()
@options_of_a_file
@connected
def flags(connection: Connection, **options: Unpack[Options]) -> None:
    """Suspend new orders of customers, and lift what did, as bureaus and fraud checks say.

    Required columns: account_id, hold_id (the name of the flag), action (place or lift), reason (at
    most 500 bytes, for the audit trail). Further columns: kind (bureau, fraud or manual; required
    to place), source (the system or person that it comes from), expire_time (when it ends by
    itself: 2026-01-31T16:00:00Z; without a zone it is UTC; not with lift).

    Each flag stands in one row; a flag that is lifted already is unchanged.
    """
    run(connection, rows.FLAGS, loading.flags, options)


@load.command()
@options_of_a_file
@connected
def rates(connection: Connection, **options: Unpack[Options]) -> None:
    """Set exchange rates, by which orders in other currencies are converted.

    Required columns: base_currency, currency, rate (what one whole unit of base_currency is worth
    in currency: a decimal such as 1.0825), source (the system or bank that it comes from). Further
    columns: as_of (when it was true there: 2026-01-31T16:00:00Z; without a zone it is UTC; empty:
    now).

    Each pair stands in one row; a rate that is older than the one that is known changes nothing.
    """
    run(connection, rows.RATES, loading.rates, options)


@load.command()
@click.option(
    "--source",
    default=loading.SOURCE_DEFAULT,
    show_default=True,
    callback=_source,
    help="The system that the entries come from; an entry_id is posted once within its source.",
)
@options_of_a_file
@connected
def entries(connection: Connection, source: str, **options: Unpack[Options]) -> None:
    """Post ledger entries.

    Required columns: entry_id, account_id, kind (invoice, payment, credit_memo, adjustment,
    opening_balance or dispute), amount (signed in adjustments and opening balances, at least zero
    in disputes, else above zero), currency. Further columns: invoice_id (required in invoices and
    disputes; a payment or credit memo settles it
    with its whole amount), order_id (the order that an invoice bills), issue_date, due_date,
    allocations (of payments and credit memos instead of invoice_id, as
    INVOICE:AMOUNT;INVOICE:AMOUNT), position (in the source's stream, a whole number).

    The source does not depend on the file's name: an export loaded twice under two names must not
    be posted twice.
    """
    run(
        connection,
        rows.ENTRIES,
        lambda client, path: loading.entries(client, path, source),
        options,
    )


for command in (terms_cli.terms, terms_cli.assignments, terms_cli.calendar):
    load.add_command(command)
