"""Records of feeds and dropped files: what cannot be taken is a dead letter and blocks nobody."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from creditgate.client import AsyncClient, HoldKind, ItemError
from creditgate.loaders.errors import RowError
from creditgate.loaders.feeds.drop import Drop
from creditgate.loaders.feeds.forwarder import Forwarder
from creditgate.loaders.feeds.latest import Latest
from creditgate.loaders.feeds.records import parse
from creditgate.loaders.queue.database import Database
from creditgate.loaders.queue.inbox import Inbox
from creditgate.loaders.queue.letters import LetterBox, Status
from creditgate.loaders.rows.findings import Flag
from creditgate.loaders.running.sources import Source
from creditgate.loaders.running.stopping import Stop
from creditgate.loaders.sending import place_and_lift

FLAG = {"account_id": "A", "hold_id": "F", "action": "place", "kind": "fraud", "reason": "r"}


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"])
@pytest.mark.parametrize("field", ["expire_time", "time"])
def test_a_time_that_utc_does_not_have_is_refused(time: str, field: str) -> None:
    record = {"time": "2026-01-31T10:00:00Z", **FLAG, field: time}
    with pytest.raises(RowError, match=f"{field} .* must be within the years 1 to 9999 of UTC"):
        parse("bureau:radar", json.dumps(record).encode(), 2e9)


def test_a_flag_that_no_message_holds_is_refused_by_itself() -> None:
    async def placed() -> None:
        flag = Flag(account_id="\udcff", hold_id="F", reason="r", kind=HoldKind.FRAUD)
        async with AsyncClient("127.0.0.1:1") as client:
            (answer,) = await place_and_lift(client, [flag])
        assert isinstance(answer, ItemError)
        assert answer.reason == "FIELD_INVALID"

    asyncio.run(placed())


def swept(folder: Path, database: Database) -> None:
    """Takes what lies in the folder, once."""

    async def run() -> None:
        stop = Stop()
        stop.set()
        inbox, letters = Inbox(database), LetterBox(database)
        async with AsyncClient("127.0.0.1:1") as client:
            forwarder = Forwarder(
                *(Source("drop:flags"), client, stop),
                inbox=inbox,
                letters=letters,
                latest=Latest(database),
                turn=asyncio.Lock(),
            )
            await Drop(folder, {"drop:flags": forwarder}, stop, inbox=inbox, letters=letters).run()

    asyncio.run(run())


def test_of_a_file_that_is_not_utf_8_the_rows_that_are_count(tmp_path: Path) -> None:
    rows = b"account_id,hold_id,action,kind,reason\nA,F1,place,fraud,caf\xe9\nA,F2,place,fraud,r\n"
    (tmp_path / "flags.csv").write_bytes(rows)
    with Database(tmp_path / "state") as database:
        swept(tmp_path, database)
        (event,) = Inbox(database).take("drop:flags", 10)
        assert json.loads(event.payload)["hold_id"] == "F2"
        (letter,) = LetterBox(database).list()
        assert (letter.field, letter.value) == ("reason", "caf\\udce9")
        assert "must be UTF-8" in letter.message
        assert b"caf" in letter.payload
    assert (tmp_path / "done" / "flags.csv").exists()


def test_another_bad_file_of_a_name_has_a_letter_of_its_own(tmp_path: Path) -> None:
    with Database(tmp_path / "state") as database:
        letters = LetterBox(database)
        for written_at in (1_700_000_000, 1_700_000_001):
            (tmp_path / "flags.csv").write_text("colour\n")
            os.utime(tmp_path / "flags.csv", (written_at, written_at))
            swept(tmp_path, database)
            (letter,) = letters.list()
            assert letter.reason == "FILE_UNREADABLE"
            letters.mark(letter.source, letter.event_id, Status.DISCARDED, by="ann", why="known")
