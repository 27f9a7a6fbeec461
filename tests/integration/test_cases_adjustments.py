"""Adjustments of what the ledger says, which a second person posts: all of them or none."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import grpc
import pytest

from creditgate.client import (
    AccountUpsert,
    Client,
    ClientOptions,
    CreditgateError,
    CreditLimit,
    EntryKind,
    EntryOutcome,
    LedgerEntry,
    LimitKind,
    NotFoundError,
    PreconditionError,
)
from creditgate.v1 import ledger_pb2
from tests.support.server import ServerProcess

UNLIMITED = CreditLimit(LimitKind.UNLIMITED)


@contextmanager
def caller(server: ServerProcess, actor: str) -> Iterator[Client]:
    with Client(server.address, ClientOptions(actor=actor)) as client:
        yield client


def entry(name: str, account_id: str = "a", amount_minor: int = 5) -> LedgerEntry:
    return LedgerEntry(
        entry_id=name, account_id=account_id, kind=EntryKind.ADJUSTMENT, amount_minor=amount_minor,
        currency="USD",
    )  # fmt: skip


def test_a_second_person_posts_what_was_proposed(server: ServerProcess) -> None:
    with caller(server, "anna") as anna, caller(server, "bert") as bert:
        anna.upsert_accounts([AccountUpsert(account_id="a", currency="USD", limit=UNLIMITED)])
        entries = [entry("one"), entry("two", amount_minor=-2)]
        proposed = anna.propose_adjustments("fix", entries, "counted by hand")
        (waiting,) = bert.list_adjustments()
        assert (waiting.adjustments_id, waiting.proposed_by) == (proposed.adjustments_id, "anna")
        assert (waiting.source, waiting.entry_count) == ("fix", 2)
        approve = partial(bert.approve_adjustments, proposed.adjustments_id)
        with pytest.raises(PreconditionError) as own:
            anna.approve_adjustments(proposed.adjustments_id, entries)
        assert own.value.reason == "OWN_ADJUSTMENTS"
        for others in ([entry("one")], [entries[1], entries[0]], [entry("one"), entry("two")]):
            with pytest.raises(PreconditionError) as changed:
                approve(others)
            assert changed.value.reason == "ADJUSTMENTS_CHANGED"
        assert anna.get_position("a").outstanding_minor == 0

        done = approve(entries, "so did I", request_id="yes")
        assert approve(entries, "so did I", request_id="yes").journal_seq == done.journal_seq
        assert anna.get_position("a").outstanding_minor == 3
        (posted,) = anna.post_entries("fix", entries[:1])
        assert posted.outcome is EntryOutcome.DUPLICATE
        with pytest.raises(NotFoundError) as gone:
            approve(entries)
        assert gone.value.reason == "ADJUSTMENTS_NOT_FOUND"

        server.restart()
    with caller(server, "carla") as carla:
        assert not list(carla.list_adjustments())
        changes = {change.command: change for change in carla.list_changes()}
        told = changes["propose_adjustments"]
        assert (told.actor, told.reason, told.source) == ("anna", "counted by hand", "fix")
        (record,) = told.records
        assert (record.kind, record.before) == ("adjustments", None)
        told = changes["approve_adjustments"]
        assert (told.actor, told.reason, told.journal_seq) == ("bert", "so did I", done.journal_seq)
        assert told.records[0].after is None
        told = changes["post"]
        assert (told.actor, told.source, told.request_id) == ("bert", "fix", "two")


def test_an_entry_that_cannot_be_posted_is_named_and_none_is(server: ServerProcess) -> None:
    with caller(server, "anna") as anna, caller(server, "bert") as bert:
        anna.upsert_accounts([AccountUpsert(account_id="a", currency="USD", limit=UNLIMITED)])
        for bad, named in [
            ([entry("one"), entry("one")], r"entries\[1\]: entry_id is"),
            ([LedgerEntry(entry_id="x", account_id="a", kind=EntryKind.PAYMENT, amount_minor=1,
                          currency="USD")], r"entries\[0\]: kind is"),
        ]:  # fmt: skip
            with pytest.raises(CreditgateError, match=named):
                anna.propose_adjustments("fix", bad, "why")
        entries = [entry("one"), entry("two", "nobody")]
        proposed = anna.propose_adjustments("fix", entries, "why")
        with pytest.raises(NotFoundError, match=r"entries\[1\]: account_id .*nobody") as refused:
            bert.approve_adjustments(proposed.adjustments_id, entries)
        assert refused.value.reason == "ACCOUNT_NOT_FOUND"
        assert anna.get_position("a").outstanding_minor == 0
        anna.reject_adjustments(proposed.adjustments_id, "nobody is nobody")
        assert not list(anna.list_adjustments())
        # The name of the entry that was taken back is free.
        (posted,) = anna.post_entries("fix", entries[:1])
        assert posted.outcome is EntryOutcome.POSTED


def test_a_kill_leaves_all_of_an_approval_or_nothing(server: ServerProcess) -> None:
    with caller(server, "anna") as anna:
        anna.upsert_accounts([AccountUpsert(account_id="a", currency="USD", limit=UNLIMITED)])
    found = 0
    for round_ in range(6):
        entries = [entry(f"{round_}:{number}", amount_minor=1) for number in range(1_000)]
        with caller(server, "anna") as anna:
            proposed = anna.propose_adjustments("fix", entries, "why")
            request = ledger_pb2.ApproveAdjustmentsRequest(
                request_id=f"{round_}",
                adjustments_id=proposed.adjustments_id,
                entries=[
                    ledger_pb2.LedgerEntry(
                        entry_id=row.entry_id, account_id="a", amount_minor=1, currency="USD",
                        kind=ledger_pb2.ENTRY_KIND_ADJUSTMENT,
                    )
                    for row in entries
                ],
            )  # fmt: skip
            metadata = [("creditgate-actor", "bert")]
            answer = server.api.ledger.ApproveAdjustments.future(request, metadata=metadata)
            # Each time a little later.
            for _ in range(2 * round_):
                anna.get_account("a")
            server.restart()
        with caller(server, "anna") as anna:
            outstanding = anna.get_position("a").outstanding_minor
            waits = bool(list(anna.list_adjustments()))
            assert outstanding - found == (0 if waits else 1_000)
            assert not (waits and answer.code() is grpc.StatusCode.OK)
            found = outstanding
            if waits:
                anna.reject_adjustments(proposed.adjustments_id, "killed")
