"""`creditgate account ...` and `creditgate segment ...`: who may buy on account, and up to what."""

from datetime import date

import click

from creditgate.client import (
    Account,
    AccountStatus,
    AccountUpsert,
    CreditLimit,
    LimitKind,
    ProposalState,
    Segment,
    StatusResult,
    UpsertResult,
)
from creditgate.client.cli._connection import Connection, connected, request_options
from creditgate.client.cli._output import (
    amount,
    conditions_facts,
    facts,
    limit_text,
    row_refused,
    table,
    time_text,
)
from creditgate.client.cli._parameters import DATE, read_amount, read_limit

_STATUSES = [status.value for status in AccountStatus if status is not AccountStatus.UNKNOWN]


@click.group()
def account() -> None:
    """Accounts: show, create, change, suspend, reinstate, close."""


@account.command("list")
@click.option("--prefix", default="", help="Only ids that begin so.")
@click.option("--segment", default="", help="Only accounts of this segment.")
@click.option("--parent", default="", help="Only children of this account.")
@click.option("--currency", default="", help="Only accounts in this currency.")
@click.option("--status", type=click.Choice(_STATUSES, case_sensitive=False))
@connected
def list_(
    conn: Connection, *, prefix: str, segment: str, parent: str, currency: str, status: str | None
) -> None:
    """Lists accounts in the order in which they were created."""
    accounts = conn.client.list_accounts(
        account_id_prefix=prefix,
        segment_id=segment,
        parent_account_id=parent,
        currency=currency,
        status=AccountStatus(status) if status else None,
    )
    if conn.json:
        for found in accounts:
            conn.write_json(found)
        return
    rows = (
        [
            found.account_id,
            found.display_name,
            found.status.value,
            found.segment_id,
            found.currency,
            limit_text(found.limit, found.currency),
        ]
        for found in accounts
    )
    columns = ["account", "name", "status", "segment", "currency", "limit"]
    conn.console.print(table(conn.console, columns, rows, folding=("name", "segment", "limit")))


@account.command()
@click.argument("account_id", metavar="ACCOUNT")
@connected
def get(conn: Connection, *, account_id: str) -> None:
    """Shows an account's master data."""
    found = conn.client.get_account(account_id)
    if conn.json:
        conn.write_json(found)
    else:
        _show(conn, found)


@account.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.option("--currency", help="Needed for a new account; cannot change later.")
@click.option("--name", help="Display name.")
@click.option("--parent", help="Parent account; an empty text removes it.")
@click.option("--segment", "segment_id", help="Segment; an empty text removes it.")
@click.option(
    "--limit", metavar="LIMIT", help="An amount, or: unlimited, no-credit, inherit. 0 is an amount."
)
@click.option("--valid-until", type=DATE, help="Last day (UTC) on which --limit holds.")
@click.option("--max-order", metavar="AMOUNT", help="Most for one order; 0 removes it.")
@click.option(
    "--shared-limit",
    metavar="LIMIT",
    help="Most that it and all accounts below it may owe together, or unlimited, which removes it.",
)
@request_options
@connected
def upsert(
    conn: Connection,
    *,
    account_id: str,
    currency: str | None,
    name: str | None,
    parent: str | None,
    segment_id: str | None,
    limit: str | None,
    valid_until: date | None,
    max_order: str | None,
    shared_limit: str | None,
    request_id: str | None,
    channel: str,
) -> None:
    """Creates an account, or changes what is given of one."""
    if valid_until and limit is None:
        raise click.UsageError("--valid-until needs --limit")
    unit = currency or ""
    if not currency and (limit or max_order or shared_limit):
        unit = conn.client.get_account(account_id).currency
    row = AccountUpsert(
        account_id=account_id,
        display_name=name,
        currency=currency,
        parent_account_id=parent,
        segment_id=segment_id,
        limit=None if limit is None else read_limit(limit, unit, valid_until),
        max_order_amount_minor=None if max_order is None else read_amount(max_order, unit),
        shared_limit=_read_bound("--shared-limit", shared_limit, unit),
    )
    results = conn.client.upsert_accounts([row], request_id=request_id, channel=channel)
    _show_upsert(conn, results[0], account_id)


@account.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("reason")
@request_options
@connected
def suspend(
    conn: Connection, *, account_id: str, reason: str, request_id: str | None, channel: str
) -> None:
    """Refuses new exposure from now on; open reservations stay, unconfirmed. REASON: for audit."""
    _show_status(
        conn,
        account_id,
        conn.client.suspend_account(account_id, reason, request_id=request_id, channel=channel),
    )


@account.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("reason")
@request_options
@connected
def reinstate(
    conn: Connection, *, account_id: str, reason: str, request_id: str | None, channel: str
) -> None:
    """Takes back a suspension or a closing. REASON is for the audit trail."""
    _show_status(
        conn,
        account_id,
        conn.client.reinstate_account(account_id, reason, request_id=request_id, channel=channel),
    )


@account.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("reason")
@request_options
@connected
def close(
    conn: Connection, *, account_id: str, reason: str, request_id: str | None, channel: str
) -> None:
    """Closes an account: the customer has left. REASON is for the audit trail."""
    _show_status(
        conn,
        account_id,
        conn.client.close_account(account_id, reason, request_id=request_id, channel=channel),
    )


@click.group()
def segment() -> None:
    """Segments: the default limits that accounts inherit, and what bounds them together."""


@segment.command("list")
@connected
def segment_list(conn: Connection) -> None:
    """Lists segments by currency: what their accounts inherit, the cap, and what is taken of it."""
    segments = conn.client.list_segments()
    if conn.json:
        for found in segments:
            conn.write_json(found)
        return
    rows = (
        [
            found.segment_id,
            found.currency,
            limit_text(found.default_limit, found.currency) if found.default_limit else "",
            amount(found.cap_minor, found.currency),
            amount(found.exposure_minor, found.currency),
            amount(found.available_minor, found.currency),
        ]
        for found in segments
    )
    columns = ["segment", "currency", "default limit", "cap", "exposure", "available"]
    folding, numbers = ("segment", "default limit"), columns[3:]
    conn.console.print(table(conn.console, columns, rows, numbers=numbers, folding=folding))


@segment.command("upsert")
@click.argument("segment_id", metavar="SEGMENT")
@click.argument("currency")
@click.argument("limit", required=False)
@click.option("--valid-until", type=DATE, help="Last day (UTC) on which the limit holds.")
@click.option(
    "--cap",
    metavar="LIMIT",
    help="Most that all its accounts may owe together, or unlimited, which removes it.",
)
@request_options
@connected
def segment_upsert(
    conn: Connection,
    *,
    segment_id: str,
    currency: str,
    limit: str | None,
    valid_until: date | None,
    cap: str | None,
    request_id: str | None,
    channel: str,
) -> None:
    """Sets the default limit of a segment: an amount, unlimited or no-credit. Or its cap."""
    if limit is None and valid_until:
        raise click.UsageError("--valid-until needs a LIMIT")
    if limit is None and cap is None:
        raise click.UsageError("give a LIMIT, a --cap, or both")
    default_limit = None if limit is None else read_limit(limit, currency, valid_until)
    if default_limit is not None and default_limit.kind is LimitKind.INHERIT:
        raise click.UsageError("A segment cannot inherit: LIMIT is an amount, unlimited, no-credit")
    row = Segment(
        segment_id=segment_id,
        currency=currency,
        default_limit=default_limit,
        cap=_read_bound("--cap", cap, currency),
    )
    results = conn.client.upsert_segments([row], request_id=request_id, channel=channel)
    _show_upsert(conn, results[0], segment_id)


def _read_bound(option: str, text: str | None, currency: str) -> CreditLimit | None:
    """A limit of several accounts together, where one is given. Raises click.UsageError."""
    if text is None:
        return None
    limit = read_limit(text, currency, None)
    if limit.kind not in (LimitKind.AMOUNT, LimitKind.UNLIMITED):
        raise click.UsageError(f"{option} is an amount or unlimited, not {text!r}")
    return limit


def _show(conn: Connection, found: Account) -> None:
    facts(
        conn.console,
        [
            ("account", found.account_id),
            ("name", found.display_name),
            ("status", found.status.value),
            ("status reason", found.status_reason),
            ("currency", found.currency),
            ("limit", limit_text(found.limit, found.currency)),
            ("most for one order", amount(found.max_order_amount_minor, found.currency)),
            ("shared limit", amount(found.shared_limit_minor, found.currency)),
            ("segment", found.segment_id),
            ("parent", found.parent_account_id),
            ("created", time_text(found.create_time)),
            ("changed", time_text(found.update_time)),
            *conditions_facts(found),
            *_backing_facts(found),
        ],
    )


def _backing_facts(found: Account) -> list[tuple[str, str]]:
    """What the limit stands on, a line each."""
    rows = []
    if (approval := found.limit_approval) is not None:
        by = "the policy" if approval.by_policy else approval.approved_by
        on = f" on {approval.verification}" if approval.verification else ""
        rows.append(("limit approved by", f"{by}{on}, {time_text(approval.approve_time)}"))
    rows += [
        (f"proposal {waiting.proposal_id}", limit_text(waiting.limit, found.currency))
        for waiting in found.proposals
    ]
    rows += [
        (
            f"verified {known.reference}",
            f"{known.source}, {known.date}" + ("" if known.score is None else f": {known.score}"),
        )
        for known in found.verifications
    ]
    return rows


def _show_upsert(conn: Connection, result: UpsertResult, name: str) -> None:
    if result.error is not None:
        raise row_refused(result.error)
    if conn.json:
        conn.write_json(result)
    elif result.outcome is not None:
        conn.console.print(f"{result.outcome.value} {name}", markup=False)
        if result.proposal_state is ProposalState.PENDING:
            said = f"its limit waits for approval, as {result.proposal_id}"
            conn.console.print(said, markup=False)


def _show_status(conn: Connection, account_id: str, result: StatusResult) -> None:
    if conn.json:
        conn.write_json(result)
    else:
        conn.console.print(f"{account_id} is {result.status.value}", markup=False)
