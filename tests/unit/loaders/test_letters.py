"""Dead letters: one for each event, sorted by what is at stake, and the command that shows them."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from creditgate.client import AsyncClient
from creditgate.client.cli import main
from creditgate.loaders.errors import RowError
from creditgate.loaders.queue import letters, replays
from creditgate.loaders.queue.letters import (
    DeadLetter,
    LetterBox,
    LetterNotFoundError,
    LettersFullError,
    Status,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
REFUSAL = RowError("account_id", "A9", "ACCOUNT_NOT_FOUND", "account A9: not found")


def letter(event_id: str, amount_minor: int | None = None, **fields: Any) -> DeadLetter:
    told: dict[str, Any] = {
        "source": "test:one",
        "kind": "payment",
        "owner": "gateway",
        "currency": "EUR",
    }
    told |= {"account_id": "A9", "reason": "NEW", "message": "new", "payload": b'{"a":"\xff"}'}
    return DeadLetter(event_id=event_id, amount_minor=amount_minor, **{**told, **fields})


class Clock:
    """One second later each time."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def box(tmp_path: Path) -> Iterator[LetterBox]:
    with LetterBox(tmp_path, clock=Clock()) as box:
        yield box


def test_an_event_has_one_letter_however_often_it_is_refused(box: LetterBox) -> None:
    box.put(letter("1", 5))
    first = box.get("test:one", "1")
    assert first == letter("1", 5, first_at=first.first_at, last_at=first.first_at)
    box.put(letter("1", 7).because(REFUSAL))
    (again,) = box.list()
    assert (again.attempts, again.reason, again.amount_minor) == (2, "ACCOUNT_NOT_FOUND", 7)
    assert again.first_at == first.first_at
    assert again.last_at is not None
    assert first.last_at is not None
    assert again.last_at > first.last_at


def test_a_replayed_one_is_open_again_and_a_discarded_one_stays(box: LetterBox) -> None:
    for event_id, status in (("1", Status.REPLAYED), ("2", Status.DISCARDED)):
        box.put(letter(event_id))
        box.mark("test:one", event_id, status, by="ann", why="because")
        marked = box.get("test:one", event_id)
        assert (marked.status, marked.by, marked.why) == (status, "ann", "because")
        box.put(letter(event_id))
    assert box.get("test:one", "1").status is Status.OPEN
    assert box.get("test:one", "2").status is Status.DISCARDED
    with pytest.raises(LetterNotFoundError, match="'test:two'"):
        box.mark("test:two", "1", Status.DISCARDED, by="ann", why="")


def test_those_with_the_most_at_stake_come_first(box: LetterBox) -> None:
    box.put(letter("cents", 30_000))
    box.put(letter("unknown"))
    box.put(letter("yen", 500, currency="JPY"))
    box.put(letter("reversal", -40_000))
    box.put(letter("other", 1, source="test:two"))
    found = [found.event_id for found in box.list()]
    assert found == ["yen", "reversal", "cents", "other", "unknown"]
    assert [found.event_id for found in box.list(source="test:two")] == ["other"]
    assert [found.event_id for found in box.list(limit=1)] == ["yen"]
    assert box.list(status=Status.REPLAYED) == []


def test_a_full_box_takes_those_that_it_has(tmp_path: Path) -> None:
    with LetterBox(tmp_path, open_max=1) as box:
        box.put(letter("1"))
        box.put(letter("1"))
        with pytest.raises(LettersFullError, match="1 dead letters are open, at most 1"):
            box.put(letter("2"))
        box.mark("test:one", "1", Status.DISCARDED, by="ann", why="no use")
        box.put(letter("2"))


def test_two_processes_have_one_box(tmp_path: Path) -> None:
    with LetterBox(tmp_path) as mine, LetterBox(tmp_path) as theirs:
        mine.put(letter("1"))
        theirs.put(letter("1"))
        assert mine.get("test:one", "1").attempts == 2
    assert (tmp_path / "queue.sqlite3").stat().st_mode & 0o077 == 0


def run(state: Path, *arguments: str) -> Result:
    command, *rest = arguments
    options = ["--state", str(state), "--actor", "ann", "--address", "127.0.0.1:1"]
    runner = CliRunner(env={"COLUMNS": "200"})
    return runner.invoke(main, ["deadletter", command, *options, *rest])


def test_the_command_lists_and_shows(box: LetterBox, tmp_path: Path) -> None:
    box.put(letter("1", 12_345).because(REFUSAL))
    box.put(letter("2"))
    listed = run(tmp_path, "list").output
    line = " ".join(listed.splitlines()[1].split())
    assert line == "123.45 EUR test:one 1 A9 ACCOUNT_NOT_FOUND gateway OPEN 1"
    assert listed.index("ACCOUNT_NOT_FOUND") < listed.index("NEW")
    shown = run(tmp_path, "show", "test:one", "1").output
    for said in ("at stake", "123.45 EUR", "account A9: not found", '{"a":"\\xff"}'):
        assert said in shown
    row = json.loads(run(tmp_path, "list", "--json", "--limit", "1").output)
    assert (row["event_id"], row["amount_minor"], row["status"]) == ("1", 12_345, "OPEN")
    assert run(tmp_path, "list", "--status", "replayed").output == "no dead letters\n"
    missing = run(tmp_path, "show", "test:one", "3")
    assert missing.exit_code == 3
    assert "no dead letter has source 'test:one' and id '3'" in missing.output


def test_a_discard_needs_a_reason_and_an_open_letter(box: LetterBox, tmp_path: Path) -> None:
    box.put(letter("1"))
    assert run(tmp_path, "discard", "test:one", "1").exit_code == 2
    assert run(tmp_path, "discard", "--reason", " ", "test:one", "1").exit_code == 2
    done = run(tmp_path, "discard", "--reason", "a test", "test:one", "1")
    assert done.output == "DISCARDED test:one 1\n"
    discarded = box.get("test:one", "1")
    assert (discarded.by, discarded.why) == ("ann", "a test")
    again = run(tmp_path, "discard", "--reason", "a test", "test:one", "1")
    assert (again.exit_code, "is DISCARDED" in again.output) == (3, True)


def test_a_folder_without_letters_is_no_empty_box(tmp_path: Path) -> None:
    result = run(tmp_path / "typo", "list")
    assert result.exit_code == 2
    assert not (tmp_path / "typo").exists()


taken: list[str] = []


async def take_even(found: DeadLetter, _client: AsyncClient, _state: Path) -> None:
    """A source of these tests: it takes every second event."""
    if int(found.event_id) % 2:
        raise REFUSAL
    taken.append(found.event_id)


def test_a_replay_marks_what_is_taken_and_keeps_the_rest_open(
    box: LetterBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "REPLAYS", {"test": f"{__name__}:take_even"})
    taken.clear()
    for event_id in ("1", "2", "4"):
        box.put(letter(event_id))
    box.put(letter("6", source="unknown"))
    one = run(tmp_path, "replay", "test:one", "2")
    assert (one.exit_code, one.output) == (0, "REPLAYED test:one 2\n")
    every = run(tmp_path, "replay", "--all", "--of", "test:one", "--json")
    assert every.exit_code == 1
    rows = [msgspec.json.decode(line) for line in every.output.splitlines()]
    assert [(row["event_id"], row["status"]) for row in rows] == [("1", "OPEN"), ("4", "REPLAYED")]
    refused = box.get("test:one", "1")
    assert (refused.attempts, refused.reason, refused.value) == (2, "ACCOUNT_NOT_FOUND", "A9")
    assert box.get("test:one", "4").by == "ann"
    assert taken == ["2", "4"]
    strange = run(tmp_path, "replay", "unknown", "6")
    assert (strange.exit_code, "cannot be sent again" in strange.output) == (3, True)
    assert run(tmp_path, "replay").exit_code == 2


def test_a_replay_of_all_reaches_all_the_earliest_first(
    box: LetterBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "REPLAYS", {"test": f"{__name__}:take_even"})
    monkeypatch.setattr(letters, "PAGE_MAX", 2)
    taken.clear()
    # Those with the most at stake are refused each time.
    for event_id in ("5", "1", "3", "8", "7", "2"):
        box.put(letter(event_id, 100 if int(event_id) % 2 else 1))
    for expected in (["5", "1", "3", "8", "7", "2"], ["5", "1", "3", "7"]):
        told = run(tmp_path, "replay", "--all", "--json")
        assert told.exit_code == 1
        rows = [msgspec.json.decode(line) for line in told.output.splitlines()]
        assert [row["event_id"] for row in rows] == expected
    assert taken == ["8", "2"]


def test_what_was_discarded_is_never_sent(
    box: LetterBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "REPLAYS", {"test": f"{__name__}:take_even"})
    taken.clear()
    box.put(letter("2"))
    box.mark("test:one", "2", Status.DISCARDED, by="ann", why="no use")
    result = run(tmp_path, "replay", "test:one", "2")
    assert (result.exit_code, "is DISCARDED" in result.output) == (3, True)
    assert (taken, box.get("test:one", "2").status) == ([], Status.DISCARDED)


def test_letters_are_on_disk_when_put_returns(box: LetterBox, tmp_path: Path) -> None:
    box.put(letter("1"))
    with sqlite3.connect(tmp_path / "queue.sqlite3") as sql:
        assert sql.execute("SELECT count(*) FROM letters").fetchone() == (1,)
    sql.close()
