"""How positions look to people."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from rich.console import Console, RenderableType

from creditgate.client import (
    AccountStatus,
    Client,
    LimitKind,
    LimitSource,
    Position,
    ServerError,
    SharedPosition,
)
from creditgate.client.cli._output import (
    amount,
    conditions_facts,
    facts_grid,
    limit_text,
    table,
)

_COLUMNS = ("account", "currency", "limit", "exposure", "available", "used", "takes orders")

_SOURCES = {
    LimitSource.ACCOUNT: "the account",
    LimitSource.SEGMENT: "the segment",
    LimitSource.NONE: "nowhere: there is nothing to inherit",
    LimitSource.OVERRIDE: "an override of today",
    LimitSource.UNVERIFIED: "nobody: none was approved on a verification",
}


def positions_view(console: Console, positions: Sequence[Position], today: date) -> RenderableType:
    """One position as a list, several as a table. `today`: as `today_for` tells it."""
    if len(positions) == 1:
        return _list(positions[0], today)
    return table(
        console,
        _COLUMNS,
        [_row(position, today) for position in positions],
        numbers=_COLUMNS[2:6],
        folding=("takes orders",),
    )


def today_for(client: Client, positions: Sequence[Position]) -> date:
    """The server's business date (UTC), by which limits expire.

    Asks the server only where a limit has an end: a manual clock may stand on another day.
    """
    if any(position.effective_limit.valid_until for position in positions):
        try:
            return client.get_time().astimezone(UTC).date()
        except ServerError:
            pass  # it follows the system's clock
    return datetime.now(UTC).date()


def no_orders_because(position: Position, today: date) -> str:
    """Why no order is accepted, whatever is available; empty where one may be."""
    limit = position.effective_limit
    if position.status in (AccountStatus.SUSPENDED, AccountStatus.CLOSED):
        return position.status.value.lower()
    if position.holds:
        return "on hold"
    if limit.kind is LimitKind.NO_CREDIT:
        return "no credit"
    last = position.last_order_date or limit.valid_until
    if last and last < today:
        return "limit expired"
    rolling = position.rolling_limit
    average_minor = rolling.average_minor if rolling else None
    if average_minor is not None and limit.amount_minor is not None:
        return "limit exceeded on average" if average_minor > limit.amount_minor else ""
    return ""


def _list(position: Position, today: date) -> RenderableType:
    def text(minor: int | None) -> str:
        return amount(minor, position.currency, absent="unlimited")

    barred = no_orders_because(position, today)
    available = text(position.available_minor)
    return facts_grid(
        [
            ("account", position.account_id),
            ("status", position.status.value),
            ("limit", limit_text(position.effective_limit, position.currency)),
            ("limit set by", _SOURCES.get(position.limit_source, "")),
            ("orders until", _orders_until(position)),
            ("outstanding", text(position.outstanding_minor)),
            ("captured", text(position.captured_minor)),
            ("reserved", text(position.reserved_minor)),
            ("exposure", text(position.exposure_minor)),
            ("disputed", text(position.disputed_minor or None)),
            ("available", f"{available} (takes no orders: {barred})" if barred else available),
            ("which bounds", str(position.bound_by or "")),
            ("used", utilisation_text(position)),
            *((str(group.level), _group_text(group, text)) for group in position.shared),
            *conditions_facts(position),
        ]
    )


def _orders_until(position: Position) -> str:
    """Where days of grace follow the last day of the limit: until when orders are taken."""
    last = position.last_order_date
    return "" if last in (None, position.effective_limit.valid_until) else str(last)


def _group_text(group: SharedPosition, text: Callable[[int | None], str]) -> str:
    if group.limit_minor is None:
        return f"exposure {text(group.exposure_minor)}, no limit together"
    return f"exposure {text(group.exposure_minor)} of {text(group.limit_minor)}"


def _row(position: Position, today: date) -> list[str]:
    # The currency has a column of its own, so that the figures fit into 80 columns.
    def figure(minor: int | None, absent: str) -> str:
        text = amount(minor, position.currency, absent=absent)
        return text.removesuffix(f" {position.currency}")

    limit = position.effective_limit
    barred = no_orders_because(position, today)
    return [
        position.account_id,
        position.currency,
        figure(limit.amount_minor, limit.kind.value.lower().replace("_", " ")),
        figure(position.exposure_minor, ""),
        figure(position.available_minor, "unlimited"),
        utilisation_text(position),
        f"no: {barred}" if barred else "yes",
    ]


def utilisation_text(position: Position) -> str:
    """Utilisation in percent with one decimal, cut off and never rounded up to the next."""
    share = position.utilisation
    if share is None:
        return ""
    tenths = abs(share.numerator) * 1000 // share.denominator
    sign = "-" if share < 0 and tenths else ""
    return f"{sign}{tenths // 10}.{tenths % 10} %"
