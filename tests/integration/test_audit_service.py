"""AuditService over a real socket: what was done, before and after, and where the chain stands."""

import csv
import io
import json
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import grpc
import pytest

from creditgate.audit.books import Auditor
from creditgate.audit.signed import new_key
from creditgate.client import (
    Calendar,
    Change,
    Client,
    ClientOptions,
    CreditLimit,
    NetDays,
    NonWorkingDay,
    PreconditionError,
    RecordChange,
    Terms,
    TermsAssignment,
    TermsInstalment,
    Verification,
    VerificationRecord,
)
from tests.conftest import StartServer
from tests.integration.test_approvals import approve, prepare, refer
from tests.integration.test_journal_audit import ACCOUNTS, DAY_S, play
from tests.support.server import COMMAND, ServerProcess


@pytest.fixture
def played(start_server: StartServer) -> ServerProcess:
    """A server that runs, on a store with something of every kind in it."""
    server = start_server(clock="manual")
    play(server.api)
    return server


@pytest.fixture
def reader(played: ServerProcess) -> Iterator[Client]:
    with Client(played.address) as client:
        yield client


def streamed(client: Client, **asked: Any) -> list[Change]:
    return list(chain.from_iterable(part.changes for part in client.stream_changes(**asked)))


def name_of(record: RecordChange) -> tuple[str, ...]:
    """Which record it is."""
    after = record.after
    assert after is not None, "no record is ever taken away"
    if record.kind == "segment":
        return "segment", after["segment_id"], after["currency"]
    if record.kind == "reservation":
        return "reservation", after["reservation_id"]
    return record.kind, record.account_id


def test_every_entry_is_told_once_and_in_order(reader: Client, played: ServerProcess) -> None:
    found = streamed(reader)
    last = played.api.position("a").journal_seq
    assert [change.journal_seq for change in found] == list(range(1, last + 1))
    times = [change.time for change in found]
    assert times == sorted(times, key=lambda time: time or datetime.min.replace(tzinfo=UTC))
    commands = {change.command for change in found}
    assert commands == {
        "housekeep", "upsert_segment", "upsert_account", "reserve", "reserve_all", "capture",
        "adjust", "release", "post", "set_status",
    }  # fmt: skip


def test_what_was_before_is_what_the_entry_before_left(reader: Client) -> None:
    standing: dict[tuple[str, ...], Any] = {}
    for change in streamed(reader):
        for record in change.records:
            name = name_of(record)
            nothing = dict.fromkeys(record.after or {}, 0) if record.kind == "counters" else None
            assert record.before == standing.get(name, nothing), (change.journal_seq, name)
            assert record.after != record.before
            standing[name] = record.after
    kinds = {name[0] for name in standing}
    assert kinds == {"account", "counters", "reservation", "segment"}


def test_counters_are_what_an_auditor_adds_up_to(reader: Client, played: ServerProcess) -> None:
    found = streamed(reader)
    played.kill()
    books = Auditor(played.store)
    compared = 0
    for change in found:
        books.advance(until=change.journal_seq)
        for record in change.records:
            if record.kind == "counters":
                account, after = books.account(record.account_id), record.after
                compared += 1
                assert after == {
                    "outstanding_minor": account.outstanding,
                    "captured_minor": account.captured,
                    "reserved_minor": account.reserved,
                    "unallocated_minor": account.unallocated,
                }
    assert compared > 20


@pytest.mark.parametrize("account_id", ACCOUNTS)
def test_of_one_account_the_same_is_told_as_of_all(reader: Client, account_id: str) -> None:
    def is_of(record: RecordChange) -> bool:
        return record.account_id == account_id

    everything = {
        change.journal_seq: [record for record in change.records if is_of(record)]
        for change in streamed(reader)
        if change.account_id == account_id or any(map(is_of, change.records))
    }
    found = streamed(reader, account_id=account_id)
    alone = {
        change.journal_seq: [record for record in change.records if is_of(record)]
        for change in found
    }
    assert {seq: alone[seq] for seq in everything} == everything
    others = alone.keys() - everything.keys()
    of_segment = [record for c in found if c.journal_seq in others for record in c.records]
    assert {record.kind for record in of_segment} <= {"segment"}


def test_terms_and_who_has_them_are_told_before_and_after(server: ServerProcess) -> None:
    server.api.open_account("a", 100)
    server.api.open_account("b", 100)
    for days in (30, 60):
        row = Terms(
            terms_id="NET",
            instalments=[TermsInstalment(NetDays(days))],
            calendar_id="K",
            non_working_day=NonWorkingDay.NEXT,
        )
        calendar = Calendar(
            calendar_id="K",
            weekend=(6, 7),
            from_date=date(2026, 1, 1),
            until_date=date(2026, 12, days // 2),
            holidays=(),
        )
        with Client(server.address) as client:
            for result in (*client.upsert_calendars([calendar]), *client.upsert_terms([row])):
                assert result.error is None
    with Client(server.address) as client:
        for terms_id in ("NET", ""):
            (done,) = client.assign_terms([TermsAssignment(terms_id=terms_id, account_id="a")])
            assert done.error is None
        found = [record for change in streamed(client) for record in change.records]
        of_a = [record for change in streamed(client, account_id="a") for record in change.records]
        assert [change.command for change in streamed(client, account_id="b")] == ["upsert_account"]
    terms = [record for record in found if record.kind == "terms"]
    assert terms[0].before is None
    assert terms[0].after == terms[1].before
    assert terms[0].after is not None
    assert terms[0].after["calendar_id"] == "K"
    assert terms[1].after is not None
    (part,) = terms[1].after["instalments"]
    assert part["due"]["net"]["days"] == 60
    calendars = [record for record in found if record.kind == "calendar"]
    ends = [record.after and record.after["until_date"] for record in calendars]
    assert ends == ["2026-12-15", "2026-12-30"]
    assigned = [record for record in of_a if record.kind == "assignment"]
    assert [record.account_id for record in assigned] == ["a", "a"]
    assert [(r.before or {}).get("terms_id") for r in assigned] == [None, "NET"]
    assert [(r.after or {}).get("terms_id") for r in assigned] == ["NET", None]


def test_what_became_of_a_policy_is_told(server: ServerProcess) -> None:
    with (
        Client(server.address, ClientOptions(actor="anna")) as anna,
        Client(server.address, ClientOptions(actor="bert")) as bert,
    ):
        for version in (2, 3):
            assert anna.put_policy("# agreed", "as agreed").version == version
            bert.activate_policy(version, "looked at it")
        found = [record for change in streamed(anna) for record in change.records]
    said = [
        ((record.after or {})["version"], (record.before or {}).get("status"), after["status"])
        for record in found
        if (after := record.after) is not None
    ]
    assert said == [
        (2, None, "DRAFT"),
        (2, "DRAFT", "ACTIVE"),
        (3, None, "DRAFT"),
        (2, "ACTIVE", "RETIRED"),
        (3, "DRAFT", "ACTIVE"),
    ]
    assert {record.kind for record in found} == {"policy"}
    assert all((record.after or {})["text"] == "# agreed" for record in found)


def test_what_became_of_a_case_and_who_may_sign_is_told(server: ServerProcess) -> None:
    prepare(server)
    with Client(server.address, ClientOptions(actor="shop")) as shop:
        case_id = refer(shop, "o", 700)
    with Client(server.address, ClientOptions(actor="fay")) as fay:
        end = datetime.now(UTC) + timedelta(days=1)
        fay.delegate("sam", "on holiday", role="finance", expire_time=end)
        fay.delegate("sam", "back again", expire_time=None)
        approve(server, "fay", case_id)
        approve(server, "sam", case_id)
        found = streamed(fay)
        of_a = [record for change in streamed(fay, account_id="a") for record in change.records]
    everything = [record for change in found for record in change.records]
    of_case = [record for record in everything if record.kind == "case"]
    assert [record for record in of_a if record.kind == "case"] == of_case
    assert of_case[0].before is None
    for earlier, later in pairwise(of_case):
        assert later.before == earlier.after
    opened, signed, used = (record.after or {} for record in of_case)
    told = [
        (one["status"], [by["by"] for by in one["signatures"]]) for one in (opened, signed, used)
    ]
    assert told == [("OPEN", []), ("OPEN", ["fay"]), ("USED", ["fay", "sam"])]
    assert (opened["case_id"], opened["amount_minor"], opened["waiver"]) == (case_id, 700, None)
    assert signed["waiver"]["amount_minor"] == 700
    assert {record.kind for record in found[-1].records} == {"case", "counters", "reservation"}
    first, second = (record for record in everything if record.kind == "delegation")
    assert first.after is not None
    assert (first.after["delegator"], first.after["to"], first.before) == ("fay", "sam", None)
    assert (second.before, second.after) == (first.after, None)
    assert all(record.kind != "delegation" for record in of_a)


def test_what_a_limit_stands_on_is_told_before_and_after(server: ServerProcess) -> None:
    server.api.open_account("a", 100)
    found = Verification(reference="D-7", source="bureau", date=date(2026, 1, 2), score=640)
    with (
        Client(server.address, ClientOptions(actor="anna")) as anna,
        Client(server.address, ClientOptions(actor="bert")) as bert,
    ):
        anna.record_verifications([VerificationRecord(account_id="a", verification=found)])
        for minor, decide in ((500, bert.reject_proposal), (600, bert.approve_proposal)):
            proposed = anna.propose_limit("a", CreditLimit.of(minor), "grew", verification="D-7")
            decide("a", proposed.proposal_id, "looked at it")
        changes = streamed(anna, account_id="a")[1:]
    told = [
        (
            change.command,
            [(row["proposed_by"], row["limit"]["amount_minor"]) for row in after["proposals"]],
            after["limit"]["amount_minor"],
            after["verified_by"],
        )
        for change in changes
        for record in change.records
        if (after := record.after) is not None
    ]
    assert told == [
        ("record_verification", [], 100, ""),
        ("propose_limit", [("anna", 500)], 100, ""),
        ("reject_proposal", [], 100, ""),
        ("propose_limit", [("anna", 600)], 100, ""),
        ("approve_proposal", [], 600, "D-7"),
    ]


def test_who_why_and_what_was_decided_are_told(reader: Client) -> None:
    by_order = {
        record.after["order_id"]: change
        for change in streamed(reader, account_id="a")
        for record in change.records
        if record.kind == "reservation" and record.after is not None
    }
    assert by_order["captured"].channel == ""
    assert by_order["captured"].reason == "the rest is broken"
    declined = next(c for c in streamed(reader, account_id="a") if c.decision == "DECLINED")
    assert (declined.command, declined.records, declined.actor) == ("reserve", (), "anonymous")
    (suspended,) = [c for c in streamed(reader) if c.command == "set_status"]
    (record,) = suspended.records
    assert record.before is not None
    assert record.after is not None
    assert (record.before["status"], record.after["status"]) == ("ACTIVE", "SUSPENDED")
    assert record.after["segment_id"] == "gold"
    child = next(c for c in streamed(reader, account_id="child") if c.command == "upsert_account")
    assert child.records[0].after is not None
    assert child.records[0].after["parent_account_id"] == "a"


def test_a_part_is_told_from_a_time_and_from_an_entry(reader: Client) -> None:
    everything = streamed(reader)
    late = datetime.fromtimestamp(1_001 * DAY_S, UTC)
    assert streamed(reader, since=late) == [c for c in everything if c.time and c.time >= late]
    assert streamed(reader, after_seq=10) == everything[10:]
    assert streamed(reader, after_seq=10_000) == []
    paged = list(reader.list_changes(page_size=7))
    assert paged == everything


def test_one_who_follows_hears_of_what_is_done_next(reader: Client, played: ServerProcess) -> None:
    parts = reader.stream_changes(account_id="b", follow=True, timeout_s=60)
    before = next(parts).journal_seq
    played.api.reserve("b", "while you look", 5, channel="web")
    (change,) = next(part.changes for part in parts if part.changes)
    assert change.journal_seq > before
    assert (change.channel, change.decision) == ("web", "APPROVED")
    parts.close()
    # One who follows holds up no orderly stop.
    following = reader.stream_changes(follow=True, timeout_s=60)
    next(following)
    assert played.terminate() == 0


def test_more_callers_than_there_is_room_for_are_turned_away(played: ServerProcess) -> None:
    from creditgate.v1 import audit_pb2

    streams = [
        played.api.audit.StreamChanges(audit_pb2.StreamChangesRequest(follow=True), timeout=60)
        for _ in range(9)
    ]
    refused = []
    for stream in streams:
        try:
            next(stream)
        except grpc.RpcError as error:
            refused.append(error)
    assert [error.code() for error in refused] == [grpc.StatusCode.RESOURCE_EXHAUSTED]
    for stream in streams:
        stream.cancel()


def run(*arguments: object, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60, cwd=cwd,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def exported(server: ServerProcess, *more: object) -> str:
    return run("audit", "export", "--address", server.address, *more)


def test_an_export_holds_each_change_in_both_forms(played: ServerProcess, reader: Client) -> None:
    changes = streamed(reader, account_id="a")
    lines = exported(played, "--account", "a", "--format", "jsonl").splitlines()
    objects: Sequence[dict[str, Any]] = [json.loads(line) for line in lines]
    assert [line["seq"] for line in objects] == [change.journal_seq for change in changes]
    grown = next(line for line in objects if line["reason"] == "two more")
    assert grown["command"] == "adjust"
    assert [(r["record"], r["before"], r["after"]) for r in grown["records"]][-1] == (
        "counters", {"reserved_minor": 550}, {"reserved_minor": 600}
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(exported(played, "--account", "a"))))
    assert len(rows) == sum(max(len(line["records"]), 1) for line in objects)
    assert {int(row["seq"]) for row in rows} == {line["seq"] for line in objects}
    late = exported(played, "--since", datetime.fromtimestamp(1_002 * DAY_S, UTC).date())
    assert {row["command"] for row in csv.DictReader(io.StringIO(late))} == {"housekeep"}


def test_checkpoints_are_signed_on_schedule_at_a_stop_and_when_asked(
    start_server: StartServer, tmp_path: Path
) -> None:
    new_key(tmp_path / "key")
    folder, kept = tmp_path / "checkpoints", tmp_path / "kept"
    server = start_server(checkpoint_key=tmp_path / "key", checkpoint_folder=folder)
    server.api.open_account("a", 1_000)
    run("audit", "checkpoint", kept, "--address", server.address)
    server.api.reserve("a", "o", 10)
    assert server.terminate() == 0
    assert [path.name for path in kept.iterdir()] == ["checkpoint-00000000000000000001.json"]
    assert [path.name for path in folder.iterdir()] == ["checkpoint-00000000000000000002.json"]
    # At a start what is there is signed at once, and nothing is signed twice.
    server.start()
    server.api.reserve("a", "o2", 10, request_id="after the start")
    server.kill()
    printed = run(
        "audit", "verify", server.store,
        "--checkpoint", kept, "--checkpoint", folder, "--key", tmp_path / "key.pub",
    )  # fmt: skip
    assert "checkpoints          2\n" in printed
    assert "not vouched for      1 entries after it" in printed


def test_without_a_key_there_are_no_checkpoints(server: ServerProcess, client: Client) -> None:
    with pytest.raises(PreconditionError, match="start it with --checkpoint-key") as caught:
        client.get_checkpoint()
    assert caught.value.reason == "CHECKPOINTS_OFF"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checkpoint_folder": "x"}, "checkpoint_folder = x: needs a key; give --checkpoint-key"),
        ({"checkpoint_key": "absent"}, "checkpoint_key = absent: No such file or directory"),
    ],
)
def test_a_server_whose_checkpoints_cannot_be_signed_does_not_start(
    start_server: StartServer, options: dict[str, str], message: str
) -> None:
    from tests.support.server import NotStartedError

    with pytest.raises(NotStartedError, match=message):
        start_server(**options)
