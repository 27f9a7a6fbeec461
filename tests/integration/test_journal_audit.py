"""The journal tells an auditor everything: what was asked, decided and moved, by whom and why."""

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from creditgate.audit import books as auditor
from creditgate.audit.books import Auditor
from creditgate.audit.chain import DIGEST_BYTES, DamageError
from creditgate.audit.records import Account
from creditgate.v1 import account_pb2 as accounts_v1
from creditgate.v1 import common_pb2 as common_v1
from creditgate.v1 import ledger_pb2 as ledger_v1
from tests.conftest import StartServer
from tests.support import counters
from tests.support.api import TIMEOUT_S, Api, amount_limit, entry
from tests.support.journals import edit
from tests.support.server import ServerProcess

DAY_S = 86_400
ACCOUNTS = ("a", "b", "child", "tiered", "head", "member", "other")


def set_up(api: Api) -> None:
    """A segment, and accounts of every kind."""
    segment = accounts_v1.Segment(
        segment_id="gold",
        currency="USD",
        default_limit=common_v1.CreditLimit(
            kind=common_v1.LIMIT_KIND_AMOUNT, amount_minor=500, valid_until="2100-12-31"
        ),
        cap=amount_limit(600),
    )
    request = accounts_v1.UpsertSegmentsRequest(request_id="segments", segments=[segment])
    api.accounts.UpsertSegments(request, timeout=TIMEOUT_S)
    unlimited = common_v1.CreditLimit(kind=common_v1.LIMIT_KIND_UNLIMITED)
    api.open_account("a", 1_000, display_name="Ann & Söhne")
    api.open_account("b", limit=unlimited)
    api.open_account("child", 100, parent_account_id="a", max_order_amount_minor=50)
    api.open_account("tiered", segment_id="gold")
    api.open_account("head", limit=unlimited, shared_limit=amount_limit(70))
    api.open_account("member", limit=unlimited, parent_account_id="head")


def play(api: Api) -> None:
    """Something of every kind that can be journalled."""
    api.set_time(1_000 * DAY_S)
    set_up(api)
    for order, amount in (("captured", 100), ("grown", 200), ("cancelled", 300)):
        api.reserve("a", order, amount, channel="web")
    api.reserve("a", "expires", 50, ttl_s=DAY_S)
    api.reserve("a", "too much", 100_000)
    api.reserve("tiered", "partial", 600, allow_partial=True)
    api.capture("a", "captured", "i1", amount_minor=60, final=True, reason="the rest is broken")
    api.adjust("a", "grown", 250, reason="two more")
    api.adjust("a", "grown", 180)
    api.release("a", "cancelled")
    api.reserve("member", "shared", 60)
    api.reserve("head", "too much together", 11)
    api.capture("member", "unreserved", "i4", amount_minor=30, forced=True)
    api.open_account("other", 1_000, segment_id="gold")
    api.reserve("other", "too much in gold", 101)
    api.capture("other", "too late", "i5", amount_minor=101, forced=True)
    # What counts already may be shipped by force, whoever is beyond what limit.
    api.post(entry("e0", "member", "invoice", 40, invoice_id="i6"))
    api.capture("member", "unreserved too", "i6", amount_minor=40, forced=True)
    api.reserve("child", "forced", 20)
    api.capture("child", "forced", "i2", amount_minor=200, forced=True)
    api.reserve("b", "billed", 400)
    api.batch([api.order("b", f"all {i}", 10, request_id="") for i in range(3)], all_or_none_id="b")
    api.post(
        entry("e1", "a", "invoice", 60, invoice_id="i1", position=7),
        entry("e2", "b", "invoice", 400, invoice_id="i3", order_id="billed", position=8),
        entry("e3", "b", "payment", 300, allocations=[allocation("i3", 250)]),
        entry("e4", "b", "credit_memo", 20),
        entry("e5", "b", "adjustment", -5, invoice_id="i3"),
        entry("e6", "b", "opening_balance", 77, invoice_id="old"),
        entry("e7", "b", "dispute", 50, invoice_id="old"),
    )
    api.capture("b", "billed", "i3", amount_minor=400)
    suspend = accounts_v1.SuspendAccountRequest(
        request_id="suspend", account_id="tiered", reason="no answer to letters"
    )
    api.accounts.SuspendAccount(suspend, timeout=TIMEOUT_S)
    api.set_time(1_002 * DAY_S)


def allocation(invoice_id: str, amount_minor: int) -> ledger_v1.Allocation:
    return ledger_v1.Allocation(invoice_id=invoice_id, amount_minor=amount_minor)


@pytest.fixture
def played(start_server: StartServer) -> ServerProcess:
    """A server that runs, on a store with something of every kind in it."""
    server = start_server(clock="manual")
    play(server.api)
    return server


def sums(position: Any) -> tuple[int, int, int]:
    """Outstanding, captured, reserved of an account as the server or the auditor has it."""
    if isinstance(position, Account):
        return position.outstanding, position.captured, position.reserved
    return position.outstanding_minor, position.captured_minor, position.reserved_minor


def test_the_auditor_finds_what_the_server_shows(played: ServerProcess) -> None:
    shown = {name: sums(played.api.position(name)) for name in ACCOUNTS}
    assert shown == {"a": (60, 0, 180), "b": (152, 0, 30), "child": (0, 200, 0),
                     "tiered": (0, 0, 500), "head": (0, 0, 0), "member": (40, 30, 60),
                     "other": (0, 101, 0)}  # fmt: skip
    seq = played.api.position("a").journal_seq
    played.kill()
    books = Auditor(played.store).advance()
    assert {name: sums(books.account(name)) for name in ACCOUNTS} == shown
    assert books.seq == seq
    assert (len(books.breaches), books.reused) == (3, [])
    assert books.account("tiered").status == "suspended"
    assert sorted(books.texts.values()) == [
        "Ann & Söhne", "no answer to letters", "the rest is broken", "two more",
    ]  # fmt: skip
    open_by_order = {r.order_id: r.open for r in books.reservations.values() if r.open}
    assert open_by_order == {"grown": 180, "partial": 500, "shared": 60,
                             "all 0": 10, "all 1": 10, "all 2": 10}  # fmt: skip
    b = books.account("b").slot
    assert (books.items[b, "i3"].open, books.items[b, "old"].open) == (145, 77)
    assert books.account("b").unallocated == -50 - 20
    assert books.sources == {"test": 8}
    assert next(r.expired for r in books.reservations.values() if r.order_id == "expires") == 50


def test_reading_on_equals_reading_at_once(played: ServerProcess) -> None:
    played.kill()
    at_once = Auditor(played.store).advance()
    in_steps = Auditor(played.store)
    for seq in range(1, at_once.seq + 1):
        assert in_steps.advance(until=seq).seq == seq
    assert in_steps == at_once


def test_the_counters_map_is_what_the_journal_adds_up_to(played: ServerProcess) -> None:
    seen = counters.snapshot(played.store)
    assert seen is not None
    assert seen.journal_seq == played.api.position("a").journal_seq
    played.kill()
    books = Auditor(played.store).advance(until=seen.journal_seq)
    accounts = [books.accounts[slot] for slot in sorted(books.accounts)]
    assert [tuple(record) for record in seen.records] == [sums(account) for account in accounts]
    assert seen.id_hashes == [counters.id_hash(account.account_id) for account in accounts]


def test_a_recovered_server_shows_the_same(played: ServerProcess) -> None:
    shown = [sums(played.api.position(name)) for name in ACCOUNTS]
    mapped = counters.snapshot(played.store)
    played.restart()
    assert [sums(played.api.position(name)) for name in ACCOUNTS] == shown
    recovered = counters.snapshot(played.store)
    assert mapped is not None
    assert recovered is not None
    assert recovered.records == mapped.records
    assert played.terminate() == 0
    played.start()
    assert [sums(played.api.position(name)) for name in ACCOUNTS] == shown


def test_tables_are_a_cache(played: ServerProcess) -> None:
    """Without tables and counters map, the journal alone brings everything back."""
    shown = [sums(played.api.position(name)) for name in ACCOUNTS]
    reservation = played.api.reservation("a", "grown")
    played.kill()
    for path in (played.store / "tables").iterdir():
        path.unlink()
    (played.store / "counters.map").unlink()
    played.start()
    assert [sums(played.api.position(name)) for name in ACCOUNTS] == shown
    assert played.api.reservation("a", "grown") == reservation


def drop_texts(write: Any, texts: Any) -> None:
    write.drop(texts, delete=False)


def test_erased_texts_leave_the_chain_whole(played: ServerProcess) -> None:
    shown = [sums(played.api.position(name)) for name in ACCOUNTS]
    played.kill()
    before = Auditor(played.store).advance()
    edit(played.store, b"texts", drop_texts)
    after = Auditor(played.store).advance()
    assert (after.texts, after.chain.head) == ({}, before.chain.head)
    played.start()
    assert [sums(played.api.position(name)) for name in ACCOUNTS] == shown


def test_the_auditor_finds_damage(played: ServerProcess) -> None:
    played.kill()
    keys: list[bytes] = []
    edit(played.store, b"commits", lambda write, db: keys.extend(k for k, _ in write.cursor(db)))
    middle = keys[len(keys) // 2]

    def flip_text(write: Any, texts: Any) -> None:
        key, value = next(iter(write.cursor(texts)))
        write.put(key, value[:-1] + bytes([value[-1] ^ 1]), db=texts)

    def flip_digest(write: Any, commits: Any) -> None:
        value = write.get(middle, db=commits)
        write.put(middle, bytes([value[0] ^ 1]) + value[1:], db=commits)

    def remove(write: Any, commits: Any) -> None:
        write.delete(middle, db=commits)

    for database, change, message in (
        (b"texts", flip_text, "does not match the digest in the entry"),
        (b"commits", flip_digest, "its digest does not match"),
        (b"commits", remove, "does not follow|is missing"),
    ):
        edit(played.store, database, change)
        with pytest.raises(DamageError, match=message):
            Auditor(played.store).advance()
        edit(played.store, b"texts", drop_texts)


def test_the_auditor_runs_by_itself(played: ServerProcess) -> None:
    """It needs nothing of ours but its own package: no server, no core."""
    played.kill()
    done = audit(played.store, played.store)
    assert (done.returncode, done.stderr) == (0, "")
    books = Auditor(played.store).advance()
    assert done.stdout.startswith(f"whole: {books.chain.commits} commits, {books.seq} entries; ")
    assert "'outstanding': 252, 'captured': 331, 'reserved': 770" in done.stdout


def audit(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the auditor as anybody could, elsewhere."""
    return subprocess.run(
        [sys.executable, "-P", auditor.__file__, *arguments],
        capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip


def test_the_auditor_says_what_is_damaged_in_a_line(played: ServerProcess) -> None:
    played.kill()

    def damage(write: Any, db: Any) -> None:
        with write.cursor(db) as cursor:
            cursor.first()
            key, value = cursor.item()
            write.put(key, value[:-1] + bytes([value[-1] ^ 1]), db=db)

    edit(played.store, b"commits", damage)
    done = audit(played.store, played.store)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "DAMAGED: commit 1: its digest does not match its content\n"


def test_the_auditor_says_how_it_is_run(tmp_path: Path) -> None:
    without = audit(tmp_path)
    assert (without.returncode, without.stdout) == (2, "")
    assert without.stderr.startswith("usage: ")
    elsewhere = audit(tmp_path, tmp_path)
    assert elsewhere.returncode == 1
    assert elsewhere.stderr == f"{tmp_path}: not a store: it has no folder named journal\n"


def test_a_commit_is_stored_as_described(played: ServerProcess) -> None:
    """Format 1, field by field: an auditor's reader must never have to change."""
    played.kill()
    values: list[bytes] = []
    edit(played.store, b"commits", lambda write, db: values.extend(v for _, v in write.cursor(db)))
    decode = msgspec.msgpack.decode
    commits = [decode(value[DIGEST_BYTES:]) for value in values]
    names = ["format", "epoch", "first_seq", "time", "prev_hash", "entries"]
    assert all(list(commit) == names for commit in commits)
    first = commits[0]
    assert (first["format"], first["first_seq"]) == (1, 1)
    assert first["prev_hash"] == bytes(DIGEST_BYTES)
    # The manual clock was set before anything else.
    request, _, outcome, events = first["entries"][0]
    assert list(request[0]) == ["housekeep"]
    assert (request[1:], outcome, events) == (["clock", "", None], "done", [])
    request, policy_version, outcome, events = commits[1]["entries"][0]
    limit = [{"amount": 500}, (date(2100, 12, 31) - date(1970, 1, 1)).days]
    ((name, ((request_id, row, call), *fields)),) = request[0].items()
    assert (name, request_id, row, fields) == (
        "upsert_segment",
        "segments",
        0,
        ["gold", "USD", limit, [600]],
    )
    assert call > 0
    assert request[1:] == ["anonymous", "", None]
    assert isinstance(policy_version, int)
    assert outcome == {"upserted": "created"}
    assert events == [{"segment_set": [0, "gold", "USD", limit, 600]}]
    assert first["time"] == 1_000 * DAY_S * 1_000_000
