"""How results look to people. Values of others are written as plain text, never as markup."""

from collections.abc import Iterable
from datetime import date, datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from creditgate.client import (
    CreditLimit,
    Decision,
    DecisionResult,
    ItemError,
    LimitKind,
    MoneyError,
    Position,
    Reason,
    ReasonCode,
    ReasonUnit,
    Reservation,
    money,
)
from creditgate.client.cli._connection import EXIT_REFUSED, Failure

_STYLES = {
    Decision.APPROVED: "bold green",
    Decision.PARTIALLY_APPROVED: "bold yellow",
    Decision.REFERRED: "bold yellow",
}
_REFUSED_STYLE = "bold red"

_REASONS = {
    ReasonCode.ACCOUNT_CLOSED: "the account is closed",
    ReasonCode.ACCOUNT_SUSPENDED: "the account is suspended",
    ReasonCode.NO_CREDIT_LIMIT: "the account has no credit limit",
    ReasonCode.LIMIT_EXPIRED: "today is {observed}, the limit was valid until {threshold}",
    ReasonCode.MAX_ORDER_AMOUNT_EXCEEDED: "{observed} is more than {threshold} for one order",
    ReasonCode.INSUFFICIENT_CREDIT: "{observed} had to fit, {threshold} was available",
    ReasonCode.BATCH_NOT_APPROVED: "item {observed} of the batch does not fit",
}


def amount(amount_minor: int | None, currency: str, *, absent: str = "") -> str:
    """An amount for people, e.g. "1,250.00 USD"; minor units where the currency has no decimals."""
    if amount_minor is None:
        return absent
    try:
        return f"{money.format(amount_minor, currency, group=True)} {currency}"
    except MoneyError:
        return f"{amount_minor} minor units {currency}".rstrip()


def limit_text(limit: CreditLimit, currency: str) -> str:
    """A credit limit for people."""
    if limit.kind is LimitKind.AMOUNT:
        text = amount(limit.amount_minor, currency)
    else:
        text = limit.kind.value.lower().replace("_", " ")
    return f"{text} until {limit.valid_until}" if limit.valid_until else text


def reason_text(reason: Reason, currency: str) -> str:
    """One violated rule for people, after its code."""
    words = _REASONS.get(reason.code, "observed {observed}, threshold {threshold}")
    observed = _measure(reason.observed, reason.unit, currency)
    threshold = _measure(reason.threshold, reason.unit, currency)
    return f"{reason.code}: {words.format(observed=observed, threshold=threshold)}"


def _measure(value: int | date | None, unit: ReasonUnit | None, currency: str) -> str:
    if unit is ReasonUnit.MINOR and isinstance(value, int):
        return amount(value, currency)
    return str(value)


def time_text(time: datetime | None) -> str:
    """A time for people, in UTC."""
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M:%S UTC")


def facts(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    """Names and values, one pair to a line; pairs without a value are left out."""
    grid = Table.grid(padding=(0, 2))
    for name, value in rows:
        if value:
            grid.add_row(Text(name, style="dim"), Text(value))
    console.print(grid)


def table(columns: Iterable[str], rows: Iterable[Iterable[str]], *, numbers: int = 0) -> Table:
    """A table; the last `numbers` columns are set to the right."""
    names = list(columns)
    made = Table()
    for place, name in enumerate(names):
        number = place >= len(names) - numbers
        made.add_column(name, justify="right" if number else "left", no_wrap=number)
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def show_decision(console: Console, result: DecisionResult, currency: str) -> None:
    """A decision with its reasons and what credit there is."""
    style = _STYLES.get(result.decision, _REFUSED_STYLE)
    replayed = "  (the answer to an earlier request)" if result.replayed else ""
    console.print(Text(result.decision.value, style=style).append(replayed, style="dim"))
    for reason in result.reasons:
        console.print(Text("  " + reason_text(reason, currency)))
    facts(
        console,
        [
            ("available now", amount(result.available_minor, currency, absent="unlimited")),
            ("would have fitted", amount(result.fitting_amount_minor, currency)),
        ],
    )


def decision_exit(result: DecisionResult) -> None:
    """Ends the command with the exit code of a decision."""
    if result.decision not in {Decision.APPROVED, Decision.PARTIALLY_APPROVED}:
        click.get_current_context().exit(EXIT_REFUSED)


def show_reservation(console: Console, reservation: Reservation) -> None:
    """A reservation, amount by amount."""
    currency = reservation.currency
    facts(
        console,
        [
            ("reservation", reservation.reservation_id),
            ("account", reservation.account_id),
            ("order", reservation.order_id),
            ("state", reservation.state.value),
            ("open", amount(reservation.open_minor, currency)),
            ("captured", amount(reservation.captured_minor, currency)),
            ("released", amount(reservation.released_minor, currency)),
            ("expired", amount(reservation.expired_minor, currency)),
            ("expires", time_text(reservation.expire_time)),
            ("created", time_text(reservation.create_time)),
        ],
    )


def positions_table(positions: Iterable[Position]) -> Table:
    """Positions, one to a row."""
    columns = ["account", "status", "limit", "outstanding", "captured", "reserved", "exposure"]
    return table(
        [*columns, "available", "used"],
        (
            [
                position.account_id,
                position.status.value,
                limit_text(position.effective_limit, position.currency),
                amount(position.outstanding_minor, position.currency),
                amount(position.captured_minor, position.currency),
                amount(position.reserved_minor, position.currency),
                amount(position.exposure_minor, position.currency),
                amount(position.available_minor, position.currency, absent="unlimited"),
                utilisation_text(position),
            ]
            for position in positions
        ),
        numbers=6,
    )


def utilisation_text(position: Position) -> str:
    """Utilisation in percent with one decimal, cut off and never rounded up to the next."""
    share = position.utilisation
    if share is None:
        return ""
    tenths = abs(share.numerator) * 1000 // share.denominator
    sign = "-" if share < 0 and tenths else ""
    return f"{sign}{tenths // 10}.{tenths % 10} %"


def row_refused(error: ItemError) -> Failure:
    """The error that ends a command whose only row was refused."""
    where = f" (field {error.field})" if error.field else ""
    return Failure(f"{error.reason}: {error.message}{where}")
