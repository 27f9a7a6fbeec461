"""The echo's replies: valid, and as long as ours."""

import pytest

from bench.peers.echo import batch_reply, unary_reply
from creditgate.v1.common_pb2 import DECISION_APPROVED
from creditgate.v1.decision_pb2 import BatchCheckAndReserveResponse, CheckAndReserveResponse


@pytest.mark.parametrize("length", [60, 90, 127, 131, 132, 133, 134, 135, 136, 200, 300])
def test_a_single_reply_is_exactly_so_long(length: int) -> None:
    reply = unary_reply(length)
    # One length cannot be had: where the id's own length takes a second byte.
    assert len(reply) in {length, length - 1}
    assert CheckAndReserveResponse.FromString(reply).result.decision == DECISION_APPROVED


@pytest.mark.parametrize("length", [60_000, 90_000, 97_123, 130_000, 131_500, 140_000])
def test_a_batch_has_every_item_and_is_as_long_within_a_thousandth(length: int) -> None:
    reply = batch_reply(1_000, length)
    assert abs(len(reply) - length) <= length / 1_000
    results = BatchCheckAndReserveResponse.FromString(reply).results
    assert len(results) == 1_000
    assert {item.response.result.decision for item in results} == {DECISION_APPROVED}
