import asyncio

import pytest
from google.rpc import code_pb2, error_details_pb2

from creditgate.server.bridge import PositionWatch
from creditgate.server.drain import Drain
from creditgate.server.errors import CallError, call_error, field_invalid, shutting_down
from creditgate.server.streams import _Totals
from creditgate.v1 import account_pb2, common_pb2, ledger_pb2


def position(account_id: str, reserved_minor: int) -> bytes:
    return account_pb2.WatchPositionsResponse(
        position=account_pb2.Position(account_id=account_id, reserved_minor=reserved_minor)
    ).SerializeToString()


def test_a_slow_watch_gets_the_newest_position_of_each_account() -> None:
    async def scenario() -> list[bytes]:
        watch = PositionWatch()
        for response in (position("a", 1), position("b", 2), position("a", 3), position("a", 4)):
            watch.push(response)
        return [await watch.next(), await watch.next()]

    assert asyncio.run(scenario()) == [position("a", 4), position("b", 2)]


def test_a_watch_wakes_who_waits_and_ends_after_what_it_holds() -> None:
    async def scenario() -> None:
        watch = PositionWatch()
        waiting = asyncio.create_task(watch.next())
        await asyncio.sleep(0)
        watch.push(position("a", 1))
        assert await waiting == position("a", 1)
        watch.push(position("a", 2))
        watch.fail(shutting_down())
        assert await watch.next() == position("a", 2)
        for _ in range(2):
            with pytest.raises(CallError) as caught:
                await watch.next()
            assert caught.value.reason() == "SHUTTING_DOWN"

    asyncio.run(scenario())


def test_drain_ends_a_wait_but_not_finished_work() -> None:
    async def scenario() -> None:
        async def answer() -> int:
            return 7

        drain = Drain()
        assert await drain.unless_begun(answer()) == 7
        forever = asyncio.Event()
        waiting = asyncio.create_task(drain.unless_begun(forever.wait()))
        watching = asyncio.create_task(drain.wait())
        await asyncio.sleep(0)
        drain.begin()
        drain.begin()
        await watching
        assert drain.begun
        with pytest.raises(CallError) as caught:
            await waiting
        assert caught.value.code == code_pb2.UNAVAILABLE

    asyncio.run(scenario())


def test_drain_waits_for_those_that_it_let_in_and_lets_no_other_in() -> None:
    async def scenario() -> None:
        drain = Drain()
        for _ in range(2):
            drain.enter()
        drain.leave()
        drain.begin()
        with pytest.raises(CallError) as caught:
            drain.enter()
        assert caught.value.reason() == "SHUTTING_DOWN"
        idle = asyncio.create_task(drain.idle())
        await asyncio.sleep(0)
        assert not idle.done()
        drain.leave()
        await idle

    asyncio.run(scenario())


def test_one_who_stops_waiting_for_the_drain_does_not_end_it_for_others() -> None:
    async def scenario() -> None:
        drain = Drain()
        first, second = asyncio.create_task(drain.wait()), asyncio.create_task(drain.wait())
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        drain.begin()
        await second

    asyncio.run(scenario())


def test_totals_run_over_the_whole_stream() -> None:
    totals = _Totals()
    posted = ledger_pb2.EntryResult(outcome=ledger_pb2.ENTRY_OUTCOME_POSTED)
    duplicate = ledger_pb2.EntryResult(outcome=ledger_pb2.ENTRY_OUTCOME_DUPLICATE)
    refused = ledger_pb2.EntryResult(
        error=common_pb2.ItemError(code=3, reason="FIELD_INVALID", field="amount_minor")
    )

    def acknowledge(*results: ledger_pb2.EntryResult) -> ledger_pb2.StreamEntriesResponse:
        return totals.acknowledge(
            ledger_pb2.StreamEntriesRequest(
                entries=[ledger_pb2.LedgerEntry(entry_id=f"e{n}") for n in range(len(results))]
            ),
            ledger_pb2.PostEntriesResponse(results=results),
        )

    assert acknowledge(posted, refused, posted) == ledger_pb2.StreamEntriesResponse(
        received=3,
        posted=2,
        rejected=1,
        rejections=[ledger_pb2.EntryRejection(index=1, entry_id="e1", error=refused.error)],
    )
    assert acknowledge(refused, duplicate) == ledger_pb2.StreamEntriesResponse(
        received=5,
        posted=2,
        duplicate=1,
        rejected=2,
        rejections=[ledger_pb2.EntryRejection(index=3, entry_id="e0", error=refused.error)],
    )


def test_an_answer_with_another_number_of_results_is_not_believed() -> None:
    with pytest.raises(ValueError, match="zip"):
        _Totals().acknowledge(
            ledger_pb2.StreamEntriesRequest(entries=[ledger_pb2.LedgerEntry()]),
            ledger_pb2.PostEntriesResponse(),
        )


def test_a_field_error_names_field_and_rule() -> None:
    status = field_invalid("source", "too long").parsed
    assert (status.code, status.message) == (code_pb2.INVALID_ARGUMENT, "source: too long")
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("FIELD_INVALID", "creditgate")
    assert status.details[1].Unpack(request)
    (violation,) = request.field_violations
    assert (violation.field, violation.description) == ("source", "too long")


def test_only_what_there_is_no_room_for_is_worth_asking_again() -> None:
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(250)
    full = call_error(code_pb2.RESOURCE_EXHAUSTED, "QUEUE_FULL", "no room", retry)
    assert full.retry_after_s == 0.25
    assert field_invalid("source", "too long").retry_after_s is None
    # Who waits for a server that ends waits for nothing.
    assert shutting_down().retry_after_s is None
