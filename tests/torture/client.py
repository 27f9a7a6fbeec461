"""A client process: threads that place, change, ship, cancel and pay orders until the end."""

import random
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import grpc
from google.protobuf.message import Message

from creditgate.v1 import decision_pb2 as decision_v1
from creditgate.v1 import ledger_pb2 as ledger_v1
from tests.support.api import TIMEOUT_S, Api, entry, refusal

ACCOUNTS = [f"account-{i}" for i in range(12)]
LIMIT_MINOR = 20_000
SOURCE = "torture"
THREADS = 4

# What a caller who did nothing wrong may hear: the order has changed since, by a clock or a call.
EXPECTED = {
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
}


class Sent(NamedTuple):
    """One request, as it was sent and can be sent again."""

    method: str
    request: Message

    def ask(self, api: Api) -> Any:
        """Send it; returns the answer."""
        stub = api.ledger if self.method == "PostEntries" else api.decisions
        return getattr(stub, self.method)(self.request, timeout=TIMEOUT_S)


class Report(NamedTuple):
    """What one round brought: what was answered, with its answer, and what was left without one."""

    answered: list[tuple[Sent, Message]]
    lost: list[Sent]
    unexpected: list[str]


class Died(Exception):  # noqa: N818 - an event, not an error
    """The server has gone."""


@dataclass
class Shopper:
    """One thread's orders, and what it has heard."""

    name: str
    chance: random.Random
    api: Api = field(init=False)
    report: Report = field(init=False)
    orders: list[tuple[str, str]] = field(default_factory=list)
    invoices: list[tuple[str, str, int]] = field(default_factory=list)
    _count: int = 0

    def shop(self, address: str) -> Report:
        """Goes on until the server dies."""
        self.report = Report([], [], [])
        with Api(address) as self.api:
            self._shop()
        return self.report

    def _shop(self) -> None:
        moves: list[tuple[int, Callable[[], None]]] = [
            (9, self.order),
            (3, self.adjust),
            (4, self.capture),
            (3, self.release),
            (1, self.batch),
            (1, self.all_or_none),
            (3, self.settle),
        ]
        weights, calls = zip(*moves, strict=True)
        try:
            while True:
                self.chance.choices(calls, weights)[0]()
        except Died:
            return

    def _name(self) -> str:
        self._count += 1
        return f"{self.name}.{self._count}"

    def _ask(self, method: str, request: Message) -> Any:
        """Sends a request and notes what came of it; None when it was refused."""
        sent = Sent(method, request)
        try:
            answer = sent.ask(self.api)
        except grpc.RpcError as error:
            code = refusal(error).code
            if code == grpc.StatusCode.UNAVAILABLE:
                self.report.lost.append(sent)
                raise Died from error
            if code not in EXPECTED:
                self.report.unexpected.append(f"{method} {request}: {error}")
                raise Died from error
            return None
        self.report.answered.append((sent, answer))
        return answer

    def _new_order(self, **fields: Any) -> decision_v1.CheckAndReserveRequest:
        return self.api.order(
            self.chance.choice(ACCOUNTS), self._name(), self.chance.randint(1, 3_000), **fields
        )

    def _some_order(self) -> dict[str, Any]:
        """One of this thread's orders, by name."""
        account_id, order_id = self.chance.choice(self.orders)
        return {"account_id": account_id, "order_id": order_id}

    def order(self) -> None:
        request = self._new_order(
            request_id=self._name(),
            allow_partial=self.chance.random() < 0.2,
            ttl_s=1 if self.chance.random() < 0.1 else None,
            channel="torture",
        )
        self._note(request, self._ask("CheckAndReserve", request))

    def _note(self, request: Any, answer: Any) -> None:
        if answer is not None and answer.approved_amount_minor > 0:
            self.orders.append((request.account_id, request.order_id))
            del self.orders[:-10]

    def adjust(self) -> None:
        if self.orders:
            total = self.chance.randint(0, 4_000)
            self._ask(
                "Adjust",
                decision_v1.AdjustRequest(
                    request_id=self._name(), total_amount_minor=total, **self._some_order()
                ),
            )

    def capture(self) -> None:
        if not self.orders:
            return
        order, invoice_id = self._some_order(), self._name()
        amount = self.chance.randint(1, 2_000) if self.chance.random() < 0.5 else None
        answer = self._ask(
            "Capture",
            decision_v1.CaptureRequest(
                request_id=self._name(),
                invoice_id=invoice_id,
                amount_minor=amount,
                final=self.chance.random() < 0.5,
                forced=self.chance.random() < 0.1,
                reason="shipped" if self.chance.random() < 0.2 else "",
                **order,
            ),
        )
        if answer is not None and answer.captured_amount_minor > 0:
            self.invoices.append((order["account_id"], invoice_id, answer.captured_amount_minor))

    def release(self) -> None:
        if self.orders:
            self._ask(
                "Release",
                decision_v1.ReleaseRequest(request_id=self._name(), **self._some_order()),
            )

    def batch(self) -> None:
        items = [self._new_order(request_id=self._name()) for _ in range(3)]
        request = decision_v1.BatchCheckAndReserveRequest(items=items)
        answer = self._ask("BatchCheckAndReserve", request)
        for item, result in zip(items, answer.results if answer else (), strict=False):
            self._note(item, result.response)

    def all_or_none(self) -> None:
        items = [self._new_order(request_id="") for _ in range(3)]
        request = decision_v1.BatchCheckAndReserveRequest(
            request_id=self._name(), all_or_none=True, items=items
        )
        answer = self._ask("BatchCheckAndReserve", request)
        for item, result in zip(items, answer.results if answer else (), strict=False):
            self._note(item, result.response)

    def settle(self) -> None:
        """The ledger posts an invoice, and the customer pays it; or pays something else."""
        if not self.invoices:
            payment = entry(self._name(), self.chance.choice(ACCOUNTS), "payment", 100)
            self._ask("PostEntries", ledger_v1.PostEntriesRequest(source=SOURCE, entries=[payment]))
            return
        account_id, invoice_id, amount = self.invoices.pop(0)
        paid = [ledger_v1.Allocation(invoice_id=invoice_id, amount_minor=amount)]
        entries = [
            entry(self._name(), account_id, "invoice", amount, invoice_id=invoice_id),
            entry(self._name(), account_id, "payment", amount, allocations=paid),
        ]
        self._ask("PostEntries", ledger_v1.PostEntriesRequest(source=SOURCE, entries=entries))


def run(pipe: Connection, name: str, seed: int) -> None:
    """The process: plays one round for each address that comes through the pipe, until None."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends all
    names = [f"{name}.{thread}" for thread in range(THREADS)]
    shoppers = [Shopper(name, random.Random(f"{seed} {name}")) for name in names]
    with ThreadPoolExecutor(THREADS) as threads:
        while (address := pipe.recv()) is not None:
            done = [threads.submit(shopper.shop, address) for shopper in shoppers]
            pipe.send([report.result() for report in done])
