"""Verifications, proposals, whose word counts, grace and tolerance, over a real socket."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from creditgate.audit.books import Auditor
from creditgate.audit.chain import DamageError
from creditgate.client import (
    AccountUpsert,
    CallError,
    Client,
    ClientOptions,
    CreditLimit,
    Decision,
    InvalidRequestError,
    LimitSource,
    NotFoundError,
    OrderItem,
    PreconditionError,
    ProposalState,
    Segment,
    TemporaryLimitKind,
    UpsertOutcome,
    UpsertResult,
    Verification,
    VerificationRecord,
)
from creditgate.client.cli import main
from creditgate.loaders.dead_letters import default_path
from tests.conftest import StartServer
from tests.support.credentials import token_line, write_lines
from tests.support.journals import commits, forge_chain, rewrite
from tests.support.server import ServerProcess

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TODAY = NOON.date()
DIGEST = "ab" * 32
PENDING = ProposalState.PENDING


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server whose clock stands at noon, with one account."""
    server = start_server(clock="manual")
    with Client(server.address) as client:
        client.set_time(NOON)
        client.upsert_accounts([account(100)])
    return server


def account(limit_minor: int, name: str | None = None) -> AccountUpsert:
    limit = CreditLimit.of(limit_minor)
    return AccountUpsert(account_id="a", currency="USD", limit=limit, display_name=name)


@contextmanager
def caller(server: ServerProcess, actor: str = "", token: str = "") -> Iterator[Client]:
    with Client(server.address, ClientOptions(actor=actor, token=token)) as client:
        yield client


def set_policy(server: ServerProcess, text: str, writer: str = "", activator: str = "") -> None:
    with caller(server, "writer", writer) as client:
        version = client.put_policy(text, "limits").version
    with caller(server, "activator", activator) as client:
        client.activate_policy(version, "agreed")


def verified(reference: str, score: int | None = None, day: date = TODAY) -> VerificationRecord:
    found = Verification(
        reference=reference, source="bureau", date=day, score=score, document_sha256=DIGEST
    )
    return VerificationRecord(account_id="a", verification=found)


def codes(client: Client, amount_minor: int, channel: str = "") -> tuple[Decision, list[str]]:
    result = client.check("a", amount_minor, "USD", channel=channel)
    return result.decision, [reason.code.value for reason in result.reasons]


def load(server: ServerProcess, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["load", *map(str, arguments), "--address", server.address])


def test_a_limit_takes_two_people_and_survives_a_kill(server: ServerProcess) -> None:
    with caller(server, "anna") as anna, caller(server, "bert") as bert:
        (kept,) = anna.record_verifications([verified("D-7", 712)], request_id="v1")
        assert kept.outcome is UpsertOutcome.CREATED
        proposed = anna.propose_limit(
            "a", CreditLimit.of(500), "grew", verification="D-7", request_id="p1"
        )
        assert proposed.state is PENDING
        (waiting,) = bert.list_proposals()
        assert (waiting.account_id, waiting.limit_now) == ("a", CreditLimit.of(100))
        assert (waiting.proposal.proposed_by, waiting.proposal.reason) == ("anna", "grew")
        with pytest.raises(PreconditionError, match="is your own"):
            anna.approve_proposal("a", proposed.proposal_id)
    server.kill()
    server.start()
    with caller(server, "anna") as anna, caller(server, "bert") as bert:
        assert list(bert.list_proposals("a")) == [waiting]
        again = anna.propose_limit(
            "a", CreditLimit.of(500), "grew", verification="D-7", request_id="p1"
        )
        assert (again.proposal_id, again.replayed) == (proposed.proposal_id, True)
        bert.approve_proposal("a", proposed.proposal_id, "the bureau agrees")
        found = bert.get_account("a")
    server.kill()
    books = Auditor(server.store).advance()
    assert books.ceiling(books.account("a")) == 500
    server.start()
    with caller(server, "bert") as bert:
        assert bert.get_account("a") == found
        assert (found.limit, found.proposals) == (CreditLimit.of(500), ())
        assert found.limit_approval is not None
        assert (found.limit_approval.approved_by, found.verified_by) == ("bert", "D-7")
        (known,) = found.verifications
        assert (known.recorded_by, known.record_time) == ("anna", NOON)
        as_recorded = structs.replace(known, recorded_by="", record_time=None)
        assert as_recorded == verified("D-7", 712).verification
        assert list(bert.list_proposals()) == []
        changes = [change for change in bert.list_changes(account_id="a") if change.records]
        assert [change.command for change in changes] == [
            "upsert_account",
            "record_verification",
            "propose_limit",
            "approve_proposal",
        ]
        assert changes[-1].reason == "the bureau agrees"
        bert.erase_texts("a", "asked to")
        second = bert.propose_limit("a", CreditLimit.of(600), "more")
        with caller(server, "anna") as anna:
            anna.reject_proposal("a", second.proposal_id, "not yet")
        assert bert.get_account("a").limit == CreditLimit.of(500)


def test_what_somebody_wrote_of_a_proposal_is_erased(server: ServerProcess) -> None:
    with caller(server, "anna") as anna:
        anna.propose_limit("a", CreditLimit.of(500), "Mrs Smith called")
        assert anna.erase_texts("a", "asked to").entries_erased == 1
    server.kill()
    server.start()
    with caller(server, "anna") as anna:
        (waiting,) = anna.list_proposals()
        assert (waiting.proposal.reason, waiting.proposal.limit) == ("", CreditLimit.of(500))


def test_the_policy_says_whose_first_order_is_taken_and_what_needs_nobody(
    server: ServerProcess,
) -> None:
    set_policy(
        server,
        "[limits]\nfirst_order_needs_verification = true\n"
        "[[limits.approve]]\nchange_percent_max = 20\namount_max = '9 USD'\nscore_min = 600\n",
    )
    with caller(server, "anna") as anna:
        assert codes(anna, 1) == (Decision.DECLINED, ["NO_CREDIT_LIMIT"])
        assert anna.get_position("a").limit_source is LimitSource.UNVERIFIED
        with caller(server, "bert") as bert:
            bert.record_verifications([verified("D-7", 712)])
        result = anna.propose_limit("a", CreditLimit.of(120), "first", verification="D-7")
        assert result.state is ProposalState.APPROVED
        assert codes(anna, 120) == (Decision.APPROVED, [])
        approval = anna.get_account("a").limit_approval
        assert approval is not None
        assert (approval.by_policy, approval.verification) == (True, "D-7")
        beyond = anna.propose_limit("a", CreditLimit.of(145), "more", verification="D-7")
        assert beyond.state is PENDING


def test_an_ended_limit_and_a_channel_may_go_a_little_further(server: ServerProcess) -> None:
    set_policy(server, "[limits]\ngrace_days = 2\ntolerance = { web = 10 }\n")
    with caller(server) as client:
        limit = CreditLimit.of(100, valid_until=TODAY)
        client.upsert_accounts([AccountUpsert(account_id="a", limit=limit)])
        assert codes(client, 105, "web") == (Decision.APPROVED, ["LIMIT_TOLERATED"])
        assert codes(client, 105) == (Decision.DECLINED, ["INSUFFICIENT_CREDIT"])
        done = client.check_and_reserve("a", "o", 105, "USD", channel="web", ttl=timedelta(days=30))
        assert (done.decision, done.available_minor) == (Decision.APPROVED, -5)
        client.set_time(NOON + timedelta(days=2))
        position = client.get_position("a")
        assert position.last_order_date == TODAY + timedelta(days=2)
        confirmed = client.confirm(account_id="a", order_id="o")
        assert confirmed.decision is Decision.APPROVED
        assert [reason.code.value for reason in confirmed.reasons] == ["LIMIT_IN_GRACE"]
        client.set_time(NOON + timedelta(days=3))
        assert client.confirm(account_id="a", order_id="o").decision is Decision.DECLINED
        assert codes(client, 1)[1][0] == "LIMIT_EXPIRED"
    server.kill()
    books = Auditor(server.store).advance()
    assert (books.account("a").exposure, books.breaches) == (105, [])


def test_a_policy_that_goes_too_far_is_refused_with_its_lines(server: ServerProcess) -> None:
    text = "[limits]\nowner = 'us'\ntolerance = { web = 101 }\ngrace_days = -1\n"
    with caller(server, "writer") as client:
        problems = client.check_policy(text)
        assert [problem.line for problem in problems] == [2, 3, 4]
        assert "101 is not a whole number from 1 to 100" in problems[1].message
        with pytest.raises(InvalidRequestError):
            client.put_policy(text, "too far")


def test_a_loader_sets_no_limit_that_is_owned_here(
    start_server: StartServer, tmp_path: Path
) -> None:
    roles = {"erp": "loader", "anna": "finance", "bert": "finance", "writer": "finance"}
    lines = [token_line(name, role, f"cg_{name}") for name, role in roles.items()]
    tokens = write_lines(tmp_path / "tokens.jsonl", lines)
    server = start_server(access_tokens=tokens)
    with caller(server, token="cg_anna") as anna, caller(server, token="cg_erp") as erp:
        anna.upsert_accounts([account(100)])
        set_policy(server, "[limits]\nowner = 'creditgate'\n", "cg_writer", "cg_anna")

        def upsert(client: Client, limit_minor: int, name: str | None = None) -> UpsertResult:
            (result,) = client.upsert_accounts([account(limit_minor, name)], channel="nightly")
            return result

        loaded = upsert(erp, 900, "Acme")
        assert (loaded.outcome, loaded.proposal_state) == (UpsertOutcome.UPDATED, PENDING)
        again = upsert(erp, 900, "Acme")
        assert (again.outcome, again.proposal_id) == (UpsertOutcome.UNCHANGED, loaded.proposal_id)
        found = anna.get_account("a")
        assert (found.limit, found.display_name) == (CreditLimit.of(100), "Acme")
        segment = Segment(segment_id="s", currency="USD", default_limit=CreditLimit.of(7))
        (refused,) = erp.upsert_segments([segment])
        assert refused.error is not None
        assert (refused.error.reason, refused.error.field) == ("LIMIT_OWNED_HERE", "default_limit")
        with pytest.raises(CallError, match="may not call"):
            erp.approve_proposal("a", loaded.proposal_id)
        # Finance's own word holds at once; a file that it loads is its word too.
        assert upsert(anna, 200).proposal_state is None
        with pytest.raises(PreconditionError, match="another limit"):
            anna.approve_proposal("a", loaded.proposal_id)
        loaded = upsert(erp, 900, "Acme")
        anna.approve_proposal("a", loaded.proposal_id)
        assert anna.get_account("a").limit == CreditLimit.of(900)
        set_policy(server, "[limits]\nowner = 'ledger'\n", "cg_writer", "cg_anna")
        assert upsert(erp, 400).proposal_state is None
        mine = upsert(anna, 300)
        assert mine.proposal_state is PENDING
        with caller(server, token="cg_bert") as bert:
            bert.approve_proposal("a", mine.proposal_id)
        assert upsert(erp, 450).outcome is UpsertOutcome.UPDATED
        approval = anna.get_account("a").limit_approval
        assert approval is not None
        assert approval.approved_by == "erp"


def test_nobody_here_sets_a_limit_that_the_ledger_owns(
    server: ServerProcess, tmp_path: Path
) -> None:
    set_policy(server, "[limits]\nowner = 'ledger'\n")
    row = AccountUpsert(account_id="a", max_order_amount_minor=50)
    with caller(server, "anna") as anna:
        (refused,) = anna.upsert_accounts([row])
        assert refused.error is not None
        assert refused.error.reason == "LIMIT_OWNED_BY_LEDGER"
        assert refused.error.field == "max_order_amount_minor"
        assert refused.error.message.startswith("max_order_amount_minor 50 would change a limit")
        (refused,) = anna.upsert_segments(
            [Segment(segment_id="s", currency="USD", default_limit=CreditLimit.of(7))]
        )
        assert refused.error is not None
        assert refused.error.reason == "LIMIT_OWNED_BY_LEDGER"
        # An exception for some days is Finance's, as ever.
        anna.set_temporary_limit(
            "a", "spring", TemporaryLimitKind.INCREASE, 40, "a fair", last_date=TODAY
        )
        assert codes(anna, 140) == (Decision.APPROVED, [])
        loaded = tmp_path / "accounts.csv"
        loaded.write_text("account_id,currency,max_order_amount\na,USD,0.50\n")
        assert load(server, "accounts", loaded).exit_code == 0
        assert codes(anna, 140) == (Decision.DECLINED, ["MAX_ORDER_AMOUNT_EXCEEDED"])
        (same,) = anna.upsert_accounts([row])
        assert same.outcome is UpsertOutcome.UNCHANGED


def test_verifications_and_proposed_limits_come_from_files(
    server: ServerProcess, tmp_path: Path
) -> None:
    found = tmp_path / "verifications.csv"
    found.write_text(
        "account_id,reference,source,date,score,document_sha256\n"
        f"a,D-1,bureau,2026-02-01,640,{DIGEST}\n"
        "a,D-2,insurer,2026-02-03,,\n"
        "a,D-3,bureau,2026-02-30,1,\n"
        "a,D-4,bureau,2026-02-01,1000001,\n"
        "a,D-5,bureau,2026-02-01,,beef\n"
        "a,D-6,bureau,2026-03-02,1,\n"
        "b,D-7,bureau,2026-02-01,1,\n"
        "a,D-1,bureau,2026-02-01,641,\n"
    )
    assert load(server, "verifications", found).exit_code == 1
    with default_path(found).open(newline="") as file:
        rejected = [(row["line"], row["field"], row["reason"]) for row in csv.DictReader(file)]
    assert rejected == [
        ("4", "date", "FIELD_INVALID"),
        ("5", "score", "FIELD_INVALID"),
        ("6", "document_sha256", "FIELD_INVALID"),
        ("7", "date", "FIELD_INVALID"),
        ("8", "account_id", "ACCOUNT_NOT_FOUND"),
        ("9", "account_id", "DUPLICATE_ROW"),
    ]
    set_policy(server, "[limits]\nowner = 'creditgate'\n")
    limits = tmp_path / "limits.csv"
    limits.write_text("account_id,currency,limit_kind,limit_amount\na,USD,amount,7.00\n")
    done = load(server, "limits", limits, "--json")
    assert (done.exit_code, '"proposed":1' in done.output.replace(" ", "")) == (0, True)
    with caller(server) as client:
        kept = client.get_account("a").verifications
        assert [(known.reference, known.score) for known in kept] == [("D-2", None), ("D-1", 640)]
        (waiting,) = client.list_proposals()
        assert waiting.proposal.limit == CreditLimit.of(700)
    with caller(server, "anna") as anna:
        anna.upsert_accounts([account(250)])
        (waiting,) = anna.list_proposals()
        limits_seen = (waiting.limit_now, waiting.proposal.limit_then)
        assert limits_seen == (CreditLimit.of(250), CreditLimit.of(100))


BAD: list[tuple[type[CallError], str, str, Callable[[Client], object]]] = [
    (
        NotFoundError,
        "ACCOUNT_NOT_FOUND",
        "account_id",
        lambda client: client.propose_limit("nobody", CreditLimit.of(1), "why"),
    ),
    (
        NotFoundError,
        "VERIFICATION_NOT_FOUND",
        "verification",
        lambda client: client.propose_limit("a", CreditLimit.of(1), "why", verification="D-0"),
    ),
    (
        PreconditionError,
        "NOTHING_PROPOSED",
        "limit",
        lambda client: client.propose_limit("a", CreditLimit.of(100), "why"),
    ),
    (
        InvalidRequestError,
        "FIELD_INVALID",
        "limit.valid_until",
        lambda client: client.propose_limit(
            "a", CreditLimit.of(1, valid_until=TODAY - timedelta(days=1)), "why"
        ),
    ),
    (
        InvalidRequestError,
        "FIELD_INVALID",
        "reason",
        lambda client: client.propose_limit("a", CreditLimit.of(1), ""),
    ),
    (
        InvalidRequestError,
        "FIELD_INVALID",
        "proposal_id",
        lambda client: client.approve_proposal("a", "first"),
    ),
    (
        NotFoundError,
        "PROPOSAL_NOT_FOUND",
        "proposal_id",
        lambda client: client.reject_proposal("a", "1", "why"),
    ),
]


@pytest.mark.parametrize(("error", "reason", "field", "call"), BAD)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    client: Client,
    error: type[CallError],
    reason: str,
    field: str,
    call: Callable[[Client], object],
) -> None:
    before = client.get_account("a")
    with pytest.raises(error) as raised:
        call(client)
    assert raised.value.reason == reason
    assert [violation.field for violation in raised.value.field_violations] == [field]
    assert client.get_account("a") == before


def test_a_verification_is_never_replaced(client: Client) -> None:
    client.record_verifications([verified("D-7", 712)])
    (same,) = client.record_verifications([verified("D-7", 712)])
    assert same.outcome is UpsertOutcome.UNCHANGED
    (other,) = client.record_verifications([verified("D-7", 713)])
    assert other.error is not None
    assert (other.error.code, other.error.reason) == ("ALREADY_EXISTS", "VERIFICATION_REUSED")


def test_what_is_tolerated_of_one_order_of_a_batch_is_of_no_other(server: ServerProcess) -> None:
    set_policy(server, "[limits]\ntolerance = { web = 10 }\n")
    with caller(server) as client:
        client.upsert_accounts([account(100), structs.replace(account(100), account_id="b")])
        items = [
            OrderItem(
                account_id=of, order_id="o", amount_minor=amount, currency="USD", channel="web"
            )
            for of, amount in (("b", 100), ("a", 105))
        ]
        client.batch_check_and_reserve(items, all_or_none=True)
    server.kill()
    Auditor(server.store).advance()
    rows = commits(server.store)

    def swap(body: dict[str, Any]) -> None:
        *_, outcome, _events = body["entries"][-1]
        within, tolerated = (order[0] for order in outcome["reserved_all"])
        assert (within[1], len(tolerated[1])) == ([], 1)
        within[1], tolerated[1] = tolerated[1], within[1]

    rewrite(server.store, forge_chain(rows, max(rows), swap))
    with pytest.raises(DamageError, match="105 of 100"):
        Auditor(server.store).advance()
