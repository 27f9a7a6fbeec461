"""Orders in other currencies, shipped later or billed elsewhere: durable, and audited."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from creditgate.audit.books import Auditor
from creditgate.client import (
    AccountUpsert,
    Client,
    CreditLimit,
    Decision,
    ExchangeRate,
    InvalidRequestError,
    NotFoundError,
    OrderItem,
    ReasonCode,
    ReserveResult,
    UpsertResult,
)
from creditgate.client.cli import main
from creditgate.loaders.dead_letters import default_path
from tests.conftest import StartServer
from tests.integration.test_policy import put_in_force
from tests.support.server import ServerProcess

DAY_S = 86_400
START_S = 1_709_164_800
START = date(2024, 2, 29)

RATES = """\
base_currency,currency,rate,source,as_of
EUR,USD,1.25,ECB,2024-02-28T16:00:00Z
USD,JPY,0,ECB,
EUR,EUR,1,ECB,
GBP,USD,1.27,ECB,2099-01-01
EUR,USD,1.26,ECB,
CHF,USD,1.13,ECB,soon
"""


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server at a fixed time, with two accounts of a limit of 1,000.00 USD."""
    server = start_server(clock="manual")
    server.api.set_time(START_S)
    with Client(server.address) as client:
        for account_id in ("A", "B"):
            row = AccountUpsert(
                account_id=account_id, currency="USD", limit=CreditLimit.of(100_000)
            )
            (opened,) = client.upsert_accounts([row])
            assert isinstance(opened, UpsertResult)
    return server


def euro(rate: str) -> ExchangeRate:
    return ExchangeRate(base_currency="EUR", currency="USD", rate=Decimal(rate), source="ECB")


def test_rates_come_from_files(server: ServerProcess, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(RATES)
    done = CliRunner().invoke(main, ["load", "rates", str(path), "--address", server.address])
    assert done.exit_code == 1, done.output
    with default_path(path).open(newline="") as file:
        rejected = [(row["line"], row["field"]) for row in csv.DictReader(file)]
    assert rejected == [
        ("3", "rate"),
        ("4", "currency"),
        ("5", "as_of"),
        ("6", "base_currency"),
        ("7", "as_of"),
    ]
    (rate,) = client.list_rates()
    assert (rate.base_currency, rate.currency, rate.rate) == ("EUR", "USD", Decimal("1.25"))


def test_an_order_in_another_currency_is_the_same_after_a_kill(
    server: ServerProcess, client: Client
) -> None:
    unvalued = client.check_and_reserve("A", "O", 100_00, "EUR")
    assert [reason.code for reason in unvalued.reasons] == [ReasonCode.FX_RATE_UNAVAILABLE]
    assert (unvalued.account_currency, unvalued.available_minor) == ("USD", 100_000)
    client.upsert_rates([euro("1.25")])
    checked = client.check("A", 1_000_00, "EUR", allow_partial=True)
    assert (checked.approved_amount_minor, checked.available_minor) == (800_00, 0)
    assert checked.counting is not None
    assert checked.counting.counted_minor == 100_000
    items = [
        OrderItem(account_id="A", order_id=name, amount_minor=33_33, currency="EUR")
        for name in ("O", "P")
    ]
    for result in client.batch_check_and_reserve(items, all_or_none=True):
        assert isinstance(result, ReserveResult)
        assert result.decision is Decision.APPROVED
        assert result.counting is not None
        assert (result.counting.open_minor, result.counting.counted_minor) == (33_33, 41_67)
        assert result.counting.rate == next(iter(client.list_rates()))
    captured = client.capture("I", account_id="A", order_id="O", amount_minor=11_11)
    assert captured.captured_amount_minor == 11_11
    client.upsert_rates([euro("1.5")])
    changes = [change for part in client.stream_changes() for change in part.changes]
    records = [
        one for change in changes if change.command == "upsert_rate" for one in change.records
    ]
    told = [[one and one["rate"] for one in (record.before, record.after)] for record in records]
    assert told == [[None, "1.25"], ["1.25", "1.5"]]
    done = client.revalue_reservations(reason="end of month")
    assert (done.examined, done.revalued, done.kept) == (2, 2, 0)
    before = [client.get_reservation(account_id="A", order_id=name) for name in ("O", "P")]
    assert [held.open_minor for held in before] == [33_33, 50_00]
    server.kill()
    server.start()
    with Client(server.address) as again:
        after = [again.get_reservation(account_id="A", order_id=name) for name in ("O", "P")]
        assert after == before
        assert list(again.list_reservations(account_id="A")) == before
        released = again.release(account_id="A", order_id="P")
        assert (released.released_amount_minor, released.reservation.open_minor) == (33_33, 0)
    assert server.terminate() == 0
    books = Auditor(server.store).advance()
    assert (books.account("A").reserved, books.account("A").captured) == (33_33, 13_89)


def test_an_order_of_a_later_day_counts_by_the_clock(server: ServerProcess, client: Client) -> None:
    put_in_force(server, "[exposure]\nhorizon_days = 2\ntax_counts = false\n")
    later = client.check_and_reserve(
        "A", "O", 1_200_00, "USD", ship_date=date(2024, 3, 4), tax_minor=200_00
    )
    assert later.decision is Decision.APPROVED
    assert later.counting is not None
    assert later.counting.waiting
    assert client.get_position("A").reserved_minor == 0
    client.check_and_reserve("A", "P", 10_00, "USD")
    server.api.set_time(START_S + 2 * DAY_S)
    # What the clock does precedes what it answers.
    assert client.get_position("A").reserved_minor == 1_010_00
    confirmed = client.confirm(account_id="A", order_id="O")
    assert [reason.code for reason in confirmed.reasons] == [ReasonCode.INSUFFICIENT_CREDIT]
    assert server.terminate() == 0
    assert Auditor(server.store).advance().account("A").reserved == 1_010_00


def test_an_order_is_billed_to_another_account(server: ServerProcess, client: Client) -> None:
    with pytest.raises(NotFoundError, match="bill_to_account_id"):
        client.check_and_reserve("A", "O", 1_00, "USD", bill_to_account_id="X")
    with pytest.raises(InvalidRequestError, match="tax_minor"):
        client.check_and_reserve("A", "O", 1_00, "USD", tax_minor=60, freight_minor=40)
    with pytest.raises(InvalidRequestError, match="freight_minor"):
        client.check_and_reserve("A", "O", 1_00, "USD", freight_minor=1_00)
    result = client.check_and_reserve("A", "O", 600_00, "USD", bill_to_account_id="B")
    assert result.counting is not None
    assert result.counting.sold_to_account_id == "A"
    assert [client.get_position(name).reserved_minor for name in "AB"] == [0, 600_00]
    client.place_hold("A", "H", "looked at", source="desk")
    again = client.check_and_reserve("A", "P", 600_00, "USD", bill_to_account_id="B")
    found = [(reason.code, reason.hold_id, reason.sold_to_account_id) for reason in again.reasons]
    assert found == [
        (ReasonCode.ACCOUNT_ON_HOLD, "H", "A"),
        (ReasonCode.INSUFFICIENT_CREDIT, "", ""),
    ]
