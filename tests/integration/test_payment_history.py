"""Payment behaviour out of a ledger in PostgreSQL, against another way to compute it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from creditgate.client.cli import main
from tests.support import data
from tests.support.books import Books

# By parts and days, with numeric and dates of PostgreSQL's own; nothing is shared with the loader.
INDEPENDENT = """
WITH due AS (
    SELECT i.account_id, i.amount, i.due_date, p.received_on,
        coalesce(p.received_on, %(day)s::date) > i.due_date AS late,
        greatest(coalesce(p.received_on, %(day)s::date) - i.due_date, 0) AS days
    FROM invoices AS i
    LEFT JOIN payment_allocations AS a ON a.invoice_id = i.invoice_id
    LEFT JOIN payments AS p ON p.payment_id = a.payment_id AND p.received_on <= %(day)s
    WHERE i.issue_date <= %(day)s AND i.due_date < %(day)s
        AND i.due_date >= %(day)s::date - interval '12 months'
), shares AS (
    SELECT account_id, count(*) AS invoices, sum(amount * days) / sum(amount) AS days_late,
        100 * avg(late::int * amount) / avg(amount) AS late_share,
        100 * sum(amount) FILTER (WHERE late AND due_date >= %(day)s::date - interval '3 months')
            / sum(amount) FILTER (WHERE due_date >= %(day)s::date - interval '3 months') AS recent,
        100 * sum(amount) FILTER (WHERE late AND due_date < %(day)s::date - interval '3 months')
            / sum(amount) FILTER (WHERE due_date < %(day)s::date - interval '3 months') AS early
    FROM due GROUP BY account_id
)
SELECT account_id, invoices, 100 * round(days_late, 2), 100 * round(late_share, 2),
    100 * coalesce(round(coalesce(recent, 0), 2) - round(coalesce(early, 0), 2), 0)
        * CASE WHEN has_both THEN 1 END
FROM shares JOIN (
    SELECT account_id, count(*) FILTER (WHERE due_date >= %(day)s::date - interval '3 months') > 0
        AND count(*) FILTER (WHERE due_date < %(day)s::date - interval '3 months') > 0 AS has_both
    FROM due GROUP BY account_id
) AS spans USING (account_id)
"""


TURNOVER = """
SELECT account_id, (100 * sum(greatest(amount - coalesce((
        SELECT sum(m.amount) FROM credit_memos AS m
        WHERE m.invoice_id = i.invoice_id AND m.issued_on <= %(day)s
    ), 0), 0)))::bigint
FROM invoices AS i
WHERE issue_date <= %(day)s AND issue_date > %(day)s::date - interval '12 months'
GROUP BY account_id
"""


def history(books: Books, as_of: str, *arguments: str) -> dict[str, dict[str, Any]]:
    options = ("--ledger", books.conninfo, "--as-of", as_of, "--json", *arguments)
    done = CliRunner().invoke(main, ["payment-history", *options])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.output.splitlines()]
    return {row["account_id"]: row for row in rows}


@pytest.mark.real_data
@pytest.mark.parametrize("day", ["2013-01-15", "2013-08-31"])
def test_the_history_of_real_customers_is_that_of_an_independent_query(
    books: Books, day: str
) -> None:
    rows = data.rows("invoice-history.csv")
    customers = sorted({row["customer_id"] for row in rows})
    books.add_all("customers", "account_id, currency", ((one, "USD") for one in customers))

    def invoices() -> Iterator[tuple[str, ...]]:
        for row in rows:
            days = (row["invoice_date"], row["due_date"])
            yield row["invoice_number"], row["customer_id"], "USD", row["amount"], *days

    def payments() -> Iterator[tuple[str, ...]]:
        for row in rows:
            amount = ("USD", row["amount"])
            yield row["invoice_number"], row["customer_id"], *amount, row["settled_date"]

    def allocations() -> Iterator[tuple[str, ...]]:
        for row in rows:
            number = row["invoice_number"]
            yield number, number, row["amount"], row["settled_date"]

    columns = "invoice_id, account_id, currency, amount, issue_date, due_date"
    books.add_all("invoices", columns, invoices())
    books.add_all("payments", "payment_id, account_id, currency, amount, received_on", payments())
    columns = "payment_id, invoice_id, amount, allocated_on"
    books.add_all("payment_allocations", columns, allocations())

    found = history(books, day)
    assert len(found) == 100
    with books.connection.cursor() as cursor:
        expected = cursor.execute(INDEPENDENT.encode(), {"day": day}).fetchall()
    assert len(expected) > 90
    names = ("account_id", "invoices", "days_late", "late_share", "trend")
    compared = {row[0]: {name: found[row[0]][name] for name in names[1:]} for row in expected}
    for account_id, *figures in expected:
        whole = [None if figure is None else int(figure) for figure in figures]
        assert compared[account_id] == dict(zip(names[1:], whole, strict=True)), account_id
    others = {one["invoices"] for key, one in found.items() if key not in compared}
    assert others <= {0}
    assert sum(one["late_share"] > 0 for one in compared.values()) > 50

    # Of every seventh invoice a fifth is taken back, of some more than all.
    books.execute(
        "INSERT INTO credit_memos"
        " (credit_memo_id, account_id, currency, amount, invoice_id, issued_on)"
        " SELECT invoice_id, account_id, currency,"
        " round(amount * CASE WHEN place % 5 = 0 THEN 1.2 ELSE 0.2 END, 2), invoice_id,"
        " issue_date + 20"
        " FROM (SELECT *, row_number() OVER (ORDER BY invoice_id) AS place FROM invoices) AS i"
        " WHERE place % 7 = 0"
    )
    bought: dict[str, int] = dict(
        books.connection.execute(TURNOVER.encode(), {"day": day}).fetchall()
    )
    turnover = {key: one["turnover_minor"] for key, one in history(books, day).items()}
    assert turnover == dict.fromkeys(customers, 0) | bought


def test_parts_credits_reversals_and_disputes_count_as_documented(books: Books) -> None:
    books.add("customers", account_id="A", currency="EUR")
    books.add("customers", account_id="B", currency="JPY")
    for number, issued, due, amount in [
        ("1", "2026-02-01", "2026-03-01", 100),  # half in time, half ten days late
        ("2", "2026-05-01", "2026-06-01", 100),  # 40 taken back, the rest written off
        ("3", "2026-05-01", "2026-06-10", 50),  # paid by a cheque that bounced
        ("4", "2026-06-20", "2026-07-20", 300),  # not due yet
    ]:
        books.add(
            "invoices", invoice_id=number, account_id="A", currency="EUR", amount=amount,
            issue_date=issued, due_date=due,
        )  # fmt: skip
    for payment, invoice, received, amount in [
        ("p1", "1", "2026-02-20", 50),
        ("p2", "1", "2026-03-11", 50),
        ("p3", "3", "2026-06-05", 50),
        ("p4", "4", "2026-07-05", 300),  # after the day: not known yet
    ]:
        books.add(
            "payments", payment_id=payment, account_id="A", currency="EUR", amount=amount,
            received_on=received,
        )  # fmt: skip
        books.add(
            "payment_allocations", payment_id=payment, invoice_id=invoice, amount=amount,
            allocated_on=received,
        )  # fmt: skip
    books.add("payment_reversals", payment_id="p3", reversed_on="2026-06-08")
    books.add(
        "credit_memos", credit_memo_id="c", account_id="A", currency="EUR", amount=40,
        invoice_id="2", issued_on="2026-06-05",
    )  # fmt: skip
    books.add(
        "adjustments", adjustment_id="w", account_id="A", currency="EUR", amount=-60,
        invoice_id="2", kind="write_off", posted_on="2026-06-15",
    )  # fmt: skip
    books.add("disputes", dispute_id="d", invoice_id="3", amount=70, opened_on="2026-06-02")

    found = history(books, "2026-07-01")
    assert found.pop("A") == {
        "account_id": "A",
        "currency": "EUR",
        "invoices": 3,
        "owed_minor": 210_00,
        # 50 for 10 days, 60 for 30, 50 for 21, of 210.
        "days_late": 1595,
        "late_share": 7619,
        "trend": 100_00 - 50_00,
        "disputed_share": 2381,
        "open_minor": 350_00,
        # 550, of which 40 were taken back.
        "turnover_minor": 510_00,
        "first_issue_date": "2026-02-01",
    }
    nothing = found.pop("B")
    assert nothing["days_late"] is nothing["late_share"] is nothing["trend"] is None
    assert not found
    assert set(history(books, "2026-07-01", "--account", "B")) == {"B"}


def test_an_amount_that_was_put_right_is_no_turnover(books: Books) -> None:
    books.add("customers", account_id="A", currency="EUR")
    for number, amount in [("1", 1_000_000), ("2", 500), ("3", 70)]:
        books.add(
            "invoices", invoice_id=number, account_id="A", currency="EUR", amount=amount,
            issue_date="2026-02-01", due_date="2026-03-01",
        )  # fmt: skip
    whole = {"account_id": "A", "currency": "EUR"}
    books.add(
        "credit_memos", credit_memo_id="c", **whole, amount=990_000, invoice_id="1",
        issued_on="2026-02-03",
    )  # fmt: skip
    # One corrected by more than all, one that should have been more.
    for number, invoice, amount in [("less", "2", -600), ("more", "3", 7)]:
        books.add(
            "adjustments", adjustment_id=number, **whole, amount=amount, invoice_id=invoice,
            kind="correction", posted_on="2026-02-03",
        )  # fmt: skip
    assert history(books, "2026-02-02")["A"]["turnover_minor"] == 1_000_570_00
    assert history(books, "2026-07-01")["A"]["turnover_minor"] == 10_077_00


REFUNDS: dict[str, tuple[list[tuple[str, int]], int, int, dict[str, int]]] = {
    # Payments by day, refunded, taken back by a credit memo; all of an invoice of 100, due 1 June.
    "in time, and half given back": (
        [("2026-05-20", 100)], 50, 0,
        {"owed_minor": 100_00, "late_share": 50_00, "days_late": 15_00, "open_minor": 50_00},
    ),
    "in time, for half of it was returned": (
        [("2026-05-20", 100)], 50, 50,
        {"owed_minor": 50_00, "late_share": 0, "days_late": 0, "open_minor": 0},
    ),
    "ten days late, for half of it was returned": (
        [("2026-06-11", 100)], 50, 50,
        {"owed_minor": 50_00, "late_share": 100_00, "days_late": 10_00, "open_minor": 0},
    ),
    "half of it late, for that half was returned": (
        [("2026-05-20", 50), ("2026-06-11", 50)], 50, 50,
        {"owed_minor": 50_00, "late_share": 0, "days_late": 0, "open_minor": 0},
    ),
    "ten days late, and all given back": (
        [("2026-06-11", 100)], 100, 0,
        {"owed_minor": 100_00, "late_share": 100_00, "days_late": 30_00, "open_minor": 100_00},
    ),
    "ten and eleven days late, and all given back": (
        [("2026-06-11", 50), ("2026-06-12", 50)], 100, 0,
        {"owed_minor": 100_00, "late_share": 100_00, "days_late": 30_00, "open_minor": 100_00},
    ),
    "more than was paid": (
        [("2026-05-20", 20)], 30, 0,
        {"owed_minor": 110_00, "late_share": 100_00, "days_late": 30_00, "open_minor": 110_00},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUNDS)
def test_what_was_refunded_was_never_paid(books: Books, case: str) -> None:
    payments, refunded, returned, expected = REFUNDS[case]
    whole = {"account_id": "A", "currency": "EUR"}
    books.add("customers", **whole)
    books.add(
        "invoices", invoice_id="1", **whole, amount=100, issue_date="2026-05-01",
        due_date="2026-06-01",
    )  # fmt: skip
    for day, amount in payments:
        books.add("payments", payment_id=day, **whole, amount=amount, received_on=day)
        books.add(
            "payment_allocations", payment_id=day, invoice_id="1", amount=amount, allocated_on=day
        )
    books.add(
        "adjustments", adjustment_id="r", **whole, amount=refunded, invoice_id="1",
        kind="refund", posted_on="2026-06-20",
    )  # fmt: skip
    if returned:
        books.add(
            "credit_memos", credit_memo_id="c", **whole, amount=returned, invoice_id="1",
            issued_on="2026-06-20",
        )  # fmt: skip
    found = history(books, "2026-07-01")["A"]
    assert {name: found[name] for name in expected} == expected
    assert found["turnover_minor"] == (100 - returned) * 100


def test_what_settles_in_another_currency_is_left_out(books: Books) -> None:
    books.add("customers", account_id="A", currency="USD")
    books.add("customers", account_id="B", currency="JPY")
    for number, currency, amount in [("1", "USD", 100), ("2", "JPY", 10_000), ("3", "USD", 70)]:
        books.add(
            "invoices", invoice_id=number, account_id="A", currency=currency, amount=amount,
            issue_date="2026-05-01", due_date="2026-06-01",
        )  # fmt: skip
        books.add(
            "payments", payment_id=number, account_id="A", currency=currency, amount=amount,
            received_on="2026-05-31",
        )  # fmt: skip
    # Yen on dollars, dollars on yen, yen on yen, and one as it should be.
    for payment, invoice, amount in [("2", "1", 10_000), ("1", "2", 100), ("2", "2", 10_000),
                                     ("3", "3", 70)]:  # fmt: skip
        books.add(
            "payment_allocations", payment_id=payment, invoice_id=invoice, amount=amount,
            allocated_on="2026-05-31",
        )  # fmt: skip
    found = history(books, "2026-07-01")["A"]
    assert (found["invoices"], found["owed_minor"], found["open_minor"]) == (2, 170_00, 100_00)
    # 100 of 170.
    assert found["late_share"] == 5882


def test_a_mapping_without_the_relation_is_refused_by_its_name(books: Books, tmp_path: Any) -> None:
    path = tmp_path / "ledger.toml"
    path.write_text('source = "erp"\nfeed = []\n[open_items]\ntable = "t"\n[open_items.columns]\n'
        'account_id = "r.a"\ncurrency = "r.c"\ninvoice_id = "r.i"\namount = "r.m"\n')  # fmt: skip
    arguments = ["payment-history", "--ledger", books.conninfo, "--mapping", str(path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "has no [credit.customers]" in done.output
    done = CliRunner().invoke(main, ["quality", *arguments[1:]])
    assert done.exit_code == 2
    assert "has no section [credit]" in done.output


def test_an_empty_ledger_has_nothing_to_tell(books: Books) -> None:
    assert history(books, "2026-07-01") == {}
    done = CliRunner().invoke(main, ["quality", "--ledger", books.conninfo])
    assert (done.exit_code, done.output) == (0, "Nothing found.\n")


def test_a_ledger_that_is_away_or_has_changed_its_tables_is_told(books: Books) -> None:
    books.execute("ALTER TABLE invoices RENAME COLUMN due_date TO due")
    for command in ("payment-history", "quality"):
        done = CliRunner().invoke(main, [command, "--ledger", books.conninfo])
        assert done.exit_code == 3
        assert "column r.due_date does not exist" in done.output
        done = CliRunner().invoke(main, [command, "--ledger", "host=127.0.0.1 port=1"])
        assert done.exit_code == 3
        assert "the ledger: connection failed" in done.output
