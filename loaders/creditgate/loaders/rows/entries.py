"""Ledger movements."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

from creditgate.client import Allocation, EntryKind, LedgerEntry
from creditgate.loaders.errors import RowError
from creditgate.loaders.fields import Amount, Currency, Id, Position, invalid, minor, typed
from creditgate.loaders.rows.kind import RowKind

ALLOCATIONS_MAX = 100

EntryKindName = Literal[
    "invoice", "payment", "credit_memo", "adjustment", "opening_balance", "dispute"
]

_SIGNED_KINDS = frozenset({"adjustment", "opening_balance"})
_ALLOCATED_KINDS = frozenset({"payment", "credit_memo"})


class EntryRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ledger movement."""

    entry_id: Id
    account_id: Id
    kind: EntryKindName
    amount: Amount
    currency: Currency
    invoice_id: Id | None = None
    order_id: Id | None = None
    issue_date: date | None = None
    due_date: date | None = None
    allocations: str | None = None
    position: Position | None = None


def entry_message(cells: Mapping[str, str]) -> LedgerEntry:
    """Raises RowError."""
    row = typed(cells, EntryRow)
    amount_minor = _entry_minor(row)
    allocations = _allocations(row, amount_minor)
    _check_references(row)
    return LedgerEntry(
        entry_id=row.entry_id,
        account_id=row.account_id,
        kind=EntryKind[row.kind.upper()],
        amount_minor=amount_minor,
        currency=row.currency,
        invoice_id=row.invoice_id or "",
        order_id=row.order_id or "",
        issue_date=row.issue_date,
        due_date=row.due_date,
        allocations=allocations,
        position=row.position or 0,
    )


def _entry_minor(row: EntryRow) -> int:
    amount_minor = minor("amount", row.amount, row.currency)
    if row.kind in _SIGNED_KINDS:
        if amount_minor == 0:
            raise invalid("amount", row.amount, f"must not be zero in an entry of kind {row.kind}")
    elif row.kind == "dispute":
        if amount_minor < 0:
            raise invalid("amount", row.amount, "must not be negative in an entry of kind dispute")
    elif amount_minor <= 0:
        raise invalid("amount", row.amount, f"must be above zero in an entry of kind {row.kind}")
    return amount_minor


def _check_references(row: EntryRow) -> None:
    if row.kind in {"invoice", "dispute"} and row.invoice_id is None:
        raise invalid("invoice_id", "", f"must not be empty in an entry of kind {row.kind}")
    if row.kind != "invoice" and row.order_id is not None:
        rule = f"must be empty in an entry of kind {row.kind}: invoices alone bill orders"
        raise invalid("order_id", row.order_id, rule)
    if row.invoice_id is not None and row.allocations is not None:
        raise invalid("invoice_id", row.invoice_id, "must be empty where allocations are given")


def _allocations(row: EntryRow, amount_minor: int) -> tuple[Allocation, ...]:
    text = row.allocations
    if text is None:
        return ()
    if row.kind not in _ALLOCATED_KINDS:
        raise invalid("allocations", text, f"must be empty in an entry of kind {row.kind}")
    parts = text.split(";")
    if len(parts) > ALLOCATIONS_MAX:
        rule = f"must name at most {ALLOCATIONS_MAX} invoices, names {len(parts)}"
        raise invalid("allocations", text, rule)
    allocations = tuple(_allocation(part, row.currency, text) for part in parts)
    if sum(allocation.amount_minor for allocation in allocations) > amount_minor:
        raise invalid("allocations", text, f"must in sum be at most the amount, {row.amount}")
    return allocations


def _allocation(part: str, currency: Currency, text: str) -> Allocation:
    """One INVOICE:AMOUNT; the last colon divides, since an invoice id may hold colons."""
    invoice_id, colon, amount = part.rpartition(":")
    if not colon:
        raise invalid("allocations", text, "must read INVOICE:AMOUNT;INVOICE:AMOUNT")
    try:
        typed({"invoice_id": invoice_id}, _InvoiceRef)
        amount_minor = minor("amount", amount, currency)
    except RowError as error:
        raise invalid("allocations", text, error.message) from error
    if amount_minor <= 0:
        raise invalid("allocations", text, "must name amounts above zero")
    return Allocation(invoice_id=invoice_id, amount_minor=amount_minor)


class _InvoiceRef(msgspec.Struct, frozen=True):
    invoice_id: Id


ENTRIES = RowKind(EntryRow, entry_message, {"amount_minor": "amount"})
