"""Each fault of credit data is put into a sound ledger, and is found, and nothing else."""

import csv
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from creditgate.client import Client, Terms
from creditgate.client.cli import main
from creditgate.client.terms import parse_instalments
from creditgate.loaders.ledger import mapping
from creditgate.loaders.quality.checks import Checks
from creditgate.loaders.quality.due_dates import due_span
from creditgate.loaders.quality.rules import RULES
from demo.cluster import Cluster
from tests.support.books import Books
from tests.support.server import ServerProcess

DAY = "2026-07-01"

SOUND = """
INSERT INTO terms (terms_id, due, calendar_id, non_working_day) VALUES
    ('NET30', 'net 30', NULL, NULL), ('NET60', 'net 60', NULL, NULL),
    ('WORKED', 'net 30', 'DE', 'next'), ('SPLIT', '50% net 30; 50% eom 10', NULL, NULL);
INSERT INTO customers (account_id, display_name, currency, parent_account_id, terms_id) VALUES
    ('A', 'Acme Inc.', 'EUR', NULL, 'NET30'), ('B', 'Bakers & Sons', 'EUR', 'A', NULL),
    ('C', 'ACME', 'USD', NULL, 'WORKED');
INSERT INTO contracts VALUES ('A', 'frame', 'NET60', '2026-01-01', '2026-05-31');
INSERT INTO limits (account_id, limit_kind, limit_amount, reviewed_on) VALUES
    ('A', 'amount', 1000, '2026-01-01'), ('B', 'no_credit', NULL, NULL),
    ('C', 'unlimited', NULL, '2025-07-01');
INSERT INTO invoices
    (invoice_id, account_id, currency, amount, issue_date, due_date, terms_id) VALUES
    ('R-1', 'A', 'EUR', 100, '2026-05-01', '2026-05-31', 'NET30'),
    ('R-2', 'A', 'EUR', 100, '2026-05-02', '2026-07-01', 'NET60'),
    ('R-3', 'A', 'EUR', 200, '2026-05-02', '2026-06-01', NULL),
    ('R-4', 'B', 'EUR', 300, '2026-05-02', '2026-05-02', NULL),
    ('R-5', 'C', 'USD', 300, '2026-05-02', '2026-06-08', NULL);
INSERT INTO payments (payment_id, account_id, currency, amount, received_on) VALUES
    ('P-1', 'A', 'EUR', 100, '2026-04-01');
INSERT INTO payment_allocations (allocation_id, payment_id, invoice_id, amount, allocated_on)
VALUES (1, 'P-1', 'R-1', 100, '2026-05-01');
INSERT INTO disputes (dispute_id, invoice_id, amount, opened_on, resolved_on) VALUES
    ('D-1', 'R-2', 50, '2026-06-01', '2026-06-01');
INSERT INTO verifications (account_id, reference, source, verified_on) VALUES
    ('A', 'V-0', 'bureau', '2020-01-01'), ('A', 'V-1', 'bureau', '2025-07-01'),
    ('B', 'V-2', 'bureau', '2020-01-01');
"""

INVOICE = """INSERT INTO invoices
    (invoice_id, account_id, currency, amount, issue_date, due_date, terms_id) VALUES """

FAULTS: dict[str, tuple[str, str, str, str]] = {
    "INSERT INTO customers (account_id, display_name, currency, terms_id) "
    "VALUES ('A', NULL, 'EUR', 'NET30')": ("ACCOUNT_TWICE", "A", "account_id", "A"),
    "UPDATE customers SET display_name = 'A.C.M.E., Corp.', parent_account_id = NULL "
    "WHERE account_id = 'B'": (*("CUSTOMER_TWICE", "B", "display_name", "A.C.M.E., Corp."),),
    INVOICE + "('r001', 'A', 'EUR', 7, '2026-05-01', '2026-05-31', NULL)": (
        *("INVOICE_TWICE", "r001", "invoice_id", "r001"),
    ),
    INVOICE + "('счёт-1', 'A', 'EUR', 7, '2026-05-01', '2026-05-31', NULL), "
    "('счёт \N{EN DASH} 01', 'A', 'EUR', 8, '2026-05-01', '2026-05-31', NULL)": (
        *("INVOICE_TWICE", "счёт-1", "invoice_id", "счёт-1"),
    ),
    INVOICE + "('Ü5', 'A', 'EUR', 7, '2026-05-01', '2026-05-31', NULL), "
    "('Ü-5', 'A', 'EUR', 8, '2026-05-01', '2026-05-31', NULL)": (
        *("INVOICE_TWICE", "Ü5", "invoice_id", "Ü5"),
    ),
    INVOICE + "('R-9', 'A', 'EUR', 100, '2026-05-01', '2026-05-31', NULL)": (
        *("INVOICE_ALIKE", "R-9", "amount", "100"),
    ),
    INVOICE + "('R-9', 'Z', 'EUR', 9, '2026-05-01', '2026-05-31', NULL)": (
        *("ORPHAN", "R-9", "account_id", "Z"),
    ),
    "UPDATE payments SET account_id = 'Z'": ("ORPHAN", "P-1", "account_id", "Z"),
    "INSERT INTO limits (account_id, limit_kind) VALUES ('Z', 'no_credit')": (
        *("ORPHAN", "Z", "account_id", "Z"),
    ),
    "INSERT INTO contracts VALUES ('Z', 'odd', 'NET60')": ("ORPHAN", "odd", "account_id", "Z"),
    "INSERT INTO contracts VALUES ('B', 'odd', 'Z', '2030-01-01')": (
        *("ORPHAN", "odd", "terms_id", "Z"),
    ),
    "UPDATE customers SET parent_account_id = 'Z' WHERE account_id = 'B'": (
        *("ORPHAN", "B", "parent_account_id", "Z"),
    ),
    "UPDATE customers SET terms_id = 'Z' WHERE account_id = 'B'": ("ORPHAN", "B", "terms_id", "Z"),
    "UPDATE invoices SET terms_id = 'Z' WHERE invoice_id = 'R-4'": (
        *("ORPHAN", "R-4", "terms_id", "Z"),
    ),
    "UPDATE payment_allocations SET invoice_id = 'Z'": (
        "ORPHAN",
        "allocation:1",
        "invoice_id",
        "Z",
    ),
    "UPDATE disputes SET invoice_id = 'Z'": ("ORPHAN", "D-1", "invoice_id", "Z"),
    "UPDATE verifications SET account_id = 'Z' WHERE reference = 'V-2'": (
        *("ORPHAN", "V-2", "account_id", "Z"),
    ),
    "DELETE FROM limits WHERE account_id = 'B'": ("LIMIT_MISSING", "B", "limit_amount", ""),
    "UPDATE limits SET limit_kind = 'amount' WHERE account_id = 'B'": (
        *("LIMIT_MISSING", "B", "limit_amount", "amount"),
    ),
    "UPDATE limits SET limit_amount = -5 WHERE account_id = 'B'": (
        *("LIMIT_NEGATIVE", "B", "limit_amount", "-5"),
    ),
    "UPDATE limits SET reviewed_on = '2025-06-30' WHERE account_id = 'A'": (
        *("LIMIT_NOT_REVIEWED", "A", "reviewed_on", "2025-06-30"),
    ),
    "UPDATE limits SET reviewed_on = NULL WHERE account_id = 'C'": (
        *("LIMIT_NOT_REVIEWED", "C", "reviewed_on", ""),
    ),
    "UPDATE verifications SET verified_on = '2025-06-30' WHERE reference = 'V-1'": (
        *("VERIFICATION_STALE", "V-1", "found_on", "2025-06-30"),
    ),
    "UPDATE verifications SET verified_on = '2025-06-30' WHERE reference = 'V-1'; "
    "ALTER TABLE verifications ALTER verified_on DROP NOT NULL; "
    "INSERT INTO verifications (account_id, reference, source, verified_on) "
    "VALUES ('A', 'undated', 'bureau', NULL)": (
        *("VERIFICATION_STALE", "V-1", "found_on", "2025-06-30"),
    ),
    "INSERT INTO customers VALUES ('X', NULL, 'EURO'); "
    "INSERT INTO limits (account_id, limit_kind) VALUES ('X', 'no_credit')": (
        *("CURRENCY_UNKNOWN", "X", "currency", "EURO"),
    ),
    "UPDATE invoices SET currency = 'USD' WHERE invoice_id = 'R-4'": (
        *("CURRENCY_DIFFERS", "R-4", "currency", "USD"),
    ),
    "INSERT INTO payments (payment_id, account_id, currency, amount, received_on) "
    "VALUES ('P-2', 'A', 'USD', 100, '2026-04-01')": (
        *("CURRENCY_DIFFERS", "P-2", "currency", "USD"),
    ),
    "UPDATE payments SET account_id = 'C', currency = 'USD'": (
        *("CURRENCY_DIFFERS", "allocation:1", "currency", "USD"),
    ),
    "UPDATE customers SET parent_account_id = 'A' WHERE account_id = 'C'": (
        *("CURRENCY_DIFFERS", "C", "parent_account_id", "A"),
    ),
    "UPDATE invoices SET due_date = '2026-05-01' WHERE invoice_id = 'R-3'": (
        *("DATE_IMPOSSIBLE", "R-3", "due_date", "2026-05-01"),
    ),
    "UPDATE invoices SET issue_date = '2026-07-02', due_date = NULL WHERE invoice_id = 'R-4'": (
        *("DATE_IMPOSSIBLE", "R-4", "issue_date", "2026-07-02"),
    ),
    "UPDATE payments SET received_on = '2026-07-02'": (
        *("DATE_IMPOSSIBLE", "P-1", "received_on", "2026-07-02"),
    ),
    "UPDATE payment_allocations SET allocated_on = '2026-04-30'": (
        *("DATE_IMPOSSIBLE", "allocation:1", "allocated_on", "2026-04-30"),
    ),
    "INSERT INTO contracts VALUES ('B', 'odd', 'NET60', '2026-02-01', '2026-01-31')": (
        *("DATE_IMPOSSIBLE", "odd", "last_date", "2026-01-31"),
    ),
    "UPDATE limits SET reviewed_on = '2026-07-02' WHERE account_id = 'B'": (
        *("DATE_IMPOSSIBLE", "B", "reviewed_on", "2026-07-02"),
    ),
    "UPDATE verifications SET verified_on = '2026-07-02' WHERE reference = 'V-2'": (
        *("DATE_IMPOSSIBLE", "V-2", "found_on", "2026-07-02"),
    ),
    "UPDATE disputes SET opened_on = '2026-07-02', resolved_on = NULL": (
        *("DATE_IMPOSSIBLE", "D-1", "opened_on", "2026-07-02"),
    ),
    "UPDATE disputes SET resolved_on = '2026-05-31'": (
        *("DATE_IMPOSSIBLE", "D-1", "resolved_on", "2026-05-31"),
    ),
    "UPDATE terms SET due = 'soon' WHERE terms_id = 'SPLIT'": (
        *("TERMS_UNREADABLE", "SPLIT", "due", "soon"),
    ),
    # The contract has ended by the day of the invoice.
    INVOICE + "('R-9', 'A', 'EUR', 9, '2026-06-01', '2026-07-31', 'NET60')": (
        *("TERMS_CONTRADICT", "R-9", "terms_id", "NET60"),
    ),
    # It is the only one that the account ever had.
    "INSERT INTO contracts VALUES ('B', 'old', 'NET60', '2026-01-01', '2026-05-01'); "
    "UPDATE invoices SET terms_id = 'NET60' WHERE invoice_id = 'R-4'": (
        *("TERMS_CONTRADICT", "R-4", "terms_id", "NET60"),
    ),
    INVOICE + "('R-9', 'A', 'EUR', 9, '2026-06-01', '2026-07-31', NULL)": (
        *("TERMS_CONTRADICT", "R-9", "due_date", "2026-07-31"),
    ),
    "UPDATE invoices SET due_date = '2026-05-31' WHERE invoice_id = 'R-2'": (
        *("TERMS_CONTRADICT", "R-2", "due_date", "2026-05-31"),
    ),
    "UPDATE invoices SET due_date = '2026-06-12' WHERE invoice_id = 'R-5'": (
        *("TERMS_CONTRADICT", "R-5", "due_date", "2026-06-12"),
    ),
}

NO_FAULTS = (
    INVOICE + "('Ü-5', 'A', 'EUR', 7, '2026-05-01', '2026-05-31', NULL), "
    "('Ä-5', 'A', 'EUR', 8, '2026-05-01', '2026-05-31', NULL), "
    "('счёт', 'A', 'EUR', 9, '2026-05-01', '2026-05-31', NULL), "
    "('акт', 'A', 'EUR', 10, '2026-05-01', '2026-05-31', NULL), "
    "('--', 'A', 'EUR', 11, '2026-05-01', '2026-05-31', NULL), "
    "('#', 'A', 'EUR', 12, '2026-05-01', '2026-05-31', NULL)",
    # Nothing was ever agreed with the account that the invoice could contradict.
    "UPDATE invoices SET terms_id = 'NET60' WHERE invoice_id = 'R-4'",
)

DROP_CONSTRAINTS = """
DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT conrelid::regclass AS relation, conname FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'p')
        ORDER BY contype LOOP
        EXECUTE format(
            'ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', c.relation, c.conname);
    END LOOP;
END $$
"""


@pytest.fixture(scope="module")
def sound(ledger_cluster: Cluster) -> Iterator[Books]:
    """A ledger without a fault, and without the constraints that would refuse some."""
    books = Books(ledger_cluster)
    books.execute("SET session_replication_role = replica")  # no triggers
    books.execute(DROP_CONSTRAINTS)
    books.execute(SOUND)
    yield books
    books.close()


def findings(books: Books) -> list[tuple[str, str, str, str]]:
    checks = Checks(books.connection, mapping.read(mapping.REFERENCE), date.fromisoformat(DAY))
    assert not checks.left_out
    return [
        (one.code, one.record, one.field, one.value) for _, found in checks.run() for one in found
    ]


@pytest.mark.parametrize(("fault", "expected"), FAULTS.items(), ids=range(len(FAULTS)))
def test_each_fault_is_found_and_nothing_else(
    sound: Books, fault: str, expected: tuple[str, str, str, str]
) -> None:
    with sound.connection.transaction(force_rollback=True):
        sound.execute(fault)
        assert findings(sound) == [expected]


@pytest.mark.parametrize("rows", NO_FAULTS, ids=range(len(NO_FAULTS)))
def test_what_is_no_fault_is_not_found(sound: Books, rows: str) -> None:
    with sound.connection.transaction(force_rollback=True):
        sound.execute(rows)
        assert findings(sound) == []


def test_due_dates_are_not_looked_at_without_terms_to_compute_them_from(sound: Books) -> None:
    whole = mapping.read(mapping.REFERENCE)
    credit = {name: one for name, one in whole.credit.items() if name != "terms"}
    without = msgspec.structs.replace(whole, credit=credit)
    checks = Checks(sound.connection, without, date.fromisoformat(DAY))
    left_out = {(rule.code, rule.relation, rule.field) for rule in checks.left_out}
    assert ("TERMS_CONTRADICT", "invoices", "due_date") in left_out


def test_every_rule_has_a_fault() -> None:
    assert {rule.code for rule in RULES} == {fault[0] for fault in FAULTS.values()}


def quality(books: Books, *arguments: str | Path) -> Result:
    options = ["--ledger", books.conninfo, "--as-of", DAY, *map(str, arguments)]
    return CliRunner().invoke(main, ["quality", *options])


def test_the_report_is_for_people_and_programs(books: Books, tmp_path: Path) -> None:
    html, rows = tmp_path / "quality.html", tmp_path / "quality.csv"
    books.execute(SOUND)
    clean = quality(books, "--html", html, "--csv", rows)
    assert (clean.exit_code, clean.output) == (0, "Nothing found.\n")
    assert len(rows.read_text().splitlines()) == 1

    books.execute("UPDATE limits SET limit_amount = -5 WHERE account_id = 'B'")
    books.execute("UPDATE customers SET parent_account_id = NULL")
    books.execute(
        "UPDATE customers SET display_name = '<b>ACME</b>' WHERE account_id IN ('A', 'B')"
    )
    found = quality(books, "--html", html, "--csv", rows, "--json")
    assert found.exit_code == 1
    counted = [json.loads(line) for line in found.output.splitlines()]
    assert [(one["code"], one["findings"]) for one in counted] == [
        ("LIMIT_NEGATIVE", 1), ("CUSTOMER_TWICE", 1),
    ]  # fmt: skip
    with rows.open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first["cure"] == "Enter the limit without its sign, or no_credit."
    assert (second["value"], second["detail"]) == ("<b>ACME</b>", "as A")
    page = html.read_text()
    assert "&lt;b&gt;ACME&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "2 findings" in page
    assert "http" not in page
    assert not list(tmp_path.glob("*.part"))

    books.execute("UPDATE customers SET parent_account_id = 'A' WHERE account_id = 'B'")
    books.execute(
        "UPDATE limits SET limit_amount = NULL, limit_kind = 'amount' WHERE account_id = 'B'"
    )
    assert quality(books).exit_code == 0
    assert quality(books, "--fail-on", "warning").exit_code == 1
    assert quality(books, "--fail-on", "never").exit_code == 0


def test_a_spreadsheet_runs_nothing_of_the_csv(books: Books, tmp_path: Path) -> None:
    formulas = ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "-5.\n", "@SUM(1)", "\tx", "\rx", "\nx"]
    texts = ["-5", "-12.50", "+7", "a=b", "'x"]
    books.execute("ALTER TABLE customers DROP CONSTRAINT customers_terms_id_fkey")
    for text in (*formulas, *texts):
        books.add("customers", account_id=text, currency="EUR", terms_id=text)
    rows = tmp_path / "quality.csv"
    quality(books, "--csv", rows)
    with rows.open(newline="") as file:
        orphans = [row for row in csv.DictReader(file) if row["code"] == "ORPHAN"]
    expected = sorted([*(f"'{formula}" for formula in formulas), *texts])
    for column in ("record", "account_id", "value"):
        assert sorted(row[column] for row in orphans) == expected


def test_due_dates_are_those_of_the_service(server: ServerProcess) -> None:
    words = (
        "net 30", "eom", "eom 10", "eom+1 10", "day 15", "day 31+2", "table 15:31+0 31:15+1",
        "dates 2026-01-01..2026-02-28:2026-06-30 net 30", "50% net 30; 50% eom+2",
    )  # fmt: skip
    days = [date(2026, 1, 28) + timedelta(days=n) for n in (*range(5), *range(28, 36), 700, 701)]
    with Client(server.address) as client:
        rows = [
            Terms(terms_id=f"T{index}", instalments=parse_instalments(text))
            for index, text in enumerate(words)
        ]
        assert all(result.error is None for result in client.upsert_terms(rows))
        for index, text in enumerate(words):
            for issued in days:
                quoted = client.quote_terms(100_00, terms_id=f"T{index}", invoice_date=issued)
                assert quoted is not None
                assert due_span(text, issued) == (quoted.due_date, quoted.due_date), (text, issued)
