"""The scorecard over a ledger in PostgreSQL and a real server."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from creditgate.client import Client, ClientOptions, CreditLimit, Verification, VerificationRecord
from creditgate.client.cli import main
from tests.conftest import StartServer
from tests.support.books import Books
from tests.support.server import ServerProcess

DAY = date(2026, 7, 1)
NOON = 1_782_907_200

POLICY = """
[limits]
owner = "creditgate"
[[limits.approve]]
change_percent_max = 25
amount_max = "10000.00 USD"
score_min = 600

[[limits.approve]]
change_percent_max = 22
amount_max = "1200.00 USD"
"""


@pytest.fixture
def recalc_server(start_server: StartServer) -> ServerProcess:
    server = start_server(clock="manual")
    server.api.set_time(NOON)
    with Client(server.address) as client:
        client.put_policy(POLICY, "limits are owned here")
    command = ["policy", "activate", "2", "agreed", "--actor", "bert", "--address", server.address]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    return server


def customer(
    books: Books, server: ServerProcess, account_id: str, limit: int, monthly: int, *, late: int
) -> None:
    """A year of an invoice a month, net 30, each paid so many days late."""
    server.api.open_account(account_id, limit * 100)
    books.add("customers", account_id=account_id, currency="USD")
    for month in range(1, 13):
        number = f"{account_id}-{month}"
        issued = DAY - timedelta(days=30 * month)
        whole = {"currency": "USD", "amount": monthly}
        books.add(
            "invoices", invoice_id=number, account_id=account_id, **whole, issue_date=issued,
            due_date=issued + timedelta(days=30),
        )  # fmt: skip
        pay(books, number, issued + timedelta(days=30 + late))


def pay(books: Books, invoice_id: str, day: date, payment: str = "") -> None:
    payment = payment or f"p-{invoice_id}"
    books.execute(
        "INSERT INTO payments (payment_id, account_id, currency, amount, received_on)"
        " SELECT %s, account_id, currency, amount, %s FROM invoices WHERE invoice_id = %s",
        *(payment, day, invoice_id),
    )
    books.execute(
        "INSERT INTO payment_allocations (payment_id, invoice_id, amount, allocated_on)"
        " SELECT %s, invoice_id, amount, %s FROM invoices WHERE invoice_id = %s",
        *(payment, day, invoice_id),
    )


def recalc(books: Books, server: ServerProcess, *arguments: str) -> Result:
    options = ["--ledger", books.conninfo, "--as-of", str(DAY), "--address", server.address]
    return CliRunner().invoke(main, ["recalc", *options, "--actor", "scorecard", *arguments])


def moves(books: Books, server: ServerProcess, *arguments: str) -> dict[str, dict[str, Any]]:
    done = recalc(books, server, "--json", *arguments)
    assert done.exit_code == 0, done.output
    *rows, counts = map(json.loads, done.output.splitlines())
    assert sum(counts["moves"].values()) == len(rows)
    assert counts["accounts"] == len(rows) + sum(counts["kept"].values())
    return {row["move"]["account_id"]: row for row in rows}


def test_bands_approve_what_is_within_them_and_people_the_rest(
    books: Books, recalc_server: ServerProcess
) -> None:
    server = recalc_server
    customer(books, server, "GOOD", 2_000, 1_000, late=0)
    customer(books, server, "BIG", 20_000, 30_000, late=0)
    customer(books, server, "LATE", 1_000, 500, late=45)
    customer(books, server, "STAYS", 1_300, 500, late=0)
    server.api.open_account("UNKNOWN", 100_000)
    for account_id, score in [("GOOD", 800), ("LATE", 100)]:
        books.add(
            "scores", account_id=account_id, reference="D-1", source="bureau", scored_on=DAY,
            score=score,
        )  # fmt: skip
    with Client(server.address, ClientOptions(actor="bureau")) as client:
        score_of = Verification(reference="D-1", source="bureau", date=DAY, score=800)
        client.record_verifications([VerificationRecord(account_id="GOOD", verification=score_of)])

    shown = recalc(books, server, "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "2,500.00" in shown.output
    assert "days late 0.00 d: 100" in shown.output
    with Client(server.address) as client:
        assert client.get_account("GOOD").limit == CreditLimit.of(2_000_00)
        assert not client.get_account("LATE").verifications
        found = moves(books, server)
        outcome = {key: (one["outcome"], one["move"]["limit_minor"]) for key, one in found.items()}
        assert outcome == {
            "GOOD": ("APPROVED", 2_500_00),
            "BIG": ("PENDING", 25_000_00),
            "LATE": ("APPROVED", 800_00),
        }
        good = client.get_account("GOOD")
        assert good.limit == CreditLimit.of(2_500_00)
        assert good.limit_approval is not None
        assert good.limit_approval.by_policy
        assert good.limit_approval.verification == "D-1"
        (late,) = client.get_account("LATE").verifications
        assert (late.score, late.recorded_by) == (100, "scorecard")
        (waiting,) = client.list_proposals()
        assert (waiting.account_id, waiting.proposal.limit) == ("BIG", CreditLimit.of(25_000_00))
        assert "days late 0.00 d: 100" in waiting.proposal.reason

    assert moves(books, server) == {}, "a second run on the same day proposes nothing"


def test_mended_settlement_dates_raise_the_limit_by_themselves(
    books: Books, recalc_server: ServerProcess
) -> None:
    customer(books, recalc_server, "A", 1_000, 500, late=20)
    wrong = moves(books, recalc_server, "--dry-run")["A"]["move"]
    for month in range(1, 13):
        day = DAY - timedelta(days=30 * month) + timedelta(days=28)
        books.add(
            "payment_reversals", payment_id=f"p-A-{month}", reversed_on=day, reason="wrong day"
        )
        pay(books, f"A-{month}", day, f"again-A-{month}")
    right = moves(books, recalc_server)["A"]["move"]
    assert wrong["limit_minor"] < 1_000_00 < right["limit_minor"]
    assert right["points"] > wrong["points"]
    with Client(recalc_server.address) as client:
        assert client.get_account("A").limit.amount_minor == right["limit_minor"]


def test_an_amount_that_was_entered_by_mistake_raises_no_limit(
    books: Books, recalc_server: ServerProcess
) -> None:
    customer(books, recalc_server, "A", 1_300, 500, late=0)
    day = DAY - timedelta(days=60)
    whole = {"account_id": "A", "currency": "USD"}
    books.add(
        "invoices", invoice_id="typo", **whole, amount=1_000_000, issue_date=day,
        due_date=day + timedelta(days=30),
    )  # fmt: skip
    assert "A" in moves(books, recalc_server, "--dry-run")
    books.add(
        "credit_memos", credit_memo_id="c", **whole, amount=1_000_000, invoice_id="typo",
        issued_on=day,
    )  # fmt: skip
    assert moves(books, recalc_server) == {}


def test_a_refused_move_is_told_and_the_others_are_made(
    books: Books, recalc_server: ServerProcess
) -> None:
    customer(books, recalc_server, "A", 1_000, 500, late=0)
    books.add("scores", account_id="A", reference="D-1", source="b" * 300, scored_on=DAY, score=800)
    done = recalc(books, recalc_server)
    assert done.exit_code == 1, done.output
    assert "1 refused: FIELD_INVALID" in done.output
    with Client(recalc_server.address) as client:
        assert client.get_account("A").limit == CreditLimit.of(1_200_00)
