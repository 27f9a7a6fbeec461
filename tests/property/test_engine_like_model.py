"""Random commands through the whole core, journal and disk included, held against the model."""

import itertools
import select
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from creditgate.core import METHODS, Core
from creditgate.v1 import account_pb2, clock_pb2, common_pb2, decision_pb2, ledger_pb2
from tests.property.model import Account, RefusedError

DAY_S = 86_400
ACCOUNTS = ("a", "ä")
MessageT = TypeVar("MessageT", bound=Message)

# Few names and small amounts, so that commands meet.
account_ids = st.sampled_from(ACCOUNTS)
orders = st.sampled_from(("o1", "o2", "o3"))
invoices = st.sampled_from(("i1", "i2", "i3", "i4"))
amounts = st.integers(1, 60)
maybe = st.none() | amounts

steps = st.one_of(
    st.tuples(st.just("reserve"), account_ids, orders, amounts, st.booleans()),
    st.tuples(st.just("adjust"), account_ids, orders, st.integers(0, 80)),
    st.tuples(st.just("capture"), account_ids, orders, invoices, maybe, st.booleans()),
    st.tuples(st.just("release"), account_ids, orders, maybe),
    st.tuples(st.just("post"), account_ids, invoices, amounts, orders | st.just("")),
    st.tuples(st.just("pay"), account_ids, amounts),
    st.tuples(st.just("limit"), account_ids, st.integers(0, 150)),
    st.tuples(st.just("expire")),
    st.tuples(st.just("restart")),
)


def opened(store: Path) -> Core:
    """A core that forgets no closed order within a story: the model forgets none."""
    return Core(str(store), clock="manual", default_ttl_s=DAY_S, closed_retention_s=3_660 * DAY_S)


class Engine:
    """A core on a manual clock, spoken to as the server speaks to it."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.core = opened(store)
        self.names = itertools.count(1)
        self.time_s = DAY_S
        self.expire()

    def call(self, method: str, request: Message, reply: type[MessageT]) -> MessageT:
        number = next(n for path, n in METHODS.items() if path.endswith(f"/{method}"))
        ticket = self.core.submit(number, request.SerializeToString(), "test", None)
        while True:
            select.select([self.core.fileno()], [], [], 60)
            for found, code, answer in self.core.drain():
                assert found == ticket
                if code:
                    raise RefusedError(reason_of(answer))
                return reply.FromString(answer)

    def name(self) -> str:
        return f"r{next(self.names)}"

    def reserve(self, account: str, order: str, amount: int, allow_partial: bool) -> int:
        request = decision_pb2.CheckAndReserveRequest(
            request_id=self.name(), account_id=account, order_id=order, amount_minor=amount,
            currency="USD", allow_partial=allow_partial,
        )  # fmt: skip
        reply = self.call("CheckAndReserve", request, decision_pb2.CheckAndReserveResponse)
        return reply.approved_amount_minor

    def adjust(self, account: str, order: str, total: int) -> bool:
        request = decision_pb2.AdjustRequest(
            request_id=self.name(), account_id=account, order_id=order, total_amount_minor=total
        )
        reply = self.call("Adjust", request, decision_pb2.AdjustResponse)
        return reply.result.decision == common_pb2.DECISION_APPROVED

    def capture(
        self, account: str, order: str, invoice: str, amount: int | None, forced: bool
    ) -> int:
        request = decision_pb2.CaptureRequest(
            request_id=self.name(), account_id=account, order_id=order, invoice_id=invoice,
            amount_minor=amount, forced=forced,
        )  # fmt: skip
        reply = self.call("Capture", request, decision_pb2.CaptureResponse)
        return reply.captured_amount_minor

    def release(self, account: str, order: str, amount: int | None) -> int:
        request = decision_pb2.ReleaseRequest(
            request_id=self.name(), account_id=account, order_id=order, amount_minor=amount
        )
        return self.call("Release", request, decision_pb2.ReleaseResponse).released_amount_minor

    def post(self, account: str, invoice: str, amount: int, order: str) -> None:
        self._entry(
            ledger_pb2.LedgerEntry(
                entry_id=self.name(),
                account_id=account,
                kind=ledger_pb2.ENTRY_KIND_INVOICE,
                amount_minor=amount,
                currency="USD",
                invoice_id=invoice,
                order_id=order,
            )
        )

    def pay(self, account: str, amount: int) -> None:
        self._entry(
            ledger_pb2.LedgerEntry(
                entry_id=self.name(),
                account_id=account,
                kind=ledger_pb2.ENTRY_KIND_PAYMENT,
                amount_minor=amount,
                currency="USD",
            )
        )

    def _entry(self, entry: ledger_pb2.LedgerEntry) -> None:
        request = ledger_pb2.PostEntriesRequest(source="test", entries=[entry])
        (result,) = self.call("PostEntries", request, ledger_pb2.PostEntriesResponse).results
        if result.HasField("error"):
            raise RefusedError(result.error.reason)

    def limit(self, account: str, amount: int) -> None:
        limit = common_pb2.CreditLimit(kind=common_pb2.LIMIT_KIND_AMOUNT, amount_minor=amount)
        row = account_pb2.AccountUpsert(account_id=account, currency="USD", limit=limit)
        request = account_pb2.UpsertAccountsRequest(request_id=self.name(), accounts=[row])
        (result,) = self.call("UpsertAccounts", request, account_pb2.UpsertAccountsResponse).results
        assert not result.HasField("error")

    def expire(self) -> None:
        self.time_s += 2 * DAY_S
        request = clock_pb2.SetTimeRequest()
        request.time.FromSeconds(self.time_s)
        self.call("SetTime", request, clock_pb2.SetTimeResponse)

    def restart(self) -> None:
        self.core.close()
        self.core = opened(self.store)
        # A restarted clock stands at the last commit, which may lie before the last SetTime.
        self.expire()

    def counters(self, account: str) -> tuple[int, int, int]:
        request = account_pb2.GetPositionRequest(account_id=account)
        found = self.call("GetPosition", request, account_pb2.GetPositionResponse).position
        return found.outstanding_minor, found.captured_minor, found.reserved_minor


def reason_of(answer: bytes) -> str:
    """The reason in a serialized google.rpc.Status."""
    info = error_details_pb2.ErrorInfo()
    assert status_pb2.Status.FromString(answer).details[0].Unpack(info)
    return str(info.reason)


def outcome(call: Callable[[], object]) -> object:
    """What a call answers, or the reason for which it is refused."""
    try:
        return call()
    except RefusedError as refused:
        return str(refused)


def play(step: tuple[Any, ...], engine: Engine, model: dict[str, Account]) -> None:
    """One step on both sides, which must answer the same."""
    name, *arguments = step
    if name in {"expire", "restart"}:
        getattr(engine, name)()
        for account in model.values():
            account.expire()
        return
    account, *rest = arguments
    if name == "limit":
        model[account].limit = rest[0]
        engine.limit(account, rest[0])
    elif name == "pay":
        model[account].outstanding -= rest[0]
        engine.pay(account, rest[0])
    else:
        expected = outcome(lambda: getattr(model[account], name)(*rest))
        assert outcome(lambda: getattr(engine, name)(account, *rest)) == expected, step


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=st.lists(steps, max_size=40))
@example(
    story=[
        ("post", "a", "i2", 1, ""),
        ("capture", "a", "o1", "i2", 1, True),
        ("adjust", "a", "o1", 1),
    ]
)
def test_the_engine_answers_like_the_model(
    story: list[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    engine = Engine(tmp_path_factory.mktemp("store"))
    model = {name: Account(limit=100) for name in ACCOUNTS}
    for name in ACCOUNTS:
        engine.limit(name, 100)
    try:
        for step in story:
            play(step, engine, model)
            for name, account in model.items():
                assert engine.counters(name) == account.counters, step
    finally:
        engine.core.close()
