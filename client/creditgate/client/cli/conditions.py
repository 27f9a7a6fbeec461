"""`creditgate hold`, `temporary-limit`, `rolling-limit`: what stands beside an account's terms."""

from datetime import date, datetime

import click

from creditgate.client import HoldKind, RemoveResult, SetResult, TemporaryLimitKind
from creditgate.client.cli._connection import Connection, connected, request_options
from creditgate.client.cli._parameters import DATE, TIME, read_amount

_HOLD_KINDS = [kind.value for kind in HoldKind if kind is not HoldKind.UNKNOWN]
_LIMIT_KINDS = [kind.value for kind in TemporaryLimitKind if kind is not TemporaryLimitKind.UNKNOWN]


@click.group()
def hold() -> None:
    """Holds: refuse new orders of an account until they are lifted or end."""


@hold.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("hold_id", metavar="HOLD")
@click.argument("reason")
@click.option(
    "--kind",
    type=click.Choice(_HOLD_KINDS, case_sensitive=False),
    default=HoldKind.MANUAL.value,
    show_default=True,
    help="Who holds: a person, a credit bureau, or a fraud signal.",
)
@click.option("--source", default="", help="The system or person that it comes from.")
@click.option("--until", type=TIME, help="When it ends by itself; else when it is lifted.")
@request_options
@connected
def place(
    conn: Connection,
    *,
    account_id: str,
    hold_id: str,
    reason: str,
    kind: str,
    source: str,
    until: datetime | None,
    request_id: str | None,
    channel: str,
) -> None:
    """Refuses new orders from now on. HOLD names the hold; REASON is for the audit trail.

    Open reservations stay, but are not confirmed.
    """
    result = conn.client.place_hold(
        account_id,
        hold_id,
        reason,
        kind=HoldKind(kind),
        source=source,
        expire_time=until,
        request_id=request_id,
        channel=channel,
    )
    _show_set(conn, result, hold_id)


@hold.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("hold_id", metavar="HOLD")
@click.argument("reason")
@request_options
@connected
def lift(
    conn: Connection,
    *,
    account_id: str,
    hold_id: str,
    reason: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Ends a hold. REASON is for the audit trail."""
    result = conn.client.lift_hold(
        account_id, hold_id, reason, request_id=request_id, channel=channel
    )
    _show_removed(conn, result, f"{hold_id} is lifted")


@click.group("temporary-limit")
def temporary_limit() -> None:
    """Temporary limits: come and go by themselves."""


@temporary_limit.command("set")
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("limit_id", metavar="LIMIT")
@click.argument("kind", type=click.Choice(_LIMIT_KINDS, case_sensitive=False))
@click.argument("amount")
@click.argument("reason")
@click.option("--from", "first", type=DATE, help="First day (UTC); else today.")
@click.option("--until", "last", type=DATE, required=True, help="Last day (UTC).")
@request_options
@connected
def set_(
    conn: Connection,
    *,
    account_id: str,
    limit_id: str,
    kind: str,
    amount: str,
    reason: str,
    first: date | None,
    last: date,
    request_id: str | None,
    channel: str,
) -> None:
    """Overrides an account's limit for some days, or adds to it.

    LIMIT names it. An override stands in place of the limit; an increase, collateral or insurance
    adds AMOUNT to it. REASON is for the audit trail.
    """
    currency = conn.client.get_account(account_id).currency
    result = conn.client.set_temporary_limit(
        account_id,
        limit_id,
        TemporaryLimitKind(kind),
        read_amount(amount, currency),
        reason,
        first_date=first,
        last_date=last,
        request_id=request_id,
        channel=channel,
    )
    _show_set(conn, result, limit_id)


@temporary_limit.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("limit_id", metavar="LIMIT")
@click.argument("reason")
@request_options
@connected
def remove(
    conn: Connection,
    *,
    account_id: str,
    limit_id: str,
    reason: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Ends a temporary limit, also one of days to come. REASON is for the audit trail."""
    result = conn.client.remove_temporary_limit(
        account_id, limit_id, reason, request_id=request_id, channel=channel
    )
    _show_removed(conn, result, f"{limit_id} is removed")


@click.group("rolling-limit")
def rolling_limit() -> None:
    """Rolling limits: an account may peak up to a hard cap, and keeps its limit on average."""


@rolling_limit.command("set")
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("hard_cap", metavar="HARD-CAP")
@click.argument("days", type=click.IntRange(1, 366))
@click.argument("reason")
@request_options
@connected
def rolling_set(
    conn: Connection,
    *,
    account_id: str,
    hard_cap: str,
    days: int,
    reason: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Holds what an account owes against HARD-CAP, and its average over DAYS against its limit.

    Until so many whole days are recorded, the limit stays the cap. REASON is for the audit trail.
    """
    currency = conn.client.get_account(account_id).currency
    cap_minor = read_amount(hard_cap, currency)
    result = conn.client.set_rolling_limit(
        account_id, cap_minor, days, reason, request_id=request_id, channel=channel
    )
    _show_set(conn, result, account_id)


@rolling_limit.command("remove")
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("reason")
@request_options
@connected
def rolling_remove(
    conn: Connection, *, account_id: str, reason: str, request_id: str | None, channel: str
) -> None:
    """Has the account's limit as its cap again. REASON is for the audit trail."""
    result = conn.client.remove_rolling_limit(
        account_id, reason, request_id=request_id, channel=channel
    )
    _show_removed(conn, result, f"{account_id} keeps its limit at any moment")


def _show_set(conn: Connection, result: SetResult, name: str) -> None:
    if conn.json:
        conn.write_json(result)
    else:
        conn.console.print(f"{result.outcome.value} {name}", markup=False)


def _show_removed(conn: Connection, result: RemoveResult, said: str) -> None:
    if conn.json:
        conn.write_json(result)
    else:
        conn.console.print(said, markup=False)
