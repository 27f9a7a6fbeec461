"""The rules that credit data is held to, each a query for the rows that break it.

A query gives the record's id, its account, the value at fault and, where that helps, a detail; it
reads the relations of the mapping's section [credit] by their names. `%(day)s` is the day of the
report, `%(year_ago)s` a year before.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final

import msgspec


class Severity(IntEnum):
    """How bad it is, the higher, the worse."""

    NOTICE = 1
    """Perhaps meant so."""
    WARNING = 2
    """Somebody should look: decisions stand on weak ground."""
    ERROR = 3
    """Decisions are wrong, or the service refuses the row."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. `owner` is who mends it: ledger or credit."""

    code: str
    severity: Severity
    owner: str
    relation: str
    """Of the record at fault."""
    field: str
    rule: str
    """What must hold, as a sentence."""
    cure: str
    query: str
    also: tuple[str, ...] = ()
    """Other relations that the query reads."""


# Without the ends that a legal form adds, and all that is no letter or digit.
_FORMS: Final = (
    "inc|llc|ltd|limited|gmbh|ag|kg|co|corp|corporation|company|sa|sas|srl|bv|nv|plc|ab|oy"
)
_NAME: Final = rf"""
    regexp_replace(regexp_replace(
        regexp_replace(lower(display_name), '[[:space:][:punct:]]+', ' ', 'g'),
        '( ({_FORMS}))+ *$', ''), ' ', '', 'g')"""

# Words and numbers without leading zeros, however they are parted: r001 is R-1, 10-1 is not 101.
# What is beyond ASCII is a letter, but for blanks and dashes, whatever the database's locale knows
# of it. A number of signs alone stays as it is.
_NUMBER: Final = r"""
    coalesce(nullif(trim('-' FROM regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        upper(invoice_id), '[^A-Z0-9\u00A1-\u1FFF\u2070-\U0010FFFF]+', '-', 'g'),
        '([^-0-9])([0-9])', '\1-\2', 'g'), '([0-9])([^-0-9])', '\1-\2', 'g'),
        '(^|[^0-9])0+([0-9])', '\1\2', 'g')), ''), invoice_id)"""


def _twice(relation: str, key: str, same: str, value: str) -> str:
    """Rows of which an earlier one, by its id, has the same."""
    return f"""
        SELECT {key}, account_id, {value}, 'as ' || first FROM (
            SELECT *, first_value({key}) OVER one AS first, row_number() OVER one AS place
            FROM {relation} WINDOW one AS (PARTITION BY {same} ORDER BY {key})
        ) AS found WHERE place > 1"""


_TWICE: Final = (
    Rule(
        code="ACCOUNT_TWICE", severity=Severity.ERROR, owner="ledger", relation="customers",
        field="account_id", rule="An account stands in one row.",
        cure="Remove the row that is wrong; the last one read would win.",
        query=_twice("customers", "account_id", "account_id", "account_id"),
    ),
    Rule(
        code="CUSTOMER_TWICE", severity=Severity.WARNING, owner="credit", relation="customers",
        field="display_name",
        rule="A customer has one account in a currency: two have a limit each, and may use both.",
        cure="Merge the accounts, or put one below the other with a shared limit.",
        # Those of one group may share a limit.
        query=f"""
            SELECT account_id, account_id, display_name, 'as ' || first FROM (
                SELECT *, first_value(account_id) OVER one AS first,
                    first_value(coalesce(parent_account_id, account_id)) OVER one AS first_group,
                    row_number() OVER one AS place
                FROM customers WHERE {_NAME} <> ''
                WINDOW one AS (PARTITION BY currency, {_NAME} ORDER BY account_id)
            ) AS found
            WHERE place > 1 AND coalesce(parent_account_id, account_id) <> first_group""",
    ),
    Rule(
        code="INVOICE_TWICE", severity=Severity.ERROR, owner="ledger", relation="invoices",
        field="invoice_id",
        rule="An invoice is entered once; numbers that differ in signs or zeros alone are one.",
        cure="Reverse the one that was entered by mistake.",
        query=_twice("invoices", "invoice_id", f"account_id, {_NUMBER}", "invoice_id"),
    ),
    Rule(
        code="INVOICE_ALIKE", severity=Severity.NOTICE, owner="ledger", relation="invoices",
        field="amount", rule="Invoices of one account, day and amount are seldom two.",
        cure="Compare both with what was shipped; reverse the one that was entered by mistake.",
        query=_twice(
            "invoices", "invoice_id", "account_id, currency, amount, issue_date", "amount::text"
        ),
    ),
)  # fmt: skip

_REFERENCES: Final = (
    ("invoices", "invoice_id", "account_id", "customers", "account_id"),
    ("payments", "payment_id", "account_id", "customers", "account_id"),
    ("limits", "account_id", "account_id", "customers", "account_id"),
    ("contracts", "contract_id", "account_id", "customers", "account_id"),
    ("verifications", "reference", "account_id", "customers", "account_id"),
    ("customers", "account_id", "parent_account_id", "customers", "account_id"),
    ("customers", "account_id", "terms_id", "terms", "terms_id"),
    ("contracts", "contract_id", "terms_id", "terms", "terms_id"),
    ("invoices", "invoice_id", "terms_id", "terms", "terms_id"),
    ("settlements", "settlement_id", "invoice_id", "invoices", "invoice_id"),
    ("disputes", "dispute_id", "invoice_id", "invoices", "invoice_id"),
)


def _orphans() -> Iterator[Rule]:
    for relation, key, field, other, other_key in _REFERENCES:
        account = "NULL" if relation in {"settlements", "disputes"} else "r.account_id"
        yield Rule(
            code="ORPHAN", severity=Severity.ERROR, owner="ledger", relation=relation, field=field,
            rule=f"{field} of {relation} is one of {other}.",
            cure=f"Enter what is missing in {other}, or correct {field}.",
            query=f"""
                SELECT r.{key}, {account}, r.{field}, NULL FROM {relation} AS r
                WHERE r.{field} IS NOT NULL
                    AND NOT EXISTS (SELECT FROM {other} AS o WHERE o.{other_key} = r.{field})""",
            also=(other,),
        )  # fmt: skip


_LIMITS: Final = (
    Rule(
        code="LIMIT_MISSING", severity=Severity.WARNING, owner="credit", relation="limits",
        field="limit_amount", rule="A customer has a limit, and one of an amount says how much.",
        cure="Enter a limit, or no_credit for who is to have none.",
        query="""
            SELECT c.account_id, c.account_id, l.limit_kind, NULL FROM customers AS c
            LEFT JOIN limits AS l ON l.account_id = c.account_id
            WHERE l.limit_kind IS NULL OR (l.limit_kind = 'amount' AND l.limit_amount IS NULL)""",
        also=("customers",),
    ),
    Rule(
        code="LIMIT_NEGATIVE", severity=Severity.ERROR, owner="credit", relation="limits",
        field="limit_amount", rule="A limit is not below zero.",
        cure="Enter the limit without its sign, or no_credit.",
        query="""
            SELECT account_id, account_id, limit_amount::text, NULL FROM limits
            WHERE limit_amount < 0""",
    ),
    Rule(
        code="LIMIT_NOT_REVIEWED", severity=Severity.WARNING, owner="credit", relation="limits",
        field="reviewed_on", rule="A limit is reviewed once a year.",
        cure="Review the limit and enter the day.",
        query="""
            SELECT account_id, account_id, reviewed_on::text,
                CASE WHEN reviewed_on IS NULL THEN 'never reviewed' END
            FROM limits WHERE (limit_kind = 'unlimited' OR limit_amount > 0)
                AND coalesce(reviewed_on, '-infinity') < %(year_ago)s""",
    ),
    Rule(
        code="VERIFICATION_STALE", severity=Severity.WARNING, owner="credit",
        relation="verifications", field="found_on",
        rule="What third parties say of a customer with a limit is not older than a year.",
        cure="Ask the bureau again and enter what it says.",
        query="""
            SELECT v.reference, v.account_id, v.found_on::text, NULL FROM (
                SELECT DISTINCT ON (account_id) * FROM verifications
                ORDER BY account_id, found_on DESC NULLS LAST
            ) AS v JOIN limits AS l ON l.account_id = v.account_id
            WHERE (l.limit_kind = 'unlimited' OR l.limit_amount > 0)
                AND v.found_on < %(year_ago)s""",
        also=("limits",),
    ),
)  # fmt: skip


def _currencies() -> Iterator[Rule]:
    yield Rule(
        code="CURRENCY_UNKNOWN", severity=Severity.ERROR, owner="ledger", relation="customers",
        field="currency", rule="A currency is an ISO 4217 code in which amounts are kept.",
        cure="Correct the currency; the service refuses the account until then.",
        query="""
            SELECT account_id, account_id, currency, NULL FROM customers
            WHERE currency IS NULL OR currency = ANY(%(unknown_currencies)s::text[])""",
    )  # fmt: skip
    for relation, key in (("invoices", "invoice_id"), ("payments", "payment_id")):
        yield Rule(
            code="CURRENCY_DIFFERS", severity=Severity.ERROR, owner="ledger", relation=relation,
            field="currency", rule="A document is in the currency of its account.",
            cure="Post it to the customer's account in that currency, or correct the currency.",
            query=f"""
                SELECT r.{key}, r.account_id, r.currency, 'the account has ' || c.currency
                FROM {relation} AS r JOIN customers AS c ON c.account_id = r.account_id
                WHERE r.currency IS DISTINCT FROM c.currency""",
            also=("customers",),
        )  # fmt: skip
    yield Rule(
        code="CURRENCY_DIFFERS", severity=Severity.ERROR, owner="ledger", relation="settlements",
        field="currency", rule="What settles an invoice is in the invoice's currency.",
        cure="Allocate it to an invoice in that currency, or correct the currency.",
        query="""
            SELECT r.settlement_id, i.account_id, r.currency, 'the invoice has ' || i.currency
            FROM settlements AS r JOIN invoices AS i ON i.invoice_id = r.invoice_id
            WHERE r.currency IS DISTINCT FROM i.currency""",
        also=("invoices",),
    )  # fmt: skip
    yield Rule(
        code="CURRENCY_DIFFERS", severity=Severity.ERROR, owner="ledger", relation="customers",
        field="parent_account_id", rule="An account and its parent are in one currency.",
        cure="Name a parent in the same currency, or none.",
        query="""
            SELECT r.account_id, r.account_id, r.parent_account_id,
                r.currency || ' below ' || p.currency
            FROM customers AS r JOIN customers AS p ON p.account_id = r.parent_account_id
            WHERE r.currency <> p.currency""",
    )  # fmt: skip


_DATES: Final = (
    ("invoices", "invoice_id", "due_date", "r.due_date < r.issue_date", "is not before issue_date"),
    ("invoices", "invoice_id", "issue_date", "r.issue_date > %(day)s", "is not in the future"),
    ("payments", "payment_id", "received_on", "r.received_on > %(day)s", "is not in the future"),
    ("contracts", "contract_id", "last_date", "r.last_date < r.first_date",
     "is not before first_date"),
    ("limits", "account_id", "reviewed_on", "r.reviewed_on > %(day)s", "is not in the future"),
    ("verifications", "reference", "found_on", "r.found_on > %(day)s", "is not in the future"),
    ("disputes", "dispute_id", "opened_on", "r.opened_on > %(day)s", "is not in the future"),
    ("disputes", "dispute_id", "resolved_on", "r.resolved_on < r.opened_on",
     "is not before opened_on"),
)  # fmt: skip


def _dates() -> Iterator[Rule]:
    for relation, key, field, condition, must in _DATES:
        account = "NULL" if relation == "disputes" else "r.account_id"
        yield Rule(
            code="DATE_IMPOSSIBLE", severity=Severity.ERROR, owner="ledger", relation=relation,
            field=field, rule=f"{field} {must}.",
            cure="Correct the date by the document itself.",
            query=f"""
                SELECT r.{key}, {account}, r.{field}::text, NULL FROM {relation} AS r
                WHERE {condition}""",
        )  # fmt: skip
    yield Rule(
        code="DATE_IMPOSSIBLE", severity=Severity.ERROR, owner="ledger", relation="settlements",
        field="allocated_on", rule="An invoice is not settled before it is issued.",
        cure="Correct the date; a payment in advance is allocated once there is an invoice.",
        query="""
            SELECT r.settlement_id, i.account_id, coalesce(r.allocated_on, r.settled_on)::text,
                'issued ' || i.issue_date
            FROM settlements AS r JOIN invoices AS i ON i.invoice_id = r.invoice_id
            WHERE coalesce(r.allocated_on, r.settled_on) < i.issue_date""",
        also=("invoices",),
    )  # fmt: skip


# Whose terms an invoice may have: of its account, or of any contract in force on its day.
ALLOWED: Final = """
    SELECT account_id, terms_id, coalesce(first_date, '-infinity') AS first_date,
        coalesce(last_date, 'infinity') AS last_date FROM contracts
    UNION ALL
    SELECT account_id, terms_id, '-infinity', 'infinity' FROM customers
    WHERE terms_id IS NOT NULL"""

_TERMS: Final = (
    Rule(
        code="TERMS_UNREADABLE", severity=Severity.ERROR, owner="ledger", relation="terms",
        field="due", rule="Terms are written in words that the service reads, like net 30.",
        cure="Write them as docs/terms.md shows.",
        query="""
            SELECT terms_id, NULL, due, NULL FROM terms
            WHERE terms_id = ANY(%(unreadable)s::text[])""",
    ),
    Rule(
        code="TERMS_CONTRADICT", severity=Severity.WARNING, owner="ledger", relation="invoices",
        field="terms_id",
        rule="An invoice has the terms of a contract in force on its day, or of its account.",
        cure="Correct the invoice's terms, or enter the contract that it goes by.",
        query=f"""
            SELECT i.invoice_id, i.account_id, i.terms_id, coalesce(
                'agreed: ' || string_agg(a.terms_id, ', ' ORDER BY a.terms_id) FILTER (
                    WHERE i.issue_date BETWEEN a.first_date AND a.last_date
                ), 'none in force')
            FROM invoices AS i JOIN ({ALLOWED}) AS a ON a.account_id = i.account_id
            WHERE i.terms_id IS NOT NULL AND i.issue_date > %(year_ago)s
                AND EXISTS (SELECT FROM terms AS t WHERE t.terms_id = i.terms_id)
            GROUP BY i.invoice_id, i.account_id, i.terms_id
            HAVING NOT bool_or(a.terms_id = i.terms_id
                AND i.issue_date BETWEEN a.first_date AND a.last_date)""",
        also=("contracts", "customers", "terms"),
    ),
    # Where the invoice names terms that are agreed, it is held to these alone. What is due before
    # it is issued, the rule of impossible dates tells of.
    Rule(
        code="TERMS_CONTRADICT", severity=Severity.WARNING, owner="ledger", relation="invoices",
        field="due_date", rule="An invoice is due when its terms say.",
        cure="Correct the due date, or enter the terms that were agreed.",
        query=f"""
            SELECT i.invoice_id, i.account_id, i.due_date::text,
                'by ' || string_agg(a.terms_id || ': ' || e.latest, ', ' ORDER BY a.terms_id)
            FROM invoices AS i JOIN ({ALLOWED}) AS a ON a.account_id = i.account_id
                AND i.issue_date BETWEEN a.first_date AND a.last_date
                AND a.terms_id = coalesce(i.terms_id, a.terms_id)
            LEFT JOIN unnest(%(terms)s::text[], %(issued)s::date[], %(earliest)s::date[],
                %(latest)s::date[]) AS e (terms_id, issued, earliest, latest)
                ON e.terms_id = a.terms_id AND e.issued = i.issue_date
            WHERE i.due_date >= i.issue_date AND i.issue_date > %(year_ago)s
            GROUP BY i.invoice_id, i.account_id, i.due_date
            HAVING NOT bool_or(coalesce(i.due_date BETWEEN e.earliest AND e.latest, true))""",
        also=("contracts", "customers", "terms"),
    ),
)  # fmt: skip

RULES: Final = tuple(
    sorted(
        (*_TWICE, *_orphans(), *_LIMITS, *_currencies(), *_dates(), *_TERMS),
        key=lambda rule: (-rule.severity, rule.code),
    )
)
"""The worst first, those of one code together."""
