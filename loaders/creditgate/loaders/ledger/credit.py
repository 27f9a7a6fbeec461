"""A ledger's credit data as analyses read it: relations of known columns over a company's tables.

The section [credit] of the mapping file says which table or view each relation is and what each of
its columns is there; reference.toml has that of the reference ledger. Nothing is written.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from creditgate.loaders.errors import FileError


class Relation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table, a view or a query in brackets; each column is an SQL expression over its row r."""

    table: str
    columns: dict[str, str]
    join: str = ""


class _Shape(msgspec.Struct, frozen=True):
    """The columns of a relation with their types in SQL; those that may be left out are NULL."""

    required: Mapping[str, str]
    optional: Mapping[str, str] = {}

    @property
    def columns(self) -> Mapping[str, str]:
        return {**self.required, **self.optional}


SHAPES: Final[Mapping[str, _Shape]] = {
    "customers": _Shape(
        {"account_id": "text", "currency": "text"},
        {"display_name": "text", "parent_account_id": "text", "terms_id": "text"},
    ),
    "terms": _Shape(
        {"terms_id": "text", "due": "text"}, {"calendar_id": "text", "non_working_day": "text"}
    ),
    "contracts": _Shape(
        {"account_id": "text", "contract_id": "text", "terms_id": "text"},
        {"first_date": "date", "last_date": "date"},
    ),
    "limits": _Shape(
        {"account_id": "text", "limit_kind": "text", "limit_amount": "numeric"},
        {"reviewed_on": "date"},
    ),
    "invoices": _Shape(
        {
            "invoice_id": "text",
            "account_id": "text",
            "currency": "text",
            "amount": "numeric",
            "issue_date": "date",
            "due_date": "date",
        },
        {"terms_id": "text"},
    ),
    "payments": _Shape(
        {
            "payment_id": "text",
            "account_id": "text",
            "currency": "text",
            "amount": "numeric",
            "received_on": "date",
        },
    ),
    # Whatever makes an invoice smaller: payment, credit (a memo, a correction) or write_off.
    "settlements": _Shape(
        {
            "settlement_id": "text",
            "invoice_id": "text",
            "kind": "text",
            "currency": "text",
            "amount": "numeric",
            "settled_on": "date",
        },
        {"allocated_on": "date"},
    ),
    "disputes": _Shape(
        {
            "dispute_id": "text",
            "invoice_id": "text",
            "amount": "numeric",
            "opened_on": "date",
            "resolved_on": "date",
        },
    ),
    # Scores and other findings of third parties; the score is None where one says none.
    "verifications": _Shape(
        {
            "account_id": "text",
            "reference": "text",
            "source": "text",
            "found_on": "date",
            "score": "integer",
        },
    ),
}


def credit_problems(credit: Mapping[str, Relation]) -> Iterable[str]:
    """What is wrong with a section [credit], a sentence each."""
    for name, relation in credit.items():
        where = f"credit.{name}"
        if name not in SHAPES:
            yield f"{where}: must be one of {', '.join(SHAPES)}"
            continue
        shape = SHAPES[name]
        for column in relation.columns:
            if column not in shape.columns:
                yield f"{where}: column {column!r} must be one of {', '.join(shape.columns)}"
        for column in shape.required:
            if column not in relation.columns:
                yield f"{where}: column {column!r} is missing"


def select(credit: Mapping[str, Relation], name: str) -> str:
    """SQL of a relation's rows. Raises FileError where the mapping does not have it."""
    if name not in credit:
        raise FileError(f"the mapping has no [credit.{name}], which this command reads")
    relation = credit[name]
    columns = ", ".join(
        f"({relation.columns.get(column, 'NULL')})::{kind} AS {column}"
        for column, kind in SHAPES[name].columns.items()
    )
    return f"SELECT {columns} FROM {relation.table} AS r {relation.join}".rstrip()  # noqa: S608
