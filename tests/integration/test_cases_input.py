"""Input at the edge and beyond: refused with the field named, nothing changed; or taken whole."""

from collections.abc import Callable

import grpc
import pytest

from creditgate.audit.books import Auditor
from creditgate.v1 import account_pb2 as accounts_v1
from creditgate.v1 import common_pb2 as common_v1
from creditgate.v1 import decision_pb2 as decision_v1
from creditgate.v1 import ledger_pb2 as ledger_v1
from tests.support.api import (
    APPROVED,
    DECLINED,
    I64_MAX,
    Api,
    Refused,
    amount_limit,
    entry,
    refused,
)
from tests.support.server import ServerProcess

INVALID = grpc.StatusCode.INVALID_ARGUMENT
AMOUNT_MAX = 10**18

NAMES = [
    "a",
    "ä" * 32,
    "客户" * 10,
    "عميل ١٢٣",
    "клиент № 7",
    "🏬🧾",
    " spaces kept ",
    "a/b:c;d,e\"f'g\\h%00",
    "x" * 64,
]


def invalid(*fields: str) -> Refused:
    return Refused(INVALID, "FIELD_INVALID", fields)


def nothing_reserved(api: Api) -> bool:
    return api.position("a").reserved_minor == 0


@pytest.mark.parametrize("amount", [0, -1, -I64_MAX - 1, I64_MAX, AMOUNT_MAX + 1])
def test_amounts_that_are_none(api: Api, amount: int) -> None:
    api.open_account("a", 1_000)
    assert refused(lambda: api.reserve("a", "o", amount)) == invalid("amount_minor")
    api.reserve("a", "taken", 10)
    for call in (
        lambda: api.capture("a", "taken", "i", amount_minor=amount),
        lambda: api.release("a", "taken", amount_minor=amount),
    ):
        assert refused(call) == invalid("amount_minor")
    if amount != 0:
        assert refused(lambda: api.adjust("a", "taken", amount)) == invalid("total_amount_minor")
    (item,) = api.batch([api.order("a", "o", amount)])
    assert (item.error.code, item.error.reason) == (INVALID.value[0], "FIELD_INVALID")
    assert item.error.field.endswith("amount_minor")
    assert str(amount) in item.error.message
    assert api.position("a").reserved_minor == 10


def test_the_largest_amount_is_decided(api: Api) -> None:
    api.open_account("a", AMOUNT_MAX)
    assert api.reserve("a", "o", AMOUNT_MAX).result.decision == APPROVED
    assert api.reserve("a", "p", 1).result.decision == DECLINED
    assert api.reserve("a", "q", AMOUNT_MAX).result.decision == DECLINED


def test_sums_stay_in_range(api: Api) -> None:
    api.open_account("a", AMOUNT_MAX)
    # Four times the largest amount is the most that an account may owe.
    api.post(*[entry(f"e{i}", "a", "opening_balance", AMOUNT_MAX) for i in range(4)])
    with pytest.raises(AssertionError, match="EXPOSURE_OUT_OF_RANGE"):
        api.post(entry("e4", "a", "opening_balance", 1))
    position = api.position("a")
    assert position.outstanding_minor == 4 * AMOUNT_MAX
    assert position.available_minor == -3 * AMOUNT_MAX


def test_another_currency(api: Api) -> None:
    api.open_account("a", 1_000)
    unvalued = api.reserve("a", "o", 1, currency="EUR").result
    codes = [reason.code for reason in unvalued.reasons]
    assert (unvalued.decision, codes) == (DECLINED, [common_v1.REASON_CODE_FX_RATE_UNAVAILABLE])
    with pytest.raises(AssertionError, match="CURRENCY_MISMATCH"):
        api.post(entry("e", "a", "payment", 1, currency="EUR"))
    assert nothing_reserved(api)


@pytest.mark.parametrize("currency", ["", "usd", "US", "USDX", "U$D", "ÄB"])
def test_currencies_that_are_none(api: Api, currency: str) -> None:
    api.open_account("a", 1_000)
    assert refused(lambda: api.reserve("a", "o", 1, currency=currency)) == invalid("currency")
    assert nothing_reserved(api)


def test_an_unknown_account(api: Api) -> None:
    unknown = (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")
    calls: list[Callable[[], object]] = [
        lambda: api.reserve("nobody", "o", 1),
        lambda: api.adjust("nobody", "o", 1),
        lambda: api.capture("nobody", "o", "i"),
        lambda: api.release("nobody", "o"),
        lambda: api.reservation("nobody", "o"),
        lambda: api.position("nobody"),
    ]
    assert [refused(call)[:2] for call in calls] == [unknown] * len(calls)
    with pytest.raises(AssertionError, match="ACCOUNT_NOT_FOUND"):
        api.post(entry("e", "nobody", "payment", 1))


def test_an_unknown_order(api: Api) -> None:
    api.open_account("a", 1_000)
    unknown = (grpc.StatusCode.NOT_FOUND, "RESERVATION_NOT_FOUND")
    assert refused(lambda: api.capture("a", "o", "i"))[:2] == unknown
    assert refused(lambda: api.release("a", "o"))[:2] == unknown
    assert refused(lambda: api.adjust("a", "o", 1))[:2] == unknown


@pytest.mark.parametrize("bad", ["", "x" * 65, "ä" * 33, "a\nb", "\x00", "a\x7f"])
def test_ids_that_are_none(api: Api, bad: str) -> None:
    api.open_account("a", 1_000)
    api.reserve("a", "taken", 10)
    refusals: dict[str, Callable[[], object]] = {
        "request_id": lambda: api.reserve("a", "o", 1, request_id=bad),
        "account_id": lambda: api.reserve(bad, "o", 1),
        "order_id": lambda: api.reserve("a", bad, 1),
        "invoice_id": lambda: api.capture("a", "taken", bad),
    }
    for field, call in refusals.items():
        assert refused(call) == invalid(field)
    with pytest.raises(AssertionError, match="entry_id"):
        api.post(entry(bad, "a", "payment", 1))
    assert api.position("a").reserved_minor == 10


def test_ids_in_any_script_are_kept_byte_for_byte(server: ServerProcess) -> None:
    for name in NAMES:
        server.api.open_account(name, 1_000, display_name=name)
        answer = server.api.reserve(name, name, 10, request_id=name, channel=name)
        assert answer.result.decision == APPROVED
        server.api.capture(name, name, name, amount_minor=4)
        server.api.post(entry(name, name, "invoice", 4, invoice_id=name, order_id=name))
    server.restart()
    for name in NAMES:
        found = server.api.reservation(name, name)
        assert (found.account_id, found.order_id, found.open_minor) == (name, name, 6)
        position = server.api.position(name)
        assert (position.account_id, position.outstanding_minor) == (name, 4)
        again = server.api.reserve(name, name, 10, request_id=name, channel=name)
        assert again.result.replayed
    assert server.terminate() == 0
    books = Auditor(server.store).advance()
    assert [account.account_id for account in books.accounts.values()] == NAMES
    assert {(name, 0) for name in NAMES} <= books.answers.keys()
    assert {name for (_, field), name in books.texts.items() if field == "name"} == set(NAMES)


def test_batches_of_none_one_and_the_most(api: Api) -> None:
    api.open_account("a", 10_000)
    assert refused(lambda: api.batch([])) == invalid("items")
    (one,) = api.batch([api.order("a", "one", 1)])
    assert one.response.result.decision == APPROVED
    most = api.batch([api.order("a", f"o{i}", 1) for i in range(1_000)])
    assert [item.response.result.decision for item in most] == [APPROVED] * 1_000
    too_many = [api.order("a", f"p{i}", 1) for i in range(1_001)]
    assert refused(lambda: api.batch(too_many)) == invalid("items")
    assert api.position("a").reserved_minor == 1_001


def test_all_or_none_batches_of_none_one_and_the_most(api: Api) -> None:
    api.open_account("a", 1_001)

    def orders(count: int, name: str) -> list[decision_v1.CheckAndReserveRequest]:
        return [api.order("a", f"{name}{i}", 1, request_id="") for i in range(count)]

    assert refused(lambda: api.batch([], all_or_none_id="none")) == invalid("items")
    assert refused(lambda: api.batch(orders(1_001, "x"), all_or_none_id="x")) == invalid("items")
    (one,) = api.batch(orders(1, "one"), all_or_none_id="one")
    assert one.response.result.decision == APPROVED
    most = api.batch(orders(1_000, "o"), all_or_none_id="most")
    assert [item.response.result.decision for item in most] == [APPROVED] * 1_000
    assert len({item.response.reservation_id for item in most}) == 1_000
    two = api.batch(orders(2, "late"), all_or_none_id="late")
    assert [item.response.result.decision for item in two] == [DECLINED] * 2
    assert api.position("a").reserved_minor == 1_001


def test_bad_items_of_a_batch_leave_the_others(api: Api) -> None:
    api.open_account("a", 100)
    good, bad, unknown = api.batch(
        [api.order("a", "o", 1), api.order("a", "p", 0), api.order("nobody", "o", 1)]
    )
    assert good.response.result.decision == APPROVED
    assert bad.error.reason == "FIELD_INVALID"
    assert unknown.error.reason == "ACCOUNT_NOT_FOUND"
    assert api.position("a").reserved_minor == 1


def test_a_bad_item_refuses_an_all_or_none_batch(api: Api) -> None:
    api.open_account("a", 100)
    orders = [api.order("a", "o", 1, request_id=""), api.order("nobody", "o", 1, request_id="")]
    found = refused(lambda: api.batch(orders, all_or_none_id="r"))
    assert found[:2] == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")
    assert nothing_reserved(api)


@pytest.mark.parametrize("count", [0, 1_001])
def test_bulk_calls_of_none_and_too_many(api: Api, count: int) -> None:
    rows = [accounts_v1.AccountUpsert(account_id=f"b{i}", currency="USD") for i in range(count)]
    upsert = accounts_v1.UpsertAccountsRequest(request_id="r", accounts=rows)
    assert refused(lambda: api.accounts.UpsertAccounts(upsert, timeout=60)) == invalid("accounts")
    entries = [entry(f"e{i}", "a", "payment", 1) for i in range(count)]
    post = ledger_v1.PostEntriesRequest(source="test", entries=entries)
    assert refused(lambda: api.ledger.PostEntries(post, timeout=60)) == invalid("entries")
    stream = ledger_v1.StreamEntriesRequest(source="test", entries=entries)
    assert refused(lambda: list(api.ledger.StreamEntries(iter([stream]), timeout=60))) == invalid(
        "entries"
    )
    segment = accounts_v1.Segment(segment_id="s", currency="USD", default_limit=amount_limit(1))
    segments = accounts_v1.UpsertSegmentsRequest(request_id="s", segments=[segment] * count)
    assert refused(lambda: api.accounts.UpsertSegments(segments, timeout=60)) == invalid("segments")
    watch = accounts_v1.WatchPositionsRequest(account_ids=[f"a{i}" for i in range(count)])
    assert refused(lambda: next(api.accounts.WatchPositions(watch, timeout=60))) == invalid(
        "account_ids"
    )
    assert not list(api.accounts.ListAccounts(accounts_v1.ListAccountsRequest()).accounts)


@pytest.mark.parametrize("amount", [0, -1, I64_MAX, AMOUNT_MAX + 1, -AMOUNT_MAX - 1])
def test_amounts_of_entries_that_are_none(api: Api, amount: int) -> None:
    api.open_account("a", 1_000)
    kinds = ["adjustment", "opening_balance"]
    if amount != -1:  # these two go either way
        for kind in kinds:
            with pytest.raises(AssertionError, match="amount_minor"):
                api.post(entry(kind, "a", kind, amount))
    for kind in ("invoice", "payment", "credit_memo"):
        invoice_id = "i" if kind == "invoice" else ""
        with pytest.raises(AssertionError, match="amount_minor"):
            api.post(entry(kind, "a", kind, amount, invoice_id=invoice_id))
    assert api.position("a").outstanding_minor == 0


@pytest.mark.parametrize("amount", [-1, I64_MAX, AMOUNT_MAX + 1])
def test_limits_that_are_none(api: Api, amount: int) -> None:
    api.open_account("a", 1_000)
    with pytest.raises(AssertionError, match=r"limit\.amount_minor"):
        api.open_account("a", amount)
    with pytest.raises(AssertionError, match="max_order_amount_minor"):
        api.open_account("a", max_order_amount_minor=amount)
    assert api.position("a").available_minor == 1_000
