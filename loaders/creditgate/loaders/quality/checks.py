"""Goes through the rules, and tells every row of the ledger that breaks one.

The queries run in the ledger and their rows come through a cursor there, so that however many there
are, few are held here. Nothing is written to the ledger.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import msgspec
import psycopg

from creditgate.client import MoneyError, money
from creditgate.loaders.errors import FileError
from creditgate.loaders.ledger.credit import select
from creditgate.loaders.ledger.mapping import LedgerMapping
from creditgate.loaders.quality.due_dates import due_span
from creditgate.loaders.quality.rules import ALLOWED, RULES, Rule
from creditgate.loaders.scoring.history import MONTHS, months_before

_ROWS_AT_ONCE: Final = 1_000


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One row that breaks a rule: whose it is, what is wrong with it, how it is mended."""

    code: str
    severity: str
    owner: str
    relation: str
    record: str
    account_id: str
    field: str
    value: str
    rule: str
    detail: str
    cure: str


class Checks:
    """All rules over one ledger, as of one day. Raises FileError for a mapping without [credit]."""

    def __init__(self, ledger: psycopg.Connection, mapping: LedgerMapping, as_of: date) -> None:
        if not mapping.credit:
            raise FileError("the mapping has no section [credit], which this command reads")
        self._ledger = ledger
        self._relations = {name: select(mapping.credit, name) for name in mapping.credit}
        self._values: dict[str, Any] = {
            "day": as_of,
            "year_ago": months_before(as_of, MONTHS),
        }
        self.left_out = [rule for rule in RULES if not self._is_readable(rule)]
        """Rules that read what the mapping does not have."""

    def run(self) -> Iterator[tuple[Rule, Iterator[Finding]]]:
        """Each rule with its findings, which are read before the next rule. Raises psycopg.Error.

        Runs in the transaction that is open.
        """
        self._values |= self._unknown_currencies() | self._terms()
        for rule in RULES:
            if rule not in self.left_out:
                yield rule, self._findings(rule)

    def _is_readable(self, rule: Rule) -> bool:
        return {rule.relation, *rule.also} <= self._relations.keys()

    def _findings(self, rule: Rule) -> Iterator[Finding]:
        for row in self._rows(rule.query, (rule.relation, *rule.also)):
            record, account_id, value, detail = ("" if cell is None else str(cell) for cell in row)
            yield Finding(
                code=rule.code,
                severity=rule.severity.name,
                owner=rule.owner,
                relation=rule.relation,
                record=record,
                account_id=account_id,
                field=rule.field,
                value=value,
                rule=rule.rule,
                detail=detail,
                cure=rule.cure,
            )

    def _rows(self, query: str, names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
        """What a query over these relations gives, some rows at a time."""
        relations = ", ".join(
            # The text of a mapping may have percent signs, which are the driver's otherwise.
            f"{name} AS NOT MATERIALIZED ({self._relations[name].replace('%', '%%')})"
            for name in dict.fromkeys(names)
        )
        with self._ledger.cursor(name="creditgate_quality") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(f"WITH {relations} {query}".encode(), self._values)
            yield from cursor

    def _unknown_currencies(self) -> dict[str, Any]:
        unknown: list[str] = []
        if "customers" not in self._relations:
            return {"unknown_currencies": unknown}
        query = "SELECT DISTINCT currency FROM customers WHERE currency IS NOT NULL"
        for (currency,) in self._rows(query, ("customers",)):
            try:
                money.exponent(currency)
            except MoneyError:
                unknown.append(currency)
        return {"unknown_currencies": unknown}

    def _terms(self) -> dict[str, Any]:
        """Which terms cannot be read, and when invoices of each day are due by the others."""
        columns: dict[str, list[Any]] = {
            name: [] for name in ("unreadable", "terms", "issued", "earliest", "latest")
        }
        if "terms" not in self._relations:
            return columns
        query = "SELECT terms_id, due, calendar_id, non_working_day FROM terms"
        words = {terms_id: cells for terms_id, *cells in self._rows(query, ("terms",))}
        columns["unreadable"] = [key for key, (due, *_) in words.items() if not _is_readable(due)]
        names = ("contracts", "customers", "invoices")
        if not self._relations.keys() >= set(names):
            return columns
        asked = f"""
            SELECT DISTINCT a.terms_id, i.issue_date
            FROM invoices AS i JOIN ({ALLOWED}) AS a ON a.account_id = i.account_id
            WHERE i.issue_date > %(year_ago)s"""  # noqa: S608
        for terms_id, issued in self._rows(asked, names):
            if terms_id in words and terms_id not in columns["unreadable"]:
                due, calendar_id, non_working_day = words[terms_id]
                earliest, latest = due_span(
                    due, issued, calendar_id=calendar_id, non_working_day=non_working_day
                )
                row = (terms_id, issued, earliest, latest)
                for name, cell in zip(("terms", "issued", "earliest", "latest"), row, strict=True):
                    columns[name].append(cell)
        return columns


def _is_readable(words: str | None) -> bool:
    try:
        due_span(words or "", date(2026, 1, 1))
    except ValueError:
        return False
    return True
