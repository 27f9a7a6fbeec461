"""How results look to people. Values of others are written as plain text, never as markup."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import click
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from creditgate.client import (
    Account,
    CreditLimit,
    Cure,
    Decision,
    DecisionResult,
    Effect,
    Hold,
    InvoiceTerms,
    ItemError,
    LimitKind,
    MoneyError,
    OrderCounting,
    Position,
    Reason,
    ReasonCode,
    ReasonUnit,
    Reservation,
    RollingLimit,
    TemporaryLimit,
    money,
)
from creditgate.client.cli._connection import EXIT_REFUSED, Failure

_STYLES = {
    Decision.APPROVED: "bold green",
    Decision.PARTIALLY_APPROVED: "bold yellow",
    Decision.REFERRED: "bold yellow",
}
_REFUSED_STYLE = "bold red"

# Of the longest name that facts have.
_NAME_WIDTH = len("most for one order")
# Between two columns, and how narrow a column of texts may become.
_GAP = 2
_FOLDED_WIDTH = 12

_UNITS = {
    ReasonUnit.PERCENT: " %",
    ReasonUnit.HOURS: " hours",
    ReasonUnit.DAYS: " days",
    ReasonUnit.ORDERS: " orders",
}
_TOGETHER = "{observed} had to fit, {threshold} was available to {level}"
_REASONS = {
    ReasonCode.ACCOUNT_CLOSED: "the account is closed",
    ReasonCode.ACCOUNT_SUSPENDED: "the account is suspended",
    ReasonCode.FRAUD_SUSPENSION: "held by a fraud signal, {hold_id}",
    ReasonCode.BUREAU_SUSPENSION: "held by a credit bureau, {hold_id}",
    ReasonCode.ACCOUNT_ON_HOLD: "the account is on hold, {hold_id}",
    ReasonCode.NO_CREDIT_LIMIT: "the account has no credit limit",
    ReasonCode.LIMIT_EXPIRED: "today is {observed}, the limit was valid until {threshold}",
    ReasonCode.LIMIT_IN_GRACE: "today is {observed}, the limit was valid until {threshold}",
    ReasonCode.MAX_ORDER_AMOUNT_EXCEEDED: "{observed} is more than {threshold} for one order",
    ReasonCode.INSUFFICIENT_CREDIT: "{observed} had to fit, {threshold} was available",
    ReasonCode.LIMIT_TOLERATED: "{observed} had to fit, the limit itself left {threshold}",
    ReasonCode.ROLLING_AVERAGE_EXCEEDED: "{observed} on average is more than {threshold}",
    ReasonCode.ORDER_AMOUNT_EXCEEDED: "{observed} is more than {threshold} of the policy",
    ReasonCode.UTILISATION_REACHED: "{observed} of the limit would be used, from {threshold} on",
    ReasonCode.SCORE_TOO_LOW: "a score of {observed} is less than {threshold}",
    ReasonCode.SCORE_MISSING: "there is no score; it must be {threshold} at least",
    ReasonCode.FIRST_ORDER: "nothing was shipped yet, and {observed} would be owed",
    ReasonCode.APPROVAL_EXPIRED: "today is {observed}, it was approved until {threshold}",
    ReasonCode.LEDGER_STALE: "nothing from the ledger for {observed}, stale from {threshold} on",
    ReasonCode.OVERDUE_DAYS: "overdue for {observed}, at most {threshold}",
    ReasonCode.OVERDUE_AMOUNT: "{observed} is overdue, at most {threshold}",
    ReasonCode.OVERDUE_SHARE: "{observed} of the limit is overdue, at most {threshold}",
    ReasonCode.OLDEST_ITEM: "an unpaid invoice is {observed} old, at most {threshold}",
    ReasonCode.VELOCITY_COUNT: "{observed} lately with this one, at most {threshold}",
    ReasonCode.VELOCITY_AMOUNT: "{observed} ordered lately with this one, at most {threshold}",
    ReasonCode.FX_RATE_UNAVAILABLE: "there is no rate to the account's currency",
    ReasonCode.FX_RATE_STALE: "the rate is {observed} old, at most {threshold}",
    ReasonCode.SHARED_LIMIT_EXCEEDED: _TOGETHER,
    ReasonCode.SEGMENT_CAP_EXCEEDED: _TOGETHER,
    ReasonCode.TERMS_UPGRADED: "better terms than its own: due {observed}, not {threshold}",
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
    said = words.format(
        observed=observed, threshold=threshold, level=reason.level, hold_id=reason.hold_id
    )
    if reason.sold_to_account_id:
        said += f" ({reason.sold_to_account_id}, who orders)"
    notice = {Effect.NOTIFY: " (notice)", Effect.ALERT: " (alert)"}
    return f"{reason.code}: {said}{notice.get(reason.effect, '') if reason.effect else ''}"


def _measure(value: int | date | None, unit: ReasonUnit | None, currency: str) -> str:
    if unit is ReasonUnit.MINOR and isinstance(value, int):
        return amount(value, currency)
    return f"{value}{_UNITS.get(unit, '')}" if unit else str(value)


def hold_text(hold: Hold) -> str:
    """A hold for people, after its id."""
    source = f" by {hold.source}" if hold.source else ""
    until = f" until {time_text(hold.expire_time)}" if hold.expire_time else ""
    why = f": {hold.reason}" if hold.reason else ""
    return f"{hold.kind.value.lower()}{source}{until}{why}"


def temporary_limit_text(limit: TemporaryLimit, currency: str) -> str:
    """A temporary limit for people, after its id."""
    figure = amount(limit.amount_minor, currency)
    return f"{limit.kind.value.lower()} {figure}, {limit.first_date} to {limit.last_date}"


def rolling_limit_text(limit: RollingLimit, currency: str) -> str:
    """A hard cap for people, with the average that the account's limit is held against."""
    cap = f"{amount(limit.hard_cap_minor, currency)}, limit on average of {limit.days} days"
    if limit.average_minor is None:
        return cap
    return f"{cap}: {amount(limit.average_minor, currency)}"


def conditions_facts(of: Account | Position) -> list[tuple[str, str]]:
    """What stands beside an account's terms, a line each."""
    currency, rolling = of.currency, of.rolling_limit
    return [
        ("hard cap", rolling_limit_text(rolling, currency) if rolling else ""),
        *((f"hold {hold.hold_id}", hold_text(hold)) for hold in of.holds),
        *(
            (f"for a time {limit.limit_id}", temporary_limit_text(limit, currency))
            for limit in of.temporary_limits
        ),
    ]


def time_text(time: datetime | None) -> str:
    """A time for people, in UTC."""
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M:%S UTC")


def facts_grid(rows: Iterable[tuple[str, str]]) -> Table:
    """Names and values, one pair to a line; pairs without a value are left out."""
    grid = Table.grid(padding=(0, 2))
    # One width for all, because a command shows several of these below one another.
    grid.add_column(no_wrap=True, min_width=_NAME_WIDTH)
    grid.add_column(overflow="fold")
    for name, value in rows:
        if value:
            grid.add_row(Text(name, style="dim"), Text(value))
    return grid


def facts(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    """Prints names and values, as `facts_grid` sets them."""
    console.print(facts_grid(rows))


def table(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    folding: Sequence[str] = (),
) -> RenderableType:
    """A table, or its rows as lists one below the other where the console is too narrow for it.

    `numbers` are set to the right, `folding` may take several lines; nothing is ever cut off, as an
    amount or an id that lacks a part would be taken for another one.
    """
    cells = list(rows)
    made = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim")
    width = 0
    for place, name in enumerate(columns):
        widest = max(cell_len(text) for text in (name, *(row[place] for row in cells)))
        least = min(widest, _FOLDED_WIDTH) if name in folding else widest
        made.add_column(
            name,
            justify="right" if name in numbers else "left",
            no_wrap=name not in folding,
            overflow="fold",
            min_width=least,
        )
        width += least + _GAP
    if width > console.width:
        lists = [facts_grid(zip(columns, row, strict=True)) for row in cells]
        return Group(*(part for found in lists for part in (found, Text())))
    for row in cells:
        made.add_row(*(Text(cell) for cell in row))
    return made


def show_decision(console: Console, result: DecisionResult, currency: str) -> None:
    """A decision with its reasons and what credit there is."""
    style = _STYLES.get(result.decision, _REFUSED_STYLE)
    replayed = "  (the answer to an earlier request)" if result.replayed else ""
    console.print(Text(result.decision.value, style=style).append(replayed, style="dim"))
    of_account = result.account_currency or currency
    for reason in result.reasons:
        console.print(Text("  " + reason_text(reason, of_account)))
    facts(
        console,
        [
            ("available now", amount(result.available_minor, of_account, absent="unlimited")),
            ("which bounds", str(result.bound_by or "")),
            ("would have fitted", amount(result.fitting_amount_minor, currency)),
            *cure_facts(result.cure, of_account),
        ],
    )


def cure_facts(cure: Cure | None, currency: str) -> list[tuple[str, str]]:
    """What would help, a line each; `currency` is the account's."""
    if cure is None:
        return []
    paid = f"{cure.invoice_id}, {amount(cure.open_minor, currency)}" if cure.invoice_id else ""
    when = f"{cure.fits_from}, if all is paid on its due day" if cure.fits_from else ""
    return [("paying would do", paid), ("fits from", when)]


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
            ("contract", reservation.contract_id),
            ("terms asked for", reservation.terms_id),
            *counting_facts(reservation.counting),
        ],
    )


def counting_facts(counting: OrderCounting | None) -> list[tuple[str, str]]:
    """How an order counts that does not count as it is, for people."""
    if counting is None:
        return []
    currency, rate = counting.currency, counting.rate
    said = f"1 {rate.base_currency} = {rate.rate:f} {rate.currency}" if rate else ""
    counted = amount(counting.counted_minor, counting.account_currency)
    waits = f"{counted}, until its day of shipping comes near" if counting.waiting else counted
    return [
        ("order open", amount(counting.open_minor, currency)),
        ("order captured", amount(counting.captured_minor or None, currency)),
        ("counts", waits),
        ("does not count", amount(counting.excluded_minor or None, currency)),
        ("rate", f"{said}, {rate.source}, {time_text(rate.as_of)}" if rate else ""),
        ("ships", str(counting.ship_date or "")),
        ("sold to", counting.sold_to_account_id),
    ]


def invoice_facts(terms: InvoiceTerms, currency: str) -> list[tuple[str, str]]:
    """The dates and amounts of an invoice, for people."""
    rows = [("invoice date", str(terms.invoice_date)), ("due", str(terms.due_date))]
    if len(terms.instalments) > 1:
        rows += [
            ("instalment", f"{amount(part.amount_minor, currency)} due {part.due_date}")
            for part in terms.instalments
        ]
    for offer in terms.discounts:
        said = f"{amount(offer.amount_minor, currency)} off until {offer.discount_date}"
        if offer.granted_until != offer.discount_date:
            said += f", granted until {offer.granted_until}"
        rows.append(("discount", said))
    of = f" ({terms.source.value.lower()})" if terms.source else ""
    rows += [("overdue from", str(terms.overdue_date)), ("terms", f"{terms.terms_id}{of}")]
    if terms.beyond_calendar:
        rows.append(("note", "beyond the calendar's years: weekends alone counted"))
    return rows


def row_refused(error: ItemError) -> Failure:
    """The error that ends a command whose only row was refused."""
    # Most messages begin with the field already.
    named = not error.field or error.message.startswith(error.field)
    where = "" if named else f" (field {error.field})"
    return Failure(f"{error.reason}: {error.message}{where}")
