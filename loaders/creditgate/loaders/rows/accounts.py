"""Accounts, segments and limits."""

from collections.abc import Container, Mapping
from datetime import date
from typing import Literal

import msgspec

from creditgate.client import AccountUpsert, CreditLimit, LimitKind, Segment
from creditgate.loaders.fields import Amount, Currency, Id, Text, invalid, minor, typed
from creditgate.loaders.rows.kind import RowKind

LimitKindName = Literal["amount", "unlimited", "no_credit", "inherit"]
BoundKindName = Literal["amount", "unlimited"]
DefaultLimitKindName = Literal["amount", "unlimited", "no_credit"]


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


def account_message(cells: Mapping[str, str], said: Container[str] = ()) -> AccountUpsert:
    """`said`: columns whose absence says that there is none; of others it says nothing.

    Raises RowError.
    """
    row = typed(cells, AccountRow)
    return AccountUpsert(
        account_id=row.account_id,
        display_name=row.display_name,
        currency=row.currency,
        parent_account_id=row.parent_account_id or _none("parent_account_id", said),
        segment_id=row.segment_id or _none("segment_id", said),
        limit=_optional_limit(row),
        max_order_amount_minor=_max_order_minor(row),
        shared_limit=_shared_limit(row),
    )


def _none(column: str, said: Container[str]) -> str | None:
    return "" if column in said else None


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
