"""`creditgate case ...`: orders that were referred, and those who sign them."""

from datetime import UTC, datetime, timedelta

import click

from creditgate.client import Case, CaseOrder, CaseStatus, ReasonCode, ReviewResult
from creditgate.client.cli._connection import Connection, connected, request_options
from creditgate.client.cli._output import (
    amount,
    facts,
    reason_text,
    show_decision,
    table,
    time_text,
)
from creditgate.client.cli._parameters import TIME, read_amount

_STATUSES = [status.value for status in CaseStatus if status is not CaseStatus.UNKNOWN]
_case = click.argument("case_id", metavar="CASE")
_role = click.option(
    "--role", default="", help="Your role, for a server that takes callers at their word."
)


@click.group()
def case() -> None:
    """Cases: orders that wait for a person."""


@case.command("list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(_STATUSES, case_sensitive=False),
    help="Only in this status; may be given several times.  [default: all]",
)
@click.option("--account", "account_id", default="", help="Only this account's.")
@click.option("--signable-by", default="", metavar="ROLE", help="Only what waits for this role.")
@click.option("--urgent-first", is_flag=True, help="The most urgent first, else the oldest.")
@connected
def list_(
    conn: Connection,
    *,
    statuses: tuple[str, ...],
    account_id: str,
    signable_by: str,
    urgent_first: bool,
) -> None:
    """Lists cases."""
    found = conn.client.list_cases(
        statuses=[CaseStatus(status.upper()) for status in statuses],
        account_id=account_id,
        signable_by=signable_by,
        order=CaseOrder.PRIORITY if urgent_first else CaseOrder.OLDEST,
    )
    if conn.json:
        for row in found:
            conn.write_json(row)
        return
    rows = [
        [
            row.case_id,
            row.account_id,
            row.order_id,
            _asked(row),
            row.status.value,
            ", ".join(reason.code for reason in row.reasons),
            str(row.priority),
            time_text(row.open_time),
        ]
        for row in found
    ]
    columns = ["case", "account", "order", "amount", "status", "reasons", "priority", "opened"]
    conn.console.print(
        table(conn.console, columns, rows, numbers=["amount", "priority"], folding=["reasons"])
    )


@case.command()
@_case
@connected
def show(conn: Connection, *, case_id: str) -> None:
    """Shows a case with its reasons, signatures and comments."""
    found = conn.client.get_case(case_id)
    if conn.json:
        conn.write_json(found)
        return
    facts(conn.console, _facts(found))


def _asked(case: Case) -> str:
    """What its order asks for, and where that is in another currency what it is worth."""
    asked = amount(case.amount_minor, case.currency)
    if case.account_currency == case.currency:
        return asked
    return f"{asked}, worth {amount(case.worth_minor, case.account_currency)}"


def _facts(case: Case) -> list[tuple[str, str]]:
    ends = "approved until" if case.status is CaseStatus.APPROVED else "expires"
    rows = [
        ("case", case.case_id),
        ("account", case.account_id),
        ("order", case.order_id),
        ("amount", _asked(case)),
        ("of that tax", amount(case.tax_minor or None, case.currency)),
        ("of that freight", amount(case.freight_minor or None, case.currency)),
        ("ships", str(case.ship_date or "")),
        ("sold to", case.sold_to_account_id),
        ("status", case.status.value),
        ("revision", str(case.revision)),
        *(("reason", reason_text(reason, case.account_currency)) for reason in case.reasons),
        ("terms asked for", case.terms_id),
        ("contract", case.contract_id),
        ("asked by", ", ".join(case.asked_by)),
        ("channel", case.channel),
        ("opened", time_text(case.open_time)),
        ("priority", str(case.priority) if case.priority else ""),
        ("escalated", f"{case.level} times" if case.level else ""),
        ("escalates", time_text(case.escalate_time)),
        (ends, time_text(case.expire_time) if case.close_time is None else ""),
        ("claimed by", case.claimed_by),
    ]
    if case.waiver is not None:
        waived = ", ".join(case.waiver.waived_reasons)
        most = amount(case.waiver.amount_minor, case.account_currency)
        rows.append(("waives", f"{waived} up to {most} until {time_text(case.waiver.expire_time)}"))
    for one in case.signatures:
        instead = f" for {one.on_behalf_of}" if one.on_behalf_of else ""
        rows.append(("signed", f"{one.by}{instead} as {one.role}, {time_text(one.time)}"))
    missing = case.signatures_missing
    rows.append(("signatures missing", str(missing) if missing else ""))
    rows += [
        (f"{said.by} said", f"{said.text or '(erased)'} ({time_text(said.time)})")
        for said in case.comments
    ]
    rows += [("reservation", case.reservation_id), ("ended", time_text(case.close_time))]
    return rows


@case.command()
@_case
@click.option("--take-over", is_flag=True, help="From whoever has claimed it.")
@click.option("--comment", default="", help="What to say of it.")
@_role
@request_options
@connected
def claim(
    conn: Connection,
    *,
    case_id: str,
    take_over: bool,
    comment: str,
    role: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Says that you look into it."""
    result = conn.client.claim_case(
        case_id,
        take_over=take_over,
        comment=comment,
        role=role,
        request_id=request_id,
        channel=channel,
    )
    _show(conn, result)


@case.command()
@_case
@click.argument("comment")
@click.option(
    "--waive",
    "waived",
    multiple=True,
    metavar="REASON",
    help="A reason that no longer stands in the way; may be given several times.  "
    "[default: all that the case names]",
)
@click.option(
    "--amount",
    "amount_text",
    metavar="AMOUNT",
    help="The most that it may be worth, in the account's currency.  [default: what it is worth]",
)
@click.option("--until", type=TIME, help="When the approval ends.  [default: as the policy says]")
@click.option("--for", "on_behalf_of", default="", metavar="WHO", help="With whose authority.")
@click.option(
    "--revision",
    type=click.IntRange(min=0),
    help="Only if the case is still of this revision.  [default: the one that is printed]",
)
@_role
@request_options
@connected
def approve(
    conn: Connection,
    *,
    case_id: str,
    comment: str,
    waived: tuple[str, ...],
    amount_text: str | None,
    until: datetime | None,
    on_behalf_of: str,
    revision: int | None,
    role: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Signs a case, and prints what is signed. COMMENT says why, for whoever asks later.

    With the last signature that the policy asks for, its order is decided again and reserved.
    """
    found = conn.client.get_case(case_id)
    if not conn.json:
        facts(conn.console, _facts(found))
    codes = [_code(name) for name in waived] or list(
        dict.fromkeys(reason.code for reason in found.reasons)
    )
    most = None if amount_text is None else read_amount(amount_text, found.account_currency)
    result = conn.client.approve_case(
        case_id,
        codes,
        comment,
        amount_minor=most,
        expire_time=until,
        on_behalf_of=on_behalf_of,
        revision=found.revision if revision is None else revision,
        role=role,
        request_id=request_id,
        channel=channel,
    )
    _show(conn, result, found.currency)


def _code(name: str) -> ReasonCode:
    try:
        return ReasonCode(name.upper().replace("-", "_"))
    except ValueError as error:
        raise click.UsageError(f"{name!r} is not the code of a reason") from error


@case.command()
@_case
@click.argument("comment")
@_role
@request_options
@connected
def reject(
    conn: Connection,
    *,
    case_id: str,
    comment: str,
    role: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Says no. COMMENT says why."""
    result = conn.client.reject_case(
        case_id, comment, role=role, request_id=request_id, channel=channel
    )
    _show(conn, result)


@case.command()
@_case
@click.option("--comment", default="", help="What to say of it.")
@_role
@request_options
@connected
def escalate(
    conn: Connection,
    *,
    case_id: str,
    comment: str,
    role: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Leaves it to those of the next band."""
    result = conn.client.escalate_case(
        case_id, comment=comment, role=role, request_id=request_id, channel=channel
    )
    _show(conn, result)


@case.command()
@_case
@click.argument("text", required=False, default="")
@click.option("--priority", type=click.IntRange(0, 9), help="How urgent it is; 9 is the most.")
@request_options
@connected
def comment(
    conn: Connection,
    *,
    case_id: str,
    text: str,
    priority: int | None,
    request_id: str | None,
    channel: str,
) -> None:
    """Says TEXT of it, or how urgent it is."""
    result = conn.client.comment_on_case(
        case_id, text, priority=priority, request_id=request_id, channel=channel
    )
    _show(conn, result)


@case.command()
@click.argument("to")
@click.argument("reason")
@click.option("--from", "start", type=TIME, help="From when.  [default: now]")
@click.option("--until", type=TIME, help="Until when.  [default: a week after it begins]")
@click.option("--end", is_flag=True, help="TO may sign for you no longer.")
@click.option("--of", "delegator", default="", help="End what somebody else has delegated to TO.")
@_role
@request_options
@connected
def delegate(
    conn: Connection,
    *,
    to: str,
    reason: str,
    start: datetime | None,
    until: datetime | None,
    end: bool,
    delegator: str,
    role: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Lets TO sign with your authority for a time. REASON is for the audit trail."""
    if end and (start or until):
        raise click.UsageError("--end goes with neither --from nor --until")
    if delegator and not end:
        raise click.UsageError("--of goes with --end: nobody gives away what is another's")
    if not end and until is None:
        until = (start or datetime.now(UTC)) + timedelta(weeks=1)
    result = conn.client.delegate(
        to,
        reason,
        start_time=start,
        expire_time=until,
        delegator=delegator,
        role=role,
        request_id=request_id,
        channel=channel,
    )
    if conn.json:
        conn.write_json(result)
    elif until is None:
        conn.console.print(f"{to} signs for {delegator or 'you'} no longer", markup=False)
    else:
        conn.console.print(f"{to} may sign for you until {time_text(until)}", markup=False)


@case.command()
@connected
def delegations(conn: Connection) -> None:
    """Lists who may sign in whose place."""
    found = conn.client.list_delegations()
    if conn.json:
        for row in found:
            conn.write_json(row)
        return
    rows = [
        [row.delegator, row.to, row.role, time_text(row.start_time), time_text(row.expire_time)]
        for row in found
    ]
    conn.console.print(table(conn.console, ["whose", "who signs", "role", "from", "until"], rows))


def _show(conn: Connection, result: ReviewResult, currency: str = "") -> None:
    if conn.json:
        conn.write_json(result)
        return
    missing = result.signatures_missing
    more = f", {missing} more signature{'s' if missing > 1 else ''} needed" if missing else ""
    conn.console.print(f"case {result.case_id} is {result.status.value}{more}", markup=False)
    if result.order is not None:
        show_decision(conn.console, result.order, currency)
