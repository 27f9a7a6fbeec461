"""The users of a day: order entry, points of sale, back office, EDI, and a load of limits.

Order entry goes on steadily; tills have queues and then nobody; the others wait at random between
what they do. All are independent, so that a slow answer to one delays no other.
"""

import random
import time
from argparse import ArgumentParser
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import gevent  # type: ignore[import-untyped]
import grpc
from google.protobuf.message import Message
from grpc.experimental.gevent import init_gevent
from locust import LoadTestShape, User, events, task
from locust.env import Environment

from bench.locust.day import DAY, USERS_USUAL, phase_at
from bench.locust.refusals import fault_of
from bench.locust.samples import LOCUST_ITSELF, OK, Sample, write
from creditgate.v1 import account_pb2, account_pb2_grpc, common_pb2, decision_pb2, decision_pb2_grpc

ACCOUNTS = 10_000
ROWS_A_CALL = 1_000
LIMIT_MINOR = 50_000_00
ORDER_MINOR_MAX = 2_000_00
BATCH_ITEMS = 50
TILL_ORDERS_MAX = 15
TILL_ORDERS_A_S = 2.5
CURRENCY = "EUR"

DEADLINE_S = 1.0
BULK_DEADLINE_S = 30.0
CONNECTIONS = 8
SPAWNED_A_S = 200
LAG_EVERY_S = 0.02

# locust has patched the standard library; grpc waits in C, which a greenlet could not leave.
init_gevent()


class Day:
    """What all users share: connections, open orders, and what was measured."""

    def __init__(self) -> None:
        self.begin = 0.0
        self.length_s = 0.0
        self.channels: list[grpc.Channel] = []
        self.open_orders: deque[str] = deque()
        """Ids of reservations that the back office has yet to deal with."""
        self.samples: list[Sample] = []

    def now_s(self) -> float:
        """Seconds since the day began."""
        return time.perf_counter() - self.begin

    def connect(self, host: str) -> None:
        """Connections of their own, where gRPC would share one among all users."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channels = [grpc.insecure_channel(host, options) for _ in range(CONNECTIONS)]

    def call(
        self, name: str, method: Callable[..., Any], request: Message, timeout_s: float = DEADLINE_S
    ) -> Any:
        """Call, note what became of it; None for a call that was not answered."""
        sent_s, begin = self.now_s(), time.perf_counter()
        answer, error = None, None
        try:
            answer = method(request, timeout=timeout_s)
        except grpc.RpcError as refusal:
            error = refusal
        latency_ms = (time.perf_counter() - begin) * 1e3
        outcome = OK if error is None else error.code().name
        fault = "" if error is None else fault_of(error, latency_ms >= timeout_s * 1e3)
        self.samples.append(Sample(sent_s, name, latency_ms, outcome, fault))
        events.request.fire(
            request_type="grpc",
            name=name,
            response_time=latency_ms,
            response_length=0 if answer is None else answer.ByteSize(),
            exception=error if fault else None,
        )
        return answer


day = Day()


def add_options(parser: ArgumentParser, **_: Any) -> None:
    """Locust's own --run-time would cut the day off; this one stretches it."""
    parser.add_argument("--day", type=float, default=60.0, help="length of the day, in seconds")
    parser.add_argument("--samples", type=Path, help="file for what was measured, call by call")


def begin_day(environment: Environment, **_: Any) -> None:
    """Open the accounts that all users order for, then let the day begin."""
    assert environment.parsed_options is not None
    day.connect(environment.host or "")
    upsert = account_pb2_grpc.CreditAccountServiceStub(day.channels[0]).UpsertAccounts
    for first in range(0, ACCOUNTS, ROWS_A_CALL):
        upsert(limits(first, LIMIT_MINOR), timeout=BULK_DEADLINE_S)
    day.length_s = environment.parsed_options.day
    day.begin = time.perf_counter()
    gevent.spawn(watch_own_lag)


def end_day(environment: Environment, **_: Any) -> None:
    """Hand over what was measured."""
    assert environment.parsed_options is not None
    if environment.parsed_options.samples is not None:
        write(environment.parsed_options.samples, day.samples)


def watch_own_lag() -> None:
    """Note how late a sleeper wakes: what locust adds to every time that it measures."""
    while True:
        begin, sent_s = time.perf_counter(), day.now_s()
        gevent.sleep(LAG_EVERY_S)
        late_ms = (time.perf_counter() - begin - LAG_EVERY_S) * 1e3
        day.samples.append(Sample(sent_s, LOCUST_ITSELF, max(late_ms, 0.0), OK))


def limits(first: int, amount_minor: int) -> account_pb2.UpsertAccountsRequest:
    """One call of a load of limits, for the accounts from `first` on."""
    limit = common_pb2.CreditLimit(kind=common_pb2.LIMIT_KIND_AMOUNT, amount_minor=amount_minor)
    rows = [
        account_pb2.AccountUpsert(account_id=f"budget-{number}", currency=CURRENCY, limit=limit)
        for number in range(first, first + ROWS_A_CALL)
    ]
    return account_pb2.UpsertAccountsRequest(request_id=str(uuid4()), accounts=rows)


def order() -> decision_pb2.CheckAndReserveRequest:
    """An order of anybody's."""
    return decision_pb2.CheckAndReserveRequest(
        request_id=str(uuid4()),
        account_id=f"budget-{random.randrange(ACCOUNTS)}",
        order_id=str(uuid4()),
        amount_minor=random.randint(1, ORDER_MINOR_MAX),
        currency=CURRENCY,
    )


events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(begin_day)
events.test_stop.add_listener(end_day)


class Shape(LoadTestShape):
    """As many users as the hour brings."""

    def tick(self) -> tuple[int, float] | None:
        """Users and how many of them come a second; None at the day's end."""
        part = day.now_s() / day.length_s
        return None if part >= 1 else (USERS_USUAL * phase_at(part).times_usual, SPAWNED_A_S)


class Caller(User):
    """Somebody with a connection."""

    abstract = True
    wait_mean_s = 0.4

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.stub = decision_pb2_grpc.CreditDecisionServiceStub(random.choice(day.channels))

    def on_start(self) -> None:
        """Those who come together do not begin together."""
        gevent.sleep(random.uniform(0, self.wait_mean_s))

    def wait_time(self) -> float:
        """Seconds until this user's next task."""
        return random.expovariate(1 / self.wait_mean_s)

    def reserve(self) -> str:
        """Place an order; returns the reservation's id, empty when there is none."""
        answer = day.call("CheckAndReserve", self.stub.CheckAndReserve, order())
        return "" if answer is None else answer.reservation_id

    def capture(self, reservation_id: str) -> None:
        """Ship and invoice an order."""
        capture = decision_pb2.CaptureRequest(
            request_id=str(uuid4()),
            reservation_id=reservation_id,
            invoice_id=str(uuid4()),
            final=True,
        )
        day.call("Capture", self.stub.Capture, capture)


class OrderEntry(Caller):
    """Enters orders at an even pace; asks beforehand, now and then, whether one would fit."""

    weight = 4
    due_s = 0.0

    def wait_time(self) -> float:
        """Seconds until the next order is due, which is at once where the last one took longer."""
        now_s = day.now_s()
        self.due_s = max((self.due_s or now_s) + self.wait_mean_s, now_s)
        return self.due_s - now_s

    @task
    def enter(self) -> None:
        """One order, left for the back office."""
        if random.random() < 0.25:
            asked = order()
            check = decision_pb2.CheckRequest(
                account_id=asked.account_id,
                amount_minor=asked.amount_minor,
                currency=asked.currency,
            )
            day.call("Check", self.stub.Check, check)
        if reservation_id := self.reserve():
            day.open_orders.append(reservation_id)


class PointOfSale(Caller):
    """A queue at a till: orders back to back, each shipped at once; then nobody for seconds."""

    weight = 2
    wait_mean_s = (1 + TILL_ORDERS_MAX) / 2 / TILL_ORDERS_A_S

    @task
    def serve_queue(self) -> None:
        """The whole queue."""
        for _ in range(random.randint(1, TILL_ORDERS_MAX)):
            if reservation_id := self.reserve():
                self.capture(reservation_id)


class BackOffice(Caller):
    """Changes, ships and cancels what others have ordered."""

    weight = 3

    @task
    def deal_with_one(self) -> None:
        """The oldest order that nobody has dealt with."""
        if not day.open_orders:
            return
        held = day.open_orders.popleft()
        what = random.random()
        if what < 0.3:
            total_minor = random.randint(1, ORDER_MINOR_MAX)
            adjust = decision_pb2.AdjustRequest(
                request_id=str(uuid4()), reservation_id=held, total_amount_minor=total_minor
            )
            day.call("Adjust", self.stub.Adjust, adjust)
            day.open_orders.append(held)
        elif what < 0.75:
            self.capture(held)
        else:
            release = decision_pb2.ReleaseRequest(request_id=str(uuid4()), reservation_id=held)
            day.call("Release", self.stub.Release, release)


class Edi(Caller):
    """Sends the orders of a trading partner together."""

    weight = 1
    wait_mean_s = 4.0

    @task
    def send(self) -> None:
        """One batch, left for the back office."""
        batch = decision_pb2.BatchCheckAndReserveRequest(
            items=[order() for _ in range(BATCH_ITEMS)]
        )
        answer = day.call("BatchCheckAndReserve", self.stub.BatchCheckAndReserve, batch)
        results = () if answer is None else answer.results
        reserved = (result.response.reservation_id for result in results)
        day.open_orders.extend(reservation_id for reservation_id in reserved if reservation_id)


class LimitLoader(User):
    """Loads new limits for all accounts, call after call, while its phase lasts."""

    fixed_count = 1

    def wait_time(self) -> float:
        """Seconds until it looks again whether there is something to load."""
        return 0.0 if phase_at(day.now_s() / day.length_s).bulk_load else 0.2

    @task
    def load(self) -> None:
        """One call of 1,000 rows."""
        if not phase_at(day.now_s() / day.length_s).bulk_load:
            return
        rows = limits(
            random.randrange(0, ACCOUNTS, ROWS_A_CALL), LIMIT_MINOR + random.randrange(LIMIT_MINOR)
        )
        upsert = account_pb2_grpc.CreditAccountServiceStub(day.channels[0]).UpsertAccounts
        day.call("UpsertAccounts", upsert, rows, BULK_DEADLINE_S)


assert sum(phase.share for phase in DAY) > 0.999, "the phases fill the day"
