"""Flags of bureaus over real HTTP and as dropped files, into a real server, whatever happens."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from creditgate.client import AccountUpsert, Client, CreditLimit, Decision
from creditgate.client.cli import main
from creditgate.loaders.queue.letters import LetterBox, Status
from creditgate.loaders.receiving import signature
from tests.conftest import StartServer
from tests.support.gateway import SECRET, GatewayProcess
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

SOURCE = "bureau:shop"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class FeedsProcess(GatewayProcess):
    """`creditgate sync feeds` with a bureau called shop and a folder for files."""

    command = "feeds"
    path = "flags"
    secrets_text = f'[bureaus.shop]\nsecrets = ["{SECRET}"]\n'
    source = SOURCE

    def __init__(self, folder: Path, server: str) -> None:
        self.folder = folder / "drop"
        self.folder.mkdir()
        super().__init__(folder, server, drop=self.folder)

    def drop(self, name: str, text: str) -> None:
        """Moves a file into the folder."""
        whole = self.folder / f".{name}"
        whole.write_text(text)
        whole.rename(self.folder / name)


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server whose clock stands at noon."""
    server = start_server(clock="manual")
    with Client(server.address) as client:
        client.set_time(NOON)
        limit = CreditLimit.of(100)
        client.upsert_accounts(
            [AccountUpsert(account_id=name, currency="USD", limit=limit) for name in "AB"]
        )
    return server


@pytest.fixture
def feeds(server: ServerProcess, tmp_path: Path) -> Iterator[FeedsProcess]:
    process = FeedsProcess(tmp_path, server.address)
    process.start()
    yield process
    process.kill()


def flag(hold_id: str, action: str = "place", *, second: int = 0, **fields: Any) -> dict[str, Any]:
    """A record of account A."""
    kind = {"kind": "bureau"} if action == "place" else {}
    told = {"account_id": "A", "hold_id": hold_id, "action": action, "reason": "late", **kind}
    return {**told, "time": f"2026-01-31T10:00:{second:02}Z", **fields}


def wait_until(server: ServerProcess, *hold_ids: str, account: str = "A") -> None:
    """Until the account has exactly these holds, as a watcher sees it."""
    with Client(server.address) as client:
        for position in client.watch_positions([account], timeout_s=60):
            if sorted(hold.hold_id for hold in position.holds) == sorted(hold_ids):
                return


def holds(server: ServerProcess, account: str = "A") -> list[str]:
    with Client(server.address) as client:
        return sorted(hold.hold_id for hold in client.get_position(account).holds)


def decided(server: ServerProcess) -> Decision:
    with Client(server.address) as client:
        return client.check("A", 1, "USD").decision


def ended(feeds: FeedsProcess) -> None:
    """What was received is sent."""
    assert feeds.terminate() == 0, feeds.stderr_path.read_text()


def test_a_flag_stops_the_next_order_until_it_is_lifted_or_ends(
    feeds: FeedsProcess, server: ServerProcess
) -> None:
    placed = flag("F1", id="b1")
    assert feeds.deliver(placed) == (200, {"status": "accepted", "id": "b1"}, None)
    assert feeds.deliver(placed).content["status"] == "repeated"
    wait_until(server, "shop:F1")
    assert decided(server) is Decision.DECLINED
    feeds.deliver(flag("F1", "lift", second=2))
    wait_until(server)
    assert decided(server) is Decision.APPROVED
    until = NOON + timedelta(minutes=1)
    feeds.deliver(flag("F2", kind="fraud", expire_time=until.isoformat()))
    wait_until(server, "shop:F2")
    assert decided(server) is Decision.DECLINED
    with Client(server.address) as client:
        client.set_time(until)
    assert decided(server) is Decision.APPROVED
    ended(feeds)


def test_of_records_about_a_flag_the_latest_stands(
    feeds: FeedsProcess, server: ServerProcess
) -> None:
    with Client(server.address) as client:
        client.place_hold("A", "desk", "calls nobody back")
    # A lift before its placing, one that is older than the placing, and one of another's flag.
    told = [
        flag("F1", "lift", second=5),
        flag("F1", second=4),
        flag("F2", second=4),
        flag("F2", "lift", second=3),
        flag("desk", "lift", second=9),
    ]
    answer = feeds.deliver(told)
    assert [one["status"] for one in answer.content["records"]] == ["accepted"] * 5
    wait_until(server, "desk", "shop:F2")
    eventually(lambda: feeds.health()[1]["events"].get("older") == 2)
    # A file speaks of the same flags, by their whole names.
    feeds.drop("flags.jsonl", json.dumps(flag("shop:F2", "lift", second=5)))
    wait_until(server, "desk")
    feeds.deliver(flag("F2", second=4, reason="said late"))
    ended(feeds)
    assert holds(server) == ["desk"]


def test_a_forged_delivery_counts_nothing(feeds: FeedsProcess, server: ServerProcess) -> None:
    body = json.dumps(flag("F1")).encode()
    now = int(time.time())
    for header, reason in (
        (None, "SIGNATURE_MISSING"),
        (signature.header("another secret", now, body), "SIGNATURE_WRONG"),
        (signature.header(SECRET, now - 400, body), "SIGNATURE_STALE"),
    ):
        answer = feeds.send(body, header)
        assert (answer.status, answer.content["error"]["reason"]) == (401, reason)
    unknown = feeds.send(body, signature.header(SECRET, now, body), gateway="stall")
    assert (unknown.status, unknown.content["error"]["reason"]) == (404, "BUREAU_UNKNOWN")
    ended(feeds)
    assert holds(server) == []


def deadletter(server: ServerProcess, feeds: FeedsProcess, *arguments: str) -> tuple[int, str]:
    options = ["--state", str(feeds.state), "--address", server.address, "--actor", "ann"]
    done = CliRunner().invoke(main, ["deadletter", "replay", *options, *arguments])
    return done.exit_code, done.output


def test_what_is_refused_waits_for_its_mending_beside_what_is_good(
    feeds: FeedsProcess, server: ServerProcess
) -> None:
    wrong = [
        (flag("F1", id="b1", action="plce"), "action"),
        ({**flag("F2"), "time": "soon"}, "time"),
        ({**flag("F3"), "time": "2999-01-01T00:00:00Z"}, "time"),
        (flag("F4", colour="red"), "colour"),
        ([], "body"),
    ]
    answer = feeds.deliver([*(one for one, _ in wrong), flag("F5"), flag("F6", account_id="C")])
    *dead, good, unknown = answer.content["records"]
    assert (answer.status, good["status"], unknown["status"]) == (202, "accepted", "accepted")
    assert [one["error"]["field"] for one in dead] == [field for _, field in wrong]
    assert feeds.deliver(b"{not json").content["status"] == "dead_letter"
    # Of a file, the one that names no account, and a file that is none.
    feeds.drop(
        "flags-1.csv",
        "account_id,hold_id,action,kind,reason\n,X,place,fraud,r\nB,G1,place,fraud,cards\n",
    )
    feeds.drop("scores-1.csv", "account,score\n")
    score = {"account_id": "B", "reference": "R", "source": "S", "date": "2026-01-31", "score": 7}
    feeds.drop("scores-2.jsonl", json.dumps(score) + "\n{\n")
    wait_until(server, "G1", account="B")
    wait_until(server, "shop:F5")
    ended(feeds)
    assert {path.name for path in feeds.folder.iterdir()} == {"done"}
    assert len(list((feeds.folder / "done").iterdir())) == 3
    with Client(server.address) as client:
        (kept,) = client.get_account("B").verifications
        assert kept.score == 7
        client.upsert_accounts([AccountUpsert(account_id="C", currency="USD")])
    with LetterBox(feeds.state) as letters:
        found = {one.event_id: one for one in letters.list()}
        assert (found["b1"].owner, found["b1"].field, found["b1"].value) == (
            "bureau", "action", "plce",
        )  # fmt: skip
        (lost,) = [one for one in found.values() if one.reason == "ACCOUNT_NOT_FOUND"]
        assert (lost.event_id, lost.owner, lost.value) == (unknown["id"], "ledger", "C")
        # Five of the list, the one with no account, what is no JSON; a row and a line of files,
        # and a file.
        assert len(found) == 10
    assert deadletter(server, feeds, SOURCE, unknown["id"]) == (
        0, f"REPLAYED {SOURCE} {unknown['id']}\n",
    )  # fmt: skip
    assert deadletter(server, feeds, "--all")[0] == 1
    assert holds(server, "C") == ["shop:F6"]
    with LetterBox(feeds.state) as letters:
        assert len(letters.list(status=Status.OPEN)) == 9
        assert any(one.reason == "FILE_UNREADABLE" for one in letters.list())


def test_a_replay_does_not_undo_what_was_said_since(
    feeds: FeedsProcess, server: ServerProcess
) -> None:
    feeds.deliver(flag("F1", account_id="C", id="b1"))
    eventually(lambda: feeds.health()[1]["events"].get("refused") == 1)
    with Client(server.address) as client:
        client.upsert_accounts([AccountUpsert(account_id="C", currency="USD")])
    feeds.deliver(flag("F1", "lift", account_id="C", second=1))
    ended(feeds)
    assert deadletter(server, feeds, SOURCE, "b1")[0] == 0
    assert holds(server, "C") == []


def test_what_was_acknowledged_outlives_kills_and_a_server_that_is_away(
    feeds: FeedsProcess, server: ServerProcess
) -> None:
    server.kill()
    names = [f"F{number}" for number in range(8)]
    for name in names:
        assert feeds.deliver(flag(name)).status == 200
    feeds.drop("flags.csv", "account_id,hold_id,action,kind,reason\nB,G1,place,fraud,cards\n")
    eventually((feeds.folder / "done/flags.csv").exists)
    while (told := feeds.health())[1]["breaker"] == "CLOSED":
        pass
    assert (told[0], told[1]["state"]) == (503, "RETRYING")
    feeds.kill()
    # Killed before it was moved, a file is taken again: its rows are known.
    (feeds.folder / "done/flags.csv").rename(feeds.folder / "flags.csv")
    feeds.start()
    server.restart(listen=server.address)
    wait_until(server, *(f"shop:{name}" for name in names))
    wait_until(server, "G1", account="B")
    feeds.kill()
    feeds.start()
    feeds.deliver([flag(name, "lift", second=1) for name in names])
    wait_until(server)
    ended(feeds)
    assert decided(server) is Decision.APPROVED
    with LetterBox(feeds.state) as letters:
        assert letters.list() == []


def test_a_score_that_is_kept_is_never_replaced(feeds: FeedsProcess, server: ServerProcess) -> None:
    score = {"account_id": "B", "reference": "R", "source": "S", "date": "2026-01-31", "score": 7}
    said = [
        {**score, "time": "2026-01-31T10:00:00Z"},
        {**score, "time": "2026-01-31T11:00:00Z", "score": 9},
    ]
    feeds.drop("scores.jsonl", "".join(json.dumps(one) + "\n" for one in said))
    eventually((feeds.folder / "done" / "scores.jsonl").exists)
    ended(feeds)
    with Client(server.address) as client:
        assert [kept.score for kept in client.get_account("B").verifications] == [7]
    with LetterBox(feeds.state) as letters:
        (letter,) = letters.list()
        assert (letter.reason, letter.field, letter.value) == (
            "VERIFICATION_REUSED", "reference", "R",
        )  # fmt: skip
