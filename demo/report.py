"""What the demo prints: tables that are true, and narrow enough for a page."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from creditgate.client import CaptureResult, Decision, Position, ReasonCode, money
from demo.play import IN_FLIGHT_MAX, DayLog
from demo.positions import Difference, Totals, totals

PAGE_WIDTH = 100
MOST_USED = 12
BAR_CELLS = 24
DIFFERENCES_SHOWN_MAX = 20

NOTHING_OPEN_SAYS = (
    "NOTHING_OPEN: all that was reserved for the order was already shipped, cancelled or expired"
)

_OUTCOMES = (
    (Decision.APPROVED, "green"),
    (Decision.PARTIALLY_APPROVED, "yellow"),
    (Decision.REFERRED, "magenta"),
    (Decision.DECLINED, "red"),
    (Decision.UNKNOWN, "red"),
)


def make_console() -> Console:
    """A console as wide as the terminal; of a fixed width where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=PAGE_WIDTH, highlight=False)


def _table(*columns: str) -> Table:
    """The first column holds words, the others numbers."""
    table = Table()
    table.add_column(columns[0])
    for column in columns[1:]:
        # On a narrow terminal words make room, never numbers.
        table.add_column(column, justify="right", no_wrap=True)
    return table


def day(
    console: Console, log: DayLog, before: Mapping[str, Position], after: Mapping[str, Position]
) -> None:
    """Prints what the day brought; `before` and `after` are the positions of all accounts."""
    in_flight = f"{IN_FLIGHT_MAX} calls in flight"
    followed = follow_ups(log)
    for title, table in (
        ("Orders by channel and outcome", orders(log)),
        ("Why orders were not approved in full: one counts under each of its reasons",
         reasons(log)),
        ("What followed the orders", followed),
        (f"The {MOST_USED} most used accounts: utilisation is exposure / effective limit",
         most_used(after)),
        ("Exposure before and after: outstanding + captured + reserved",
         exposure(totals(before), totals(after))),
        (f"Latency in ms, as clients on this machine saw it with {in_flight}", latency(log)),
    ):  # fmt: skip
        console.print(f"\n{title}", style="bold")
        console.print(table)
        if table is followed and any(reason == "NOTHING_OPEN" for _, reason in log.refused):
            console.print(NOTHING_OPEN_SAYS, style="dim")
    if log.shipped is not None:
        shipment(console, log.shipped)


def shipment(console: Console, shipped: CaptureResult) -> None:
    """Prints when one shipped order is due, and what is taken off for paying early."""
    found, held = shipped.terms, shipped.reservation
    assert found is not None
    captured = money.format(shipped.captured_amount_minor, held.currency, group=True)
    said = f"{captured} {held.currency} shipped: due {found.due_date} under {found.terms_id}"
    for offer in found.discounts:
        off = money.format(offer.amount_minor, held.currency, group=True)
        said += f"; {off} less if paid by {offer.discount_date}"
    console.print(f"\nOne shipment, {held.order_id} of {held.account_id}", style="bold")
    console.print(f"  {said}", markup=False, soft_wrap=True)


def orders(log: DayLog) -> Table:
    """Orders by channel and outcome."""
    outcomes = [(d, style) for d, style in _OUTCOMES if any(k[1] is d for k in log.orders)]
    heads = [d.replace("_", " ").lower() for d, _ in outcomes]
    table = _table("channel", "orders", *heads)
    for column, (_, style) in zip(table.columns[2:], outcomes, strict=True):
        column.style = style
    refused: Counter[str] = Counter()
    for (_, channel), count in log.orders_refused.items():
        refused[channel] += count
    if refused:
        table.add_column("refused", justify="right", style="red", no_wrap=True)
    sums: Counter[int] = Counter()
    for channel in sorted({channel for channel, _ in log.orders} | refused.keys()):
        counts = [log.orders[channel, decision] for decision, _ in outcomes]
        if refused:
            counts.append(refused[channel])
        sums.update(dict(enumerate(counts)))
        table.add_row(channel, *map(_count, [sum(counts), *counts]))
    table.add_section()
    every = [sums[place] for place in range(len(table.columns) - 2)]
    table.add_row("all", *map(_count, [sum(every), *every]), style="bold")
    return table


def reasons(log: DayLog) -> Table:
    """Rules that orders violated, in order of precedence, then errors, by channel."""
    found = log.reasons + log.orders_refused
    channels = sorted({channel for _, channel in found})
    table = _table("reason", *channels, "all")
    for code in [*ReasonCode, *sorted({reason for reason, _ in log.orders_refused})]:
        counts = [found[code, channel] for channel in channels]
        if any(counts):
            table.add_row(code, *map(_count, [*counts, sum(counts)]))
    return table


def follow_ups(log: DayLog) -> Table:
    """All that is no new order: what took effect, and what did not and why."""
    table = _table("event", "outcome", "count")
    table.columns[1].justify = "left"
    lines: Counter[tuple[str, str]] = Counter()
    for (action, decision), count in log.changes.items():
        # A shipment or cancellation within what is reserved is no matter of approval.
        done = decision is Decision.APPROVED and action != "change"
        lines[action, "done" if done else decision.replace("_", " ").lower()] += count
    for action, count in log.done.items():
        lines[action, "done"] += count
    for (action, reason), count in log.refused.items():
        lines[action, f"refused: {reason}"] += count
    for action, count in log.skipped.items():
        lines[action, "left out: its order was not taken"] += count
    for (action, outcome), count in sorted(lines.items()):
        table.add_row(action, outcome, _count(count))
    return table


def most_used(positions: Mapping[str, Position]) -> Table:
    """The accounts of highest utilisation, among those whose limit is an amount above zero."""
    table = _table("account", "exposure", "limit", "available", "%")
    table.add_column("utilisation", max_width=BAR_CELLS)
    used = [(p.utilisation, p) for p in positions.values() if p.utilisation is not None]
    for utilisation, position in sorted(used, key=lambda pair: pair[0], reverse=True)[:MOST_USED]:
        limit_minor, available_minor = (
            position.effective_limit.amount_minor,
            position.available_minor,
        )
        assert limit_minor is not None
        assert available_minor is not None
        percent = int(utilisation * 100)
        style = "red" if percent >= 100 else "yellow" if percent >= 80 else "green"
        table.add_row(
            f"{position.account_id} {position.currency}",
            *(
                money.format(amount, position.currency, group=True)
                for amount in (position.exposure_minor, limit_minor, available_minor)
            ),
            str(percent),
            Bar(100, 0, percent, color=style),
        )
    return table


def exposure(before: Mapping[str, Totals], after: Mapping[str, Totals]) -> Table:
    """Exposure by currency, before the day and after it."""
    table = _table("currency", "outstanding", "captured", "reserved", "exposure")
    for currency in sorted({*before, *after}):
        for when, sums in (("before", before), ("after", after)):
            total = sums.get(currency, Totals())
            amounts = (
                total.outstanding_minor,
                total.captured_minor,
                total.reserved_minor,
                total.exposure_minor,
            )
            texts = (money.format(amount, currency, group=True) for amount in amounts)
            table.add_row(f"{currency} {when}", *texts)
        table.add_section()
    return table


def latency(log: DayLog) -> Table:
    """How long calls took, as their callers saw it."""
    table = _table("call", "calls", "p50", "p99", "max")
    for action, seconds in sorted(log.seconds.items()):
        table.add_row(action, *_latency_cells(seconds))
    table.add_section()
    everything = [second for seconds in log.seconds.values() for second in seconds]
    if everything:
        table.add_row("all", *_latency_cells(everything), style="bold")
    return table


def _latency_cells(seconds: Sequence[float]) -> Iterable[str]:
    ranked = sorted(seconds)
    yield _count(len(ranked))
    for percent in (50, 99, 100):
        # Nearest rank: a time that some call really took.
        rank = max(1, -(-len(ranked) * percent // 100))
        yield f"{ranked[rank - 1] * 1_000:.1f}"


def difference_table(found: Sequence[Difference]) -> Table:
    """Counters that are not what they were; the first few."""
    table = _table("account", "counter", "before", "after")
    for difference in found[:DIFFERENCES_SHOWN_MAX]:
        table.add_row(
            difference.account_id,
            difference.counter,
            str(difference.before),
            str(difference.after),
        )
    if len(found) > DIFFERENCES_SHOWN_MAX:
        table.add_row(f"and {len(found) - DIFFERENCES_SHOWN_MAX} more", "", "", "")
    return table


def _count(number: int) -> str:
    return f"{number:,}" if number else "·"
