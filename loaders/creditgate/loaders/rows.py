"""The rows that `creditgate load` takes: one msgspec struct a file kind, and its wire message.

The names of the fields are the names of the columns; a field without a default is a required
column. What only the server can know (does the account exist, was the entry posted) is left to it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Generic, Literal, TypeVar

import msgspec

from creditgate.client import (
    AccountUpsert,
    Allocation,
    CreditLimit,
    EntryKind,
    ExchangeRate,
    LedgerEntry,
    LimitKind,
    NonWorkingDay,
    Segment,
    Terms,
    TermsAssignment,
    Verification,
    VerificationRecord,
)
from creditgate.client import terms as words
from creditgate.loaders.errors import RowError
from creditgate.loaders.fields import (
    Amount,
    Currency,
    Days,
    Id,
    Position,
    Score,
    Text,
    Words,
    invalid,
    minor,
    typed,
)

ALLOCATIONS_MAX = 100

ParsedT = TypeVar("ParsedT")

LimitKindName = Literal["amount", "unlimited", "no_credit", "inherit"]
BoundKindName = Literal["amount", "unlimited"]
NonWorkingDayName = Literal["keep", "next", "previous"]
DefaultLimitKindName = Literal["amount", "unlimited", "no_credit"]
EntryKindName = Literal["invoice", "payment", "credit_memo", "adjustment", "opening_balance"]

_RATE = re.compile(r"[0-9]{1,16}(\.[0-9]{1,12})?")
_SIGNED_KINDS = frozenset({"adjustment", "opening_balance"})
_ALLOCATED_KINDS = frozenset({"payment", "credit_memo"})


class AccountRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One account to create or to change; absent cells keep what the server has."""

    account_id: Id
    currency: Currency
    display_name: Text | None = None
    parent_account_id: Id | None = None
    segment_id: Id | None = None
    limit_kind: LimitKindName | None = None
    limit_amount: Amount | None = None
    limit_valid_until: date | None = None
    max_order_amount: Amount | None = None
    shared_limit_kind: BoundKindName | None = None
    shared_limit_amount: Amount | None = None


class LimitRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The limit of an account that exists."""

    account_id: Id
    currency: Currency
    limit_kind: LimitKindName
    limit_amount: Amount | None = None
    limit_valid_until: date | None = None
    max_order_amount: Amount | None = None
    shared_limit_kind: BoundKindName | None = None
    shared_limit_amount: Amount | None = None


class SegmentRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The default limit and the cap of a segment in one currency; absent cells keep what it has."""

    segment_id: Id
    currency: Currency
    limit_kind: DefaultLimitKindName | None = None
    limit_amount: Amount | None = None
    limit_valid_until: date | None = None
    cap_kind: BoundKindName | None = None
    cap_amount: Amount | None = None


class TermsRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Named payment terms, all of them: an absent cell is nothing."""

    terms_id: Id
    due: Words
    discounts: Words | None = None
    discount_grace_days: Days | None = None
    grace_days: Days | None = None
    calendar_id: Id | None = None
    non_working_day: NonWorkingDayName | None = None


class AssignmentRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terms for a segment, an account, or a contract of an account."""

    terms_id: Id
    segment_id: Id | None = None
    account_id: Id | None = None
    contract_id: Id | None = None


class VerificationRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a third party found out about a customer."""

    account_id: Id
    reference: Id
    source: Id
    date: date
    score: Score | None = None
    document_sha256: str | None = None


class RateRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one whole unit of a currency is worth in another."""

    base_currency: Currency
    currency: Currency
    rate: Words
    source: Id
    as_of: Words | None = None


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


def _limit(kind: str, row: AccountRow | LimitRow | SegmentRow) -> CreditLimit:
    amount_minor = _limit_amount_minor("limit", kind, row.limit_amount, row.currency)
    if kind == "inherit" and row.limit_valid_until is not None:
        day = row.limit_valid_until.isoformat()
        raise invalid("limit_valid_until", day, "must be empty with limit_kind inherit")
    return CreditLimit(LimitKind[kind.upper()], amount_minor, row.limit_valid_until)


def _limit_amount_minor(
    limit: str, kind: str, amount: Amount | None, currency: Currency
) -> int | None:
    column = f"{limit}_amount"
    if kind != "amount":
        if amount is not None:
            raise invalid(column, amount, f"must be empty with {limit}_kind {kind}")
        return None
    if amount is None:
        raise invalid(column, "", f"must not be empty with {limit}_kind amount")
    amount_minor = minor(column, amount, currency)
    if amount_minor < 0:
        raise invalid(column, amount, "must not be negative")
    return amount_minor


def _bound(
    limit: str, kind: BoundKindName | None, amount: Amount | None, currency: Currency
) -> CreditLimit | None:
    """A limit of several accounts together, or None when the row says nothing of it."""
    if kind is not None:
        amount_minor = _limit_amount_minor(limit, kind, amount, currency)
        return CreditLimit(LimitKind[kind.upper()], amount_minor)
    if amount is not None:
        raise invalid(f"{limit}_amount", amount, f"needs {limit}_kind amount")
    return None


def _shared_limit(row: AccountRow | LimitRow) -> CreditLimit | None:
    kind, amount = row.shared_limit_kind, row.shared_limit_amount
    return _bound("shared_limit", kind, amount, row.currency)


def _optional_limit(row: AccountRow | SegmentRow) -> CreditLimit | None:
    """The limit, or None when the row says nothing of it."""
    if row.limit_kind is not None:
        return _limit(row.limit_kind, row)
    if row.limit_amount is not None:
        raise invalid("limit_amount", row.limit_amount, "needs limit_kind amount")
    if row.limit_valid_until is not None:
        raise invalid("limit_valid_until", row.limit_valid_until.isoformat(), "needs a limit_kind")
    return None


def _max_order_minor(row: AccountRow | LimitRow) -> int | None:
    if row.max_order_amount is None:
        return None
    amount_minor = minor("max_order_amount", row.max_order_amount, row.currency)
    if amount_minor < 0:
        raise invalid("max_order_amount", row.max_order_amount, "must not be negative")
    return amount_minor


def account_message(cells: Mapping[str, str]) -> AccountUpsert:
    """Raises RowError."""
    row = typed(cells, AccountRow)
    return AccountUpsert(
        account_id=row.account_id,
        display_name=row.display_name,
        currency=row.currency,
        parent_account_id=row.parent_account_id,
        segment_id=row.segment_id,
        limit=_optional_limit(row),
        max_order_amount_minor=_max_order_minor(row),
        shared_limit=_shared_limit(row),
    )


def limit_message(cells: Mapping[str, str]) -> AccountUpsert:
    """Raises RowError."""
    row = typed(cells, LimitRow)
    return AccountUpsert(
        account_id=row.account_id,
        currency=row.currency,
        limit=_limit(row.limit_kind, row),
        max_order_amount_minor=_max_order_minor(row),
        shared_limit=_shared_limit(row),
    )


def segment_message(cells: Mapping[str, str]) -> Segment:
    """Raises RowError."""
    row = typed(cells, SegmentRow)
    default_limit = _optional_limit(row)
    cap = _bound("cap", row.cap_kind, row.cap_amount, row.currency)
    if default_limit is None and cap is None:
        raise invalid("limit_kind", "", "must not be empty without a cap_kind")
    return Segment(
        segment_id=row.segment_id, currency=row.currency, default_limit=default_limit, cap=cap
    )


def terms_message(cells: Mapping[str, str]) -> Terms:
    """Raises RowError."""
    row = typed(cells, TermsRow)
    day = row.non_working_day
    if (row.calendar_id is None) and day in {"next", "previous"}:
        raise invalid("non_working_day", str(day), "needs a calendar_id")
    if row.calendar_id is not None and day is None:
        raise invalid("non_working_day", "", "must not be empty with a calendar_id")
    return Terms(
        terms_id=row.terms_id,
        instalments=_in_words("due", row.due, words.parse_instalments),
        discounts=_in_words("discounts", row.discounts or "", words.parse_discounts),
        discount_grace_days=row.discount_grace_days or 0,
        grace_days=row.grace_days or 0,
        calendar_id=row.calendar_id or "",
        non_working_day=None if day is None else NonWorkingDay[day.upper()],
    )


def _in_words(field: str, text: str, parse: Callable[[str], ParsedT]) -> ParsedT:
    try:
        return parse(text)
    except ValueError as error:
        raise invalid(field, text, str(error).removeprefix(f"{text!r} ")) from error


def assignment_message(cells: Mapping[str, str]) -> TermsAssignment:
    """Raises RowError."""
    row = typed(cells, AssignmentRow)
    if (row.segment_id is None) == (row.account_id is None):
        rule = "must be empty where an account_id is given, and else not"
        raise invalid("segment_id", row.segment_id or "", rule)
    if row.contract_id is not None and row.account_id is None:
        raise invalid("contract_id", row.contract_id, "needs an account_id")
    return TermsAssignment(
        terms_id=row.terms_id,
        segment_id=row.segment_id or "",
        account_id=row.account_id or "",
        contract_id=row.contract_id or "",
    )


def verification_message(cells: Mapping[str, str]) -> VerificationRecord:
    """Raises RowError."""
    row = typed(cells, VerificationRow)
    digest = row.document_sha256 or ""
    if digest and not re.fullmatch("[0-9a-fA-F]{64}", digest):
        raise invalid("document_sha256", digest, "must be a SHA-256 in 64 hexadecimal digits")
    found = Verification(
        reference=row.reference,
        source=row.source,
        date=row.date,
        score=row.score,
        document_sha256=digest,
    )
    return VerificationRecord(account_id=row.account_id, verification=found)


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
    elif amount_minor <= 0:
        raise invalid("amount", row.amount, f"must be above zero in an entry of kind {row.kind}")
    return amount_minor


def _check_references(row: EntryRow) -> None:
    if row.kind == "invoice":
        if row.invoice_id is None:
            raise invalid("invoice_id", "", "must not be empty in an entry of kind invoice")
    elif row.order_id is not None:
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


def rate_message(cells: Mapping[str, str]) -> ExchangeRate:
    """Raises RowError."""
    row = typed(cells, RateRow)
    if row.base_currency == row.currency:
        raise invalid("currency", row.currency, "must be another one than base_currency")
    if not _RATE.fullmatch(row.rate) or not Decimal(row.rate):
        rule = "must be a decimal greater than zero, such as 1.0825"
        raise invalid("rate", row.rate, rule)
    as_of = None if row.as_of is None else _moment("as_of", row.as_of)
    return ExchangeRate(
        base_currency=row.base_currency,
        currency=row.currency,
        rate=Decimal(row.rate),
        source=row.source,
        as_of=as_of,
    )


def _moment(field: str, value: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise invalid(field, value, "must be a time like 2026-01-31T16:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


MessageT = TypeVar("MessageT")


@dataclass(frozen=True)
class RowKind(Generic[MessageT]):
    """One kind of file: its columns, and how a row of it becomes a message."""

    row: type[msgspec.Struct]
    message: Callable[[Mapping[str, str]], MessageT]
    columns_of_fields: Mapping[str, str]
    """The columns behind fields of the contract, where the names differ."""
    named_once: tuple[str, ...] = ()
    """The columns that say what a row sets, the first of them at fault when two rows of a file set
    the same: which of them stood would be a matter of which came last. Empty for rows that the
    server tells apart by an id of their own."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in the order of the documentation."""
        return tuple(field.name for field in msgspec.structs.fields(self.row))

    def column_of(self, field: str) -> str:
        """The column behind a field that the server names, e.g. `allocations[2].amount_minor`."""
        path = re.sub(r"\[\d+\]", "", field)
        if path in self.columns_of_fields:
            return self.columns_of_fields[path]
        head = path.partition(".")[0]
        return self.columns_of_fields.get(head, head)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns without which the file is refused."""
        return tuple(f.name for f in msgspec.structs.fields(self.row) if f.required)


_ACCOUNT_COLUMNS = {
    "limit": "limit_kind",
    "limit.kind": "limit_kind",
    "limit.amount_minor": "limit_amount",
    "limit.valid_until": "limit_valid_until",
    "max_order_amount_minor": "max_order_amount",
    "shared_limit": "shared_limit_kind",
    "shared_limit.kind": "shared_limit_kind",
    "shared_limit.amount_minor": "shared_limit_amount",
}
_SEGMENT_COLUMNS = {
    "default_limit": "limit_kind",
    "default_limit.kind": "limit_kind",
    "default_limit.amount_minor": "limit_amount",
    "default_limit.valid_until": "limit_valid_until",
    "cap": "cap_kind",
    "cap.kind": "cap_kind",
    "cap.amount_minor": "cap_amount",
}
ACCOUNTS = RowKind(AccountRow, account_message, _ACCOUNT_COLUMNS, ("account_id",))
LIMITS = RowKind(LimitRow, limit_message, _ACCOUNT_COLUMNS, ("account_id",))
SEGMENTS = RowKind(SegmentRow, segment_message, _SEGMENT_COLUMNS, ("segment_id", "currency"))
TERMS = RowKind(TermsRow, terms_message, {"instalments": "due"}, ("terms_id",))
ASSIGNMENTS = RowKind(
    AssignmentRow, assignment_message, {}, ("account_id", "contract_id", "segment_id")
)
VERIFICATIONS = RowKind(VerificationRow, verification_message, {}, ("account_id", "reference"))
RATES = RowKind(RateRow, rate_message, {}, ("base_currency", "currency"))
ENTRIES = RowKind(EntryRow, entry_message, {"amount_minor": "amount"})
