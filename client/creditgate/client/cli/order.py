"""`creditgate check|reserve|adjust|confirm|capture|release`: orders against credit, by hand."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypedDict, Unpack

import click

from creditgate.client import Client, Decision, DecisionResult
from creditgate.client.cli._connection import Connection, connected, request_options
from creditgate.client.cli._output import (
    amount,
    counting_facts,
    decision_exit,
    facts,
    invoice_facts,
    show_decision,
    show_reservation,
    time_text,
)
from creditgate.client.cli._parameters import DATE, read_amount

_ttl = click.option(
    "--ttl-days",
    type=click.IntRange(min=1, max=366),
    help="How long the reservation holds.  [default: as the server is set]",
)
_reason = click.option("--reason", default="", help="Why, for the audit trail.")


_partial = click.option("--partial", is_flag=True, help="Less than asked for would do.")
_contract = click.option(
    "--contract", "contract_id", default="", help="Its contract: one to which terms are assigned."
)
_terms = click.option(
    "--terms", "terms_id", default="", help="Payment terms asked for; better ones are referred."
)
_account = click.argument("account_id", metavar="ACCOUNT")


class _Shipping(TypedDict):
    ship_date: date | None
    tax: str | None
    freight: str | None
    bill_to_account_id: str


def _shipping_options(command: Callable[..., None]) -> Callable[..., None]:
    """What few orders name: where, when and how much of them counts."""
    for option in (
        click.option("--ship-date", type=DATE, help="The day on which its goods are to leave."),
        click.option("--tax", metavar="AMOUNT", help="The part of the amount that is tax."),
        click.option("--freight", metavar="AMOUNT", help="The part of it that is freight."),
        click.option(
            "--bill-to",
            "bill_to_account_id",
            default="",
            metavar="ACCOUNT",
            help="Another account, which is billed.",
        ),
    ):
        command = option(command)
    return command


def _shipping(given: _Shipping, currency: str) -> dict[str, Any]:
    def part(text: str | None) -> int:
        return 0 if text is None else read_amount(text, currency)

    return {
        "ship_date": given["ship_date"],
        "tax_minor": part(given["tax"]),
        "freight_minor": part(given["freight"]),
        "bill_to_account_id": given["bill_to_account_id"],
    }


_order = click.argument("order_id", metavar="ORDER")


def _minor(client: Client, account_id: str, order_id: str, text: str) -> int:
    """An amount in the currency of an order's reservation."""
    held = client.get_reservation(account_id=account_id, order_id=order_id)
    return read_amount(text, held.order_currency)


@click.command()
@_account
@click.argument("amount_text", metavar="AMOUNT")
@click.argument("currency")
@_partial
@_contract
@_terms
@_shipping_options
@connected
def check(
    conn: Connection,
    *,
    account_id: str,
    amount_text: str,
    currency: str,
    partial: bool,
    contract_id: str,
    terms_id: str,
    **shipping: Unpack[_Shipping],
) -> None:
    """Would this order fit? Reserves nothing."""
    wanted = read_amount(amount_text, currency)
    result = conn.client.check(
        account_id,
        wanted,
        currency,
        allow_partial=partial,
        contract_id=contract_id,
        terms_id=terms_id,
        **_shipping(shipping, currency),
    )
    if conn.json:
        conn.write_json(result)
    else:
        show_decision(conn.console, result, currency)
        facts(conn.console, counting_facts(result.counting))
    decision_exit(result)


@click.command()
@_account
@_order
@click.argument("amount_text", metavar="AMOUNT")
@click.argument("currency")
@_partial
@_ttl
@_contract
@_terms
@_shipping_options
@request_options
@connected
def reserve(
    conn: Connection,
    *,
    account_id: str,
    order_id: str,
    amount_text: str,
    currency: str,
    partial: bool,
    ttl_days: int | None,
    contract_id: str,
    terms_id: str,
    request_id: str | None,
    channel: str,
    **shipping: Unpack[_Shipping],
) -> None:
    """Decides an order and, where it fits, reserves its amount."""
    result = conn.client.check_and_reserve(
        account_id,
        order_id,
        read_amount(amount_text, currency),
        currency,
        allow_partial=partial,
        channel=channel,
        ttl=_days(ttl_days),
        contract_id=contract_id,
        terms_id=terms_id,
        request_id=request_id,
        **_shipping(shipping, currency),
    )
    if conn.json:
        conn.write_json(result)
    else:
        show_decision(conn.console, result, currency)
        if result.reservation_id:
            facts(
                conn.console,
                [
                    ("reserved", amount(result.approved_amount_minor, currency)),
                    ("reservation", result.reservation_id),
                    ("expires", time_text(result.expire_time)),
                    *counting_facts(result.counting),
                ],
            )
        facts(conn.console, [("case", result.case_id)])
    decision_exit(result)


@click.command()
@_account
@_order
@click.argument("total_text", metavar="TOTAL")
@_ttl
@_reason
@request_options
@connected
def adjust(
    conn: Connection,
    *,
    account_id: str,
    order_id: str,
    total_text: str,
    ttl_days: int | None,
    reason: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Sets an order's total, captured parts included. Growth is decided like an order."""
    result = conn.client.adjust(
        _minor(conn.client, account_id, order_id, total_text),
        account_id=account_id,
        order_id=order_id,
        channel=channel,
        ttl=_days(ttl_days),
        reason=reason,
        request_id=request_id,
    )
    if conn.json:
        conn.write_json(result)
    else:
        show_decision(conn.console, result, result.reservation.order_currency)
        _show_way(conn, result)
        show_reservation(conn.console, result.reservation)
    decision_exit(result)


def _show_way(conn: Connection, result: DecisionResult) -> None:
    """What to do about what an order grows by, where a person is to decide."""
    if result.decision is Decision.REFERRED:
        said = "No case is opened for more of an order: order the rest under an id of its own."
        conn.console.print(said)


@click.command()
@_account
@_order
@click.argument("invoice_id", metavar="INVOICE")
@click.option("--amount", "amount_text", metavar="AMOUNT", help="[default: all that is open]")
@click.option("--final", is_flag=True, help="Release what stays open.")
@click.option("--forced", is_flag=True, help="The goods have left already: never declined.")
@click.option("--invoice-date", type=DATE, help="From which its terms count.  [default: today]")
@_reason
@request_options
@connected
def capture(
    conn: Connection,
    *,
    account_id: str,
    order_id: str,
    invoice_id: str,
    amount_text: str | None,
    final: bool,
    forced: bool,
    invoice_date: date | None,
    reason: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Turns what is reserved into what is captured: shipped and invoiced under INVOICE."""
    part = None if amount_text is None else _minor(conn.client, account_id, order_id, amount_text)
    result = conn.client.capture(
        invoice_id,
        amount_minor=part,
        account_id=account_id,
        order_id=order_id,
        final=final,
        forced=forced,
        channel=channel,
        reason=reason,
        invoice_date=invoice_date,
        request_id=request_id,
    )
    if conn.json:
        conn.write_json(result)
    else:
        currency = result.reservation.order_currency
        show_decision(conn.console, result, currency)
        _show_way(conn, result)
        if result.breach:
            conn.console.print("Forced past the rules above: recorded as a breach.", style="red")
        facts(conn.console, [("captured here", amount(result.captured_amount_minor, currency))])
        if result.terms is not None:
            facts(conn.console, invoice_facts(result.terms, currency))
        show_reservation(conn.console, result.reservation)
    decision_exit(result)


@click.command()
@_account
@_order
@connected
def confirm(conn: Connection, *, account_id: str, order_id: str) -> None:
    """May the goods of an order still leave? Looks at its reservation again; changes nothing.

    Not where the account was suspended, closed or held since, or has no limit any more.
    """
    result = conn.client.confirm(account_id=account_id, order_id=order_id)
    if conn.json:
        conn.write_json(result)
    else:
        show_decision(conn.console, result, result.reservation.order_currency)
        show_reservation(conn.console, result.reservation)
    decision_exit(result)


@click.command()
@_account
@_order
@click.option("--amount", "amount_text", metavar="AMOUNT", help="[default: all that is open]")
@_reason
@request_options
@connected
def release(
    conn: Connection,
    *,
    account_id: str,
    order_id: str,
    amount_text: str | None,
    reason: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Gives back what an order reserves, in part or whole; or takes back one that waits."""
    part = None if amount_text is None else _minor(conn.client, account_id, order_id, amount_text)
    result = conn.client.release(
        amount_minor=part,
        account_id=account_id,
        order_id=order_id,
        channel=channel,
        reason=reason,
        request_id=request_id,
    )
    if conn.json:
        conn.write_json(result)
    elif result.case_id:
        conn.console.print(f"case {result.case_id} is WITHDRAWN", markup=False)
    else:
        currency = result.reservation.order_currency
        facts(conn.console, [("released here", amount(result.released_amount_minor, currency))])
        show_reservation(conn.console, result.reservation)
    decision_exit(result)


def _days(days: int | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)
