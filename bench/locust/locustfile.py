"""Orders over gRPC: each is checked and reserved, then captured or released."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.message import Message
from grpc.experimental.gevent import init_gevent
from locust import User, events, task
from locust.env import Environment

from creditgate.v1 import account_pb2, account_pb2_grpc, common_pb2, decision_pb2, decision_pb2_grpc

ACCOUNTS = 1_000
LIMIT_MINOR = 50_000_00
ORDER_MINOR = 1_000_00
CAPTURED_ONE_IN = 4
TIMEOUT_S = 5
CURRENCY = "EUR"

# locust has patched the standard library; grpc waits in C, which a greenlet could not leave.
init_gevent()


def upsert_accounts(environment: Environment, **_: Any) -> None:
    """The accounts that all users order for."""
    limit = common_pb2.CreditLimit(kind=common_pb2.LIMIT_KIND_AMOUNT, amount_minor=LIMIT_MINOR)
    accounts = [
        account_pb2.AccountUpsert(account_id=f"bench-{number}", currency=CURRENCY, limit=limit)
        for number in range(ACCOUNTS)
    ]
    request = account_pb2.UpsertAccountsRequest(request_id=str(uuid4()), accounts=accounts)
    with grpc.insecure_channel(environment.host or "") as channel:
        account_pb2_grpc.CreditAccountServiceStub(channel).UpsertAccounts(request, timeout=60)


events.test_start.add_listener(upsert_accounts)


class OrderUser(User):
    """One sales channel with a connection of its own and one order at a time."""

    def on_start(self) -> None:
        """Connect."""
        # A pool of its own, or all users would share one connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.connection = grpc.insecure_channel(self.host or "", options=options)
        self.stub = decision_pb2_grpc.CreditDecisionServiceStub(self.connection)
        self.orders = 0

    def on_stop(self) -> None:
        """Disconnect."""
        self.connection.close()

    @task
    def order(self) -> None:
        """One order from its check to its end; a decline ends it at once."""
        self.orders += 1
        answer = self.call(
            "CheckAndReserve",
            self.stub.CheckAndReserve,
            decision_pb2.CheckAndReserveRequest(
                request_id=str(uuid4()),
                account_id=f"bench-{uuid4().int % ACCOUNTS}",
                order_id=str(uuid4()),
                amount_minor=ORDER_MINOR,
                currency=CURRENCY,
                channel="bench",
            ),
        )
        if answer is None or not answer.reservation_id:
            return
        held = {"request_id": str(uuid4()), "reservation_id": answer.reservation_id}
        if self.orders % CAPTURED_ONE_IN == 0:
            capture = decision_pb2.CaptureRequest(**held, invoice_id=str(uuid4()), final=True)
            self.call("Capture", self.stub.Capture, capture)
        else:
            self.call("Release", self.stub.Release, decision_pb2.ReleaseRequest(**held))

    def call(self, name: str, method: Callable[..., Any], request: Message) -> Any:
        """Call and report to locust; returns None for a call that failed."""
        begin = time.perf_counter()
        answer, failure = None, None
        try:
            answer = method(request, timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            failure = error
        self.environment.events.request.fire(
            request_type="grpc",
            name=name,
            response_time=(time.perf_counter() - begin) * 1000,
            response_length=0 if answer is None else answer.ByteSize(),
            exception=failure,
        )
        return answer
