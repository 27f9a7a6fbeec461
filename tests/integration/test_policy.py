"""Policies over a real socket: put by one, activated by another, and the same after kill -9."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from creditgate.audit.books import Auditor
from creditgate.client import (
    AccountUpsert,
    CallError,
    Client,
    ClientOptions,
    CreditLimit,
    Decision,
    Effect,
    InvalidRequestError,
    NotFoundError,
    PolicyStatus,
    PreconditionError,
    ReasonCode,
    UpsertResult,
)
from tests.conftest import StartServer
from tests.support.server import ServerProcess

BANDS = """
[all.utilisation]
hysteresis = 10
[[all.utilisation.band]]
percent = 80
outcome = "notify"
[[all.utilisation.band]]
percent = 90
outcome = "refer"

[channel.pos.maximum-order]
amount = "0.30 USD"
outcome = "hold"
"""


def as_(server: ServerProcess, actor: str) -> Client:
    return Client(server.address, ClientOptions(actor=actor))


def put_in_force(server: ServerProcess, text: str) -> int:
    with as_(server, "anna") as anna, as_(server, "bert") as bert:
        version = anna.put_policy(text, "as agreed").version
        assert bert.activate_policy(version, "looked at it").version == version
    return version


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server with an account of a limit of 100."""
    server = start_server()
    open_account(server, "a")
    return server


def open_account(server: ServerProcess, account_id: str) -> None:
    with Client(server.address) as client:
        row = AccountUpsert(account_id=account_id, currency="USD", limit=CreditLimit.of(100))
        (opened,) = client.upsert_accounts([row])
        assert isinstance(opened, UpsertResult)


def test_a_policy_is_the_same_after_a_kill_and_from_the_journal_alone(
    server: ServerProcess,
) -> None:
    version = put_in_force(server, BANDS)
    assert version == 2
    with Client(server.address) as client:
        assert client.check_and_reserve("a", "o", 85, "USD").policy_version == 2
        (said,) = client.check("a", 1, "USD").reasons
        assert (said.code, said.effect) == (ReasonCode.UTILISATION_REACHED, Effect.NOTIFY)
        assert (said.observed, said.threshold) == (86, 80)
    for without_tables in (False, True):
        server.kill()
        if without_tables:
            shutil.rmtree(server.store / "tables")
        server.start()
        with Client(server.address) as client:
            assert client.check("a", 1, "USD").decision is Decision.APPROVED
            found = client.check("a", 5, "USD")
            assert (found.decision, found.policy_version) == (Decision.REFERRED, 2)
            policy = client.get_policy()
            assert (policy.version, policy.text) == (2, BANDS)
            assert (policy.put_by, policy.activated_by) == ("anna", "bert")
    # It is known still in which band the account is: only what it rises into next is crossed.
    with Client(server.address) as client:
        assert client.check_and_reserve("a", "o2", 2, "USD").decision is Decision.APPROVED
        client.release(account_id="a", order_id="o2")
        client.release(account_id="a", order_id="o")
        told = [
            (record.before and record.before["percent"], record.after and record.after["percent"])
            for change in client.list_changes(account_id="a")
            for record in change.records
            if record.kind == "utilisation"
        ]
    assert told == [(None, 80), (80, None)]
    assert server.terminate() == 0
    events = crossings(server.store)
    assert events == [{"utilisation_crossed": [0, 80, level, 2]} for level in (80, 0)]


def crossings(store: Path) -> list[object]:
    books = Auditor(store).advance()
    events = [event for answer in books.answers.values() for event in answer.events]
    return [event for event in events if "utilisation_crossed" in event]


def test_who_put_a_policy_does_not_activate_it(server: ServerProcess) -> None:
    with as_(server, "anna") as anna, as_(server, "bert") as bert:
        first = anna.put_policy("", "nothing beside the built-in rules", request_id="p1")
        again = anna.put_policy("", "nothing beside the built-in rules", request_id="p1")
        assert (again.version, again.replayed) == (first.version, True)
        with pytest.raises(PreconditionError) as raised:
            anna.activate_policy(2, "in a hurry")
        assert raised.value.reason == "POLICY_NEEDS_SECOND"
        with pytest.raises(NotFoundError):
            bert.activate_policy(3, "the wrong one")
        assert bert.get_policy().version == 1
        bert.activate_policy(2, "it is right")
        with pytest.raises(PreconditionError) as raised:
            bert.activate_policy(2, "once more")
        assert raised.value.reason == "POLICY_IN_FORCE"
        put_in_force(server, BANDS)
        listed = [(row.version, row.status, row.text) for row in bert.list_policies()]
        assert listed == [(2, PolicyStatus.RETIRED, ""), (3, PolicyStatus.ACTIVE, "")]


def test_a_text_is_refused_with_every_mistake(server: ServerProcess) -> None:
    text = '[all.utilisation]\nband = 5\n[al]\n[account.b.first-order]\noutcome = "no"\n'
    with Client(server.address) as client:
        problems = client.check_policy(text)
        assert [problem.line for problem in problems] == [2, 3, 4, 5]
        with pytest.raises(InvalidRequestError) as raised:
            client.put_policy(text, "no")
        assert raised.value.reason == "POLICY_INVALID"
        assert [violation.field for violation in raised.value.field_violations] == ["text"] * 4
        # Too many for a header are cut short there, and listed by the check.
        many = "".join(f"{number} = 1\n" for number in range(500))
        assert len(client.check_policy(many)) == 100
        with pytest.raises(InvalidRequestError) as raised:
            client.put_policy(many, "no")
        assert 1 < len(raised.value.field_violations) < 100
        with pytest.raises(InvalidRequestError) as raised:
            client.put_policy("#" * 65_537, "no")
        assert raised.value.reason == "FIELD_INVALID"
        assert list(client.list_policies()) == []


def test_a_rule_holds_the_account_by_its_channel(server: ServerProcess) -> None:
    put_in_force(server, BANDS)
    with Client(server.address) as client:
        assert client.check_and_reserve("a", "w", 31, "USD", channel="web").reasons == ()
        declined = client.check_and_reserve("a", "p", 31, "USD", channel="pos")
        (reason,) = declined.reasons
        assert (declined.decision, reason.effect) == (Decision.DECLINED, Effect.HOLD)
        (hold,) = client.get_account("a").holds
        assert (hold.hold_id, hold.source) == ("policy-maximum-order", "policy")
        held = client.check_and_reserve("a", "x", 1, "USD")
        assert [reason.code for reason in held.reasons] == [ReasonCode.ACCOUNT_ON_HOLD]


def test_a_candidate_is_tried_beside_the_policy_in_force(server: ServerProcess) -> None:
    put_in_force(server, BANDS)
    with as_(server, "anna") as anna:
        anna.put_policy("[all.maximum-order]\namount = '0.10 USD'\n", "stricter")
        with pytest.raises(PreconditionError):
            anna.shadow_policy(2, "it is in force")
        anna.shadow_policy(3, "for a month")
        assert [row.status for row in anna.list_policies()][1] is PolicyStatus.SHADOW
        assert anna.check_and_reserve("a", "o1", 10, "USD").policy_version == 2
        assert anna.check_and_reserve("a", "o2", 20, "USD").decision is Decision.APPROVED
        assert anna.check_and_reserve("a", "o3", 65, "USD").decision is Decision.REFERRED
        both = anna.check_and_reserve("a", "o4", 5, "USD", request_id="o4")
        assert anna.check_and_reserve("a", "o4", 5, "USD", request_id="o4").replayed
        assert both.reasons == ()
        assert anna.get_position("a").reserved_minor == 35
        found = anna.get_shadow()
        assert (found.version, found.orders) == (3, 4)
        kinds = [(row.was.value, row.now.value, row.rule.value) for row in found.differences]
        sizes = [(row.orders, row.amount_minor) for row in found.differences]
        assert kinds == [
            ("APPROVED", "DECLINED", "ORDER_AMOUNT_EXCEEDED"),
            ("REFERRED", "DECLINED", "ORDER_AMOUNT_EXCEEDED"),
        ]
        assert sizes == [(1, 20), (1, 65)]
    server.kill()
    server.start()
    with as_(server, "bert") as bert:
        assert (bert.get_shadow().version, bert.get_shadow().orders) == (3, 0)
        bert.activate_policy(3, "it is right")
        assert bert.get_shadow().version == 0
        bert.shadow_policy(2, "the old one")
        bert.shadow_policy(0, "enough")
        statuses = [PolicyStatus.RETIRED, PolicyStatus.ACTIVE]
        assert [row.status for row in bert.list_policies()] == statuses


def test_an_activation_is_whole_or_not_at_all_after_a_kill(server: ServerProcess) -> None:
    """Killed while policies change: each order was decided by the one that its answer names."""
    with as_(server, "anna") as anna:
        texts = [f'[all.maximum-order]\namount = "{most} USD"\n' for most in ("0.10", "0.30")]
        strict, loose = (anna.put_policy(text, "as agreed").version for text in texts)
    with as_(server, "bert") as bert:
        bert.activate_policy(strict, "to begin with")
    expected = {strict: Decision.DECLINED, loose: Decision.APPROVED}
    known, about_to = strict, strict
    enough, seen = threading.Event(), set()

    def activate() -> None:
        nonlocal known, about_to
        with as_(server, "bert") as bert:
            while True:
                about_to = loose if known == strict else strict
                try:
                    known = bert.activate_policy(about_to, "to and fro").version
                except CallError:
                    return

    def order() -> None:
        with Client(server.address) as client:
            while True:
                try:
                    found = client.check("a", 20, "USD")
                except CallError:
                    return
                assert found.decision is expected[found.policy_version]
                seen.add(found.policy_version)
                if len(seen) == 2:
                    enough.set()

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(task) for task in (activate, order)]
        assert enough.wait(60)
        server.kill()
        for task in running:
            task.result()
    server.start()
    with Client(server.address) as client:
        (active,) = (row for row in client.list_policies() if row.status is PolicyStatus.ACTIVE)
        assert active.version in {known, about_to}
        found = client.check("a", 20, "USD")
        assert (found.policy_version, found.decision) == (active.version, expected[active.version])
    assert server.terminate() == 0
    Auditor(server.store).advance()


def test_a_silent_ledger_by_the_clock(start_server: StartServer) -> None:
    server = start_server(clock="manual")
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with Client(server.address) as client:
        client.set_time(now)
        open_account(server, "a")
        put_in_force(server, "[all.stale-ledger]\nhours = 2\n")
        client.set_time(now + timedelta(hours=1, minutes=59))
        assert client.check("a", 1, "USD").decision is Decision.APPROVED
        client.set_time(now + timedelta(hours=2))
        found = client.check("a", 1, "USD")
        assert [reason.code for reason in found.reasons] == [ReasonCode.LEDGER_STALE]
