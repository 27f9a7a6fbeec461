"""The day's events: the rows of orders.csv, checked like the rows of any load."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Literal

import msgspec

from creditgate.loaders.errors import RowError
from creditgate.loaders.fields import Amount, Currency, Id, invalid, minor, typed
from creditgate.loaders.sources import Columns, CsvSource
from creditgate.loaders.tally import Tally
from demo.errors import DemoError, NothingToPlayError

Action = Literal["order", "change", "ship", "cancel", "invoice", "payment", "suspend", "reinstate"]

_NEEDS: dict[Action, tuple[str, ...]] = {
    "order": ("order_id", "amount"),
    "change": ("order_id", "amount"),
    "ship": ("order_id",),
    "cancel": ("order_id",),
    "invoice": ("invoice_id", "amount"),
    "payment": ("amount",),
    "suspend": (),
    "reinstate": (),
}


class OrderRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of orders.csv; what an action needs beyond the required columns is in `_NEEDS`."""

    time: time
    channel: Id
    action: Action
    account_id: Id
    currency: Currency
    order_id: Id | None = None
    amount: Amount | None = None
    invoice_id: Id | None = None
    allow_partial: Literal["yes", "no"] = "no"


ORDER_COLUMNS = tuple(field.name for field in msgspec.structs.fields(OrderRow))
_REQUIRED = tuple(field.name for field in msgspec.structs.fields(OrderRow) if field.required)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens. An absent amount means all that is open; absent ids are empty."""

    line: int
    time: time
    channel: str
    action: Action
    account_id: str
    currency: str
    order_id: str
    amount_minor: int | None
    invoice_id: str
    allow_partial: bool

    @property
    def thread(self) -> tuple[str, str]:
        """Events of one thread happen one after another: those of one order, or else of one account
        outside of its orders."""
        return self.account_id, self.order_id

    @property
    def required_minor(self) -> int:
        """The amount, for an action that cannot be without one."""
        assert self.amount_minor is not None, self
        return self.amount_minor


def read(path: Path) -> list[Event]:
    """The day in order of time, equal times in the order of the file.

    Raises FileError when the file cannot be read, DemoError that names the rows that break a rule,
    NothingToPlayError when there are none at all."""
    events = []
    tally = Tally(())
    with CsvSource(path, Columns(ORDER_COLUMNS, _REQUIRED)) as source:
        for row in source:
            try:
                if row.problem is not None:
                    raise row.problem
                events.append(_event(row.line, source.named(row)))
            except RowError as error:
                tally.add_rejection(row.line, error)
    if tally.rejected:
        rows = "1 row breaks" if tally.rejected == 1 else f"{tally.rejected:,} rows break"
        told = "\n".join(f"  {line}" for line in tally.rejected_lines())
        raise DemoError(f"{path}: {rows} a rule:\n{told}")
    if not events:
        raise NothingToPlayError(f"{path} holds no events: there is nothing to play")
    return sorted(events, key=lambda event: event.time)


def _event(line: int, cells: Mapping[str, str]) -> Event:
    row = typed(cells, OrderRow)
    for column in _NEEDS[row.action]:
        if column not in cells:
            raise invalid(column, "", f"must not be empty with action {row.action}")
    return Event(
        line=line,
        time=row.time,
        channel=row.channel,
        action=row.action,
        account_id=row.account_id,
        currency=row.currency,
        order_id=row.order_id or "",
        amount_minor=_amount_minor(row),
        invoice_id=row.invoice_id or "",
        allow_partial=row.allow_partial == "yes",
    )


def _amount_minor(row: OrderRow) -> int | None:
    if row.amount is None:
        return None
    amount_minor = minor("amount", row.amount, row.currency)
    if row.action == "change":
        if amount_minor < 0:  # an order may be changed to nothing
            raise invalid("amount", row.amount, "must not be negative with action change")
    elif amount_minor <= 0:
        raise invalid("amount", row.amount, f"must be above zero with action {row.action}")
    return amount_minor
