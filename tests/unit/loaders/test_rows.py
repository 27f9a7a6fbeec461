"""Rows become messages exactly, or are refused with the column, the value and the rule."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from creditgate.client import (
    AccountUpsert,
    Allocation,
    CreditLimit,
    EntryKind,
    LedgerEntry,
    LimitKind,
    Segment,
)
from creditgate.loaders import rows
from creditgate.loaders.errors import RowError
from creditgate.loaders.rows import RowKind

ACCOUNT = {"account_id": "A1", "currency": "EUR"}
LIMIT = ACCOUNT | {"limit_kind": "unlimited"}
SEGMENT = {"segment_id": "S1", "currency": "EUR", "limit_kind": "no_credit"}
ENTRY = {
    "entry_id": "E1",
    "account_id": "A1",
    "kind": "payment",
    "amount": "10.00",
    "currency": "EUR",
}
INVOICE = ENTRY | {"kind": "invoice", "invoice_id": "I1"}

KINDS: dict[str, tuple[RowKind[Any], Mapping[str, str]]] = {
    "accounts": (rows.ACCOUNTS, ACCOUNT),
    "limits": (rows.LIMITS, LIMIT),
    "segments": (rows.SEGMENTS, SEGMENT),
    "entries": (rows.ENTRIES, ENTRY),
}


def refused(kind: RowKind[Any], cells: Mapping[str, str]) -> RowError:
    with pytest.raises(RowError) as caught:
        kind.message(cells)
    return caught.value


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, AccountUpsert(account_id="A1", currency="EUR")),
        (
            {
                "display_name": "Bäckerei Ost",
                "parent_account_id": "親会社",
                "segment_id": "S",
                "limit_kind": "amount",
                "limit_amount": "1234.5",
                "limit_valid_until": "2030-12-31",
                "max_order_amount": "0",
                "shared_limit_kind": "amount",
                "shared_limit_amount": "0",
            },
            AccountUpsert(
                account_id="A1",
                currency="EUR",
                display_name="Bäckerei Ost",
                parent_account_id="親会社",
                segment_id="S",
                limit=CreditLimit.of(123_450, valid_until=date(2030, 12, 31)),
                max_order_amount_minor=0,
                shared_limit=CreditLimit.of(0),
            ),
        ),
        (
            {"limit_kind": "amount", "limit_amount": "0"},
            AccountUpsert(account_id="A1", currency="EUR", limit=CreditLimit.of(0)),
        ),
        (
            {"currency": "JPY", "limit_kind": "amount", "limit_amount": "1500"},
            AccountUpsert(account_id="A1", currency="JPY", limit=CreditLimit.of(1500)),
        ),
        (
            {"currency": "KWD", "limit_kind": "amount", "limit_amount": "1.5"},
            AccountUpsert(account_id="A1", currency="KWD", limit=CreditLimit.of(1500)),
        ),
        (
            {"limit_kind": "unlimited"},
            AccountUpsert(account_id="A1", currency="EUR", limit=CreditLimit.unlimited()),
        ),
        (
            {"limit_kind": "no_credit"},
            AccountUpsert(account_id="A1", currency="EUR", limit=CreditLimit.no_credit()),
        ),
        (
            {"limit_kind": "inherit"},
            AccountUpsert(account_id="A1", currency="EUR", limit=CreditLimit.inherit()),
        ),
    ],
)
def test_account_rows(cells: dict[str, str], expected: AccountUpsert) -> None:
    assert rows.ACCOUNTS.message(ACCOUNT | cells) == expected


def test_limit_rows() -> None:
    cells = LIMIT | {"limit_kind": "amount", "limit_amount": "9.99", "max_order_amount": "5"}
    assert rows.LIMITS.message(cells) == AccountUpsert(
        account_id="A1", currency="EUR", limit=CreditLimit.of(999), max_order_amount_minor=500
    )
    cells = LIMIT | {"limit_kind": "inherit", "shared_limit_kind": "unlimited"}
    assert rows.LIMITS.message(cells) == AccountUpsert(
        account_id="A1",
        currency="EUR",
        limit=CreditLimit.inherit(),
        shared_limit=CreditLimit.unlimited(),
    )


def test_segment_rows() -> None:
    assert rows.SEGMENTS.message(SEGMENT) == Segment(
        segment_id="S1", currency="EUR", default_limit=CreditLimit(LimitKind.NO_CREDIT)
    )
    cells = {"segment_id": "S1", "currency": "EUR", "cap_kind": "amount", "cap_amount": "0"}
    assert rows.SEGMENTS.message(cells) == Segment(
        segment_id="S1", currency="EUR", cap=CreditLimit.of(0)
    )
    error = refused(rows.SEGMENTS, {"segment_id": "S1", "currency": "EUR"})
    assert "must not be empty without a cap_kind" in error.message


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (
            {
                "kind": "invoice",
                "invoice_id": "I1",
                "order_id": "O1",
                "issue_date": "2024-02-29",
                "due_date": "2024-03-30",
                "position": "18446744073709551615",
            },
            LedgerEntry(
                entry_id="E1",
                account_id="A1",
                kind=EntryKind.INVOICE,
                amount_minor=1000,
                currency="EUR",
                invoice_id="I1",
                order_id="O1",
                issue_date=date(2024, 2, 29),
                due_date=date(2024, 3, 30),
                position=2**64 - 1,
            ),
        ),
        (
            {"allocations": "I1:4.00;a:b:6"},
            LedgerEntry(
                entry_id="E1",
                account_id="A1",
                kind=EntryKind.PAYMENT,
                amount_minor=1000,
                currency="EUR",
                allocations=(Allocation("I1", 400), Allocation("a:b", 600)),
            ),
        ),
        (
            {"kind": "adjustment", "amount": "-0.01"},
            LedgerEntry(
                entry_id="E1",
                account_id="A1",
                kind=EntryKind.ADJUSTMENT,
                amount_minor=-1,
                currency="EUR",
            ),
        ),
        (
            {"kind": "dispute", "amount": "0.00", "invoice_id": "I1"},
            LedgerEntry(
                entry_id="E1",
                account_id="A1",
                kind=EntryKind.DISPUTE,
                amount_minor=0,
                currency="EUR",
                invoice_id="I1",
            ),
        ),
        (
            {"kind": "opening_balance", "amount": "-10000000000000000.00"},
            LedgerEntry(
                entry_id="E1",
                account_id="A1",
                kind=EntryKind.OPENING_BALANCE,
                amount_minor=-(10**18),
                currency="EUR",
            ),
        ),
    ],
)
def test_entry_rows(cells: dict[str, str], expected: LedgerEntry) -> None:
    assert rows.ENTRIES.message(ENTRY | cells) == expected


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_required_column_must_be_filled(kind: str) -> None:
    row_kind, cells = KINDS[kind]
    assert row_kind.message(cells)
    for column in row_kind.required:
        error = refused(row_kind, {k: v for k, v in cells.items() if k != column})
        assert (error.field, error.value, error.reason) == (column, "", "FIELD_INVALID")
        assert error.message == f"{column} '': must not be empty"


@pytest.mark.parametrize(
    ("kind", "cells", "column", "rule"),
    [
        # ids: 1 to 64 bytes in any script, without control characters
        ("accounts", {"account_id": "x" * 65}, "account_id", "at most 64 bytes of UTF-8, is 65"),
        ("accounts", {"account_id": "親" * 22}, "account_id", "at most 64 bytes of UTF-8, is 66"),
        ("accounts", {"account_id": "a\x00"}, "account_id", "must not contain control characters"),
        ("accounts", {"account_id": "a\x85"}, "account_id", "must not contain control characters"),
        ("accounts", {"account_id": "a\udcff"}, "account_id", "must be UTF-8"),
        ("accounts", {"segment_id": "\t"}, "segment_id", "must not contain control characters"),
        ("accounts", {"display_name": "ü" * 101}, "display_name", "at most 200 bytes"),
        # currencies
        ("accounts", {"currency": "eur"}, "currency", "must be three capital letters"),
        ("accounts", {"currency": "EURO"}, "currency", "must be three capital letters"),
        ("accounts", {"currency": "XAU"}, "currency", "has no minor unit"),
        # limits
        ("accounts", {"limit_kind": "Amount"}, "limit_kind", "must be one of amount, "),
        ("accounts", {"limit_kind": "amount"}, "limit_amount", "must not be empty with limit_kind"),
        ("accounts", {"limit_amount": "5"}, "limit_amount", "needs limit_kind amount"),
        (
            "accounts",
            {"limit_valid_until": "2030-01-01"},
            "limit_valid_until",
            "needs a limit_kind",
        ),
        (
            "accounts",
            {"limit_kind": "unlimited", "limit_amount": "5"},
            "limit_amount",
            "must be empty with limit_kind unlimited",
        ),
        (
            "accounts",
            {"limit_kind": "amount", "limit_amount": "-0.01"},
            "limit_amount",
            "must not be negative",
        ),
        (
            "accounts",
            {"limit_kind": "inherit", "limit_valid_until": "2030-01-01"},
            "limit_valid_until",
            "must be empty with limit_kind inherit",
        ),
        ("accounts", {"max_order_amount": "-1"}, "max_order_amount", "must not be negative"),
        ("segments", {"limit_kind": "inherit"}, "limit_kind", "must be one of amount, "),
        ("segments", {"cap_amount": "1"}, "cap_amount", "needs cap_kind amount"),
        (
            "accounts",
            {"shared_limit_amount": "1"},
            "shared_limit_amount",
            "needs shared_limit_kind",
        ),
        ("accounts", {"shared_limit_kind": "no_credit"}, "shared_limit_kind", "must be one of"),
        ("limits", {"shared_limit_kind": "amount"}, "shared_limit_amount", "must not be empty"),
        (
            "limits",
            {"shared_limit_kind": "amount", "shared_limit_amount": "-1"},
            "shared_limit_amount",
            "must not be negative",
        ),
        (
            "accounts",
            {"shared_limit_kind": "unlimited", "shared_limit_amount": "1"},
            "shared_limit_amount",
            "must be empty with shared_limit_kind unlimited",
        ),
        # dates
        (
            "limits",
            {"limit_valid_until": "2023-02-29"},
            "limit_valid_until",
            "must be a date, YYYY-MM-DD",
        ),
        ("limits", {"limit_valid_until": "1.2.24"}, "limit_valid_until", "must be a date"),
        ("entries", {"due_date": "2024-01-01T00:00:00"}, "due_date", "must be a date"),
        # amounts: exact in the row's currency
        ("entries", {"amount": "0"}, "amount", "must be above zero in an entry of kind payment"),
        ("entries", {"amount": "-5"}, "amount", "must be above zero in an entry of kind payment"),
        ("entries", {"amount": "1.005"}, "amount", "EUR has 2 decimals"),
        ("entries", {"amount": "1.5", "currency": "JPY"}, "amount", "JPY has 0 decimals"),
        ("entries", {"amount": "1,5"}, "amount", "must be digits with at most one decimal point"),
        ("entries", {"amount": "1e3"}, "amount", "must be digits"),
        ("entries", {"amount": "NaN"}, "amount", "must be digits"),
        ("entries", {"amount": "10000000000000000.01"}, "amount", "must be at most"),
        ("entries", {"amount": "9" * 5000}, "amount", "must be at most"),
        ("entries", {"kind": "adjustment", "amount": "0"}, "amount", "must not be zero"),
        ("entries", {"kind": "dispute", "amount": "-0.01"}, "amount", "must not be negative"),
        ("entries", {"kind": "dispute", "amount": "1"}, "invoice_id", "must not be empty in an"),
        # what belongs to the kind of entry
        ("entries", {"kind": "refund"}, "kind", "must be one of adjustment, credit_memo, "),
        ("entries", {"kind": "invoice"}, "invoice_id", "must not be empty in an entry of kind"),
        ("entries", {"order_id": "O1"}, "order_id", "must be empty in an entry of kind payment"),
        (
            "entries",
            {"invoice_id": "I1", "allocations": "I1:1"},
            "invoice_id",
            "must be empty where allocations are given",
        ),
        ("entries", {"position": "-1"}, "position", "whole number"),
        ("entries", {"position": "1.0"}, "position", "whole number"),
        ("entries", {"position": "18446744073709551616"}, "position", "whole number"),
        ("entries", {"allocations": "I1"}, "allocations", "must read INVOICE:AMOUNT"),
        ("entries", {"allocations": "I1:1;"}, "allocations", "must read INVOICE:AMOUNT"),
        ("entries", {"allocations": ":1"}, "allocations", "must not be empty"),
        ("entries", {"allocations": "I1:x"}, "allocations", "must be digits"),
        ("entries", {"allocations": "I1:0"}, "allocations", "must name amounts above zero"),
        ("entries", {"allocations": "I1:6;I2:4.01"}, "allocations", "in sum be at most the amount"),
        ("entries", {"allocations": ";".join(["I:0.01"] * 101)}, "allocations", "names 101"),
    ],
)
def test_refused_rows(kind: str, cells: dict[str, str], column: str, rule: str) -> None:
    row_kind, valid = KINDS[kind]
    error = refused(row_kind, {**valid, **cells})
    assert (error.field, error.reason) == (column, "FIELD_INVALID")
    assert error.value == cells.get(column, "")
    assert error.message.startswith(f"{column} {error.value!r}: ")
    assert rule in error.message


def test_allocations_belong_to_payments_and_credit_memos() -> None:
    error = refused(rows.ENTRIES, INVOICE | {"allocations": "I1:1"})
    assert error.field == "allocations"
    assert "must be empty in an entry of kind invoice" in error.message
    memo = rows.ENTRIES.message(ENTRY | {"kind": "credit_memo", "allocations": "I1:1"})
    assert memo.allocations == (Allocation("I1", 100),)


def test_a_hundred_allocations_and_ids_of_64_bytes_are_taken() -> None:
    longest = "x" * 64
    cells = ENTRY | {"entry_id": longest, "allocations": ";".join([f"{longest}:0.01"] * 100)}
    assert len(rows.ENTRIES.message(cells).allocations) == 100


@pytest.mark.parametrize(
    ("kind", "field", "column"),
    [
        ("accounts", "limit.amount_minor", "limit_amount"),
        ("accounts", "limit", "limit_kind"),
        ("accounts", "max_order_amount_minor", "max_order_amount"),
        ("accounts", "parent_account_id", "parent_account_id"),
        ("accounts", "shared_limit.amount_minor", "shared_limit_amount"),
        ("segments", "default_limit.valid_until", "limit_valid_until"),
        ("segments", "cap.kind", "cap_kind"),
        ("entries", "amount_minor", "amount"),
        ("entries", "allocations[2].amount_minor", "allocations"),
        ("entries", "", ""),
    ],
)
def test_fields_of_the_contract_are_told_as_columns(kind: str, field: str, column: str) -> None:
    assert KINDS[kind][0].column_of(field) == column
