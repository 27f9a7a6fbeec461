"""kill -9 in the middle of full batches: what was answered is there, and nothing is held twice."""

import itertools
from typing import Any

import grpc

from creditgate.v1 import decision_pb2
from tests.support.api import APPROVED, TIMEOUT_S, Api
from tests.support.server import ServerProcess

ACCOUNTS = 100
ITEMS = 1_000
IN_FLIGHT = 16
ANSWERED_BEFORE_THE_KILL = 20


def batch(api: Api, number: int) -> decision_pb2.BatchCheckAndReserveRequest:
    """Orders of 1 each, spread over all accounts."""
    return decision_pb2.BatchCheckAndReserveRequest(
        items=[
            api.order(f"a{item % ACCOUNTS}", f"o{number}-{item}", 1, request_id=f"r{number}-{item}")
            for item in range(ITEMS)
        ]
    )


def until_killed(server: ServerProcess) -> tuple[dict[int, Any], int]:
    """Keep batches in flight, kill the server after some answers; the answers by batch's number,
    and how many batches were sent."""
    numbers = itertools.count()
    answered: dict[int, Any] = {}
    calls: dict[Any, int] = {}
    killed = False
    while calls or not killed:
        while not killed and len(calls) < IN_FLIGHT:
            number = next(numbers)
            request = batch(server.api, number)
            call = server.api.decisions.BatchCheckAndReserve.future(request, timeout=TIMEOUT_S)
            calls[call] = number
        done = [call for call in calls if call.done()]
        for call in done or [next(iter(calls))]:
            number = calls.pop(call)
            try:
                answered[number] = call.result()
            except grpc.RpcError:
                if not killed:
                    raise
        if not killed and len(answered) >= ANSWERED_BEFORE_THE_KILL:
            server.kill()
            killed = True
    return answered, next(numbers)


def test_what_full_batches_were_answered_survives_kill_9(server: ServerProcess) -> None:
    for account in range(ACCOUNTS):
        server.api.open_account(f"a{account}", 1_000_000)
    answered, sent = until_killed(server)
    server.restart()
    # Sent again, all of them: what was decided before answers as it did, the rest is decided now.
    for number in range(sent):
        again = server.api.decisions.BatchCheckAndReserve(
            batch(server.api, number), timeout=TIMEOUT_S
        )
        for index, result in enumerate(again.results):
            assert result.response.result.decision == APPROVED
            if number in answered:
                assert result.response.result.replayed
                before = answered[number].results[index].response
                assert before.reservation_id == result.response.reservation_id
    positions = [server.api.position(f"a{account}") for account in range(ACCOUNTS)]
    each = sent * ITEMS // ACCOUNTS
    assert [position.reserved_minor for position in positions] == [each] * ACCOUNTS
