"""Ledger entries from files, on a real server: posted once, whatever happens on the way."""

import asyncio
import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from creditgate.client import AsyncClient, Client
from creditgate.loaders import load
from creditgate.loaders.dead_letters import default_path
from creditgate.loaders.errors import LoadStoppedError
from creditgate.loaders.tally import Tally
from tests.support.server import ServerProcess

HEADER = (
    "entry_id,account_id,kind,amount,currency,invoice_id,order_id,issue_date,due_date,allocations"
)


def write(path: Path, rows: Iterable[str]) -> Path:
    path.write_text("\n".join([HEADER, *rows, ""]))
    return path


async def post(
    server: ServerProcess,
    path: Path,
    source: str = load.SOURCE_DEFAULT,
    on_bytes_read: Callable[[int], None] = lambda _bytes: None,
) -> Tally:
    async with AsyncClient(server.address) as client:
        entries = load.entries(client, path, source)
        entries.on_bytes_read = on_bytes_read
        return await entries.run()


def rejections(path: Path) -> list[tuple[str, str, str, str]]:
    with default_path(path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [(row["line"], row["field"], row["value"], row["reason"]) for row in rows]


@pytest.fixture
def accounts(server: ServerProcess, tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text("account_id,currency\nA,EUR\nB,EUR\nJ,JPY\n")

    async def load_accounts() -> None:
        async with AsyncClient(server.address) as client:
            await load.accounts(client, path).run()

    asyncio.run(load_accounts())


def outstanding(server: ServerProcess, account_id: str) -> int:
    with Client(server.address) as client:
        return client.get_position(account_id).outstanding_minor


@pytest.mark.usefixtures("accounts")
def test_every_kind_of_entry(server: ServerProcess, tmp_path: Path) -> None:
    path = write(
        tmp_path / "entries.csv",
        [
            "1,A,opening_balance,100.00,EUR,I1,,2024-01-01,2024-01-31,",
            "2,A,opening_balance,-10.00,EUR,,,,,",
            "3,A,invoice,50.00,EUR,I2,,2024-02-01,2024-03-02,",
            "4,A,payment,120.00,EUR,,,,,I1:100.00;I2:20.00",
            "5,A,credit_memo,5.00,EUR,,,,,I2:5.00",
            "6,A,adjustment,-0.01,EUR,I2,,,,",
            "7,J,opening_balance,5000,JPY,,,,,",
        ],
    )
    tally = asyncio.run(post(server, path))
    assert tally.outcomes == {"posted": 7, "duplicate": 0}
    assert outstanding(server, "A") == 10_000 - 1_000 + 5_000 - 12_000 - 500 - 1
    assert outstanding(server, "J") == 5_000


@pytest.mark.usefixtures("accounts")
def test_a_file_loaded_again_changes_nothing(
    server: ServerProcess, client: Client, tmp_path: Path
) -> None:
    rows = [f"{i},A,opening_balance,0.{i % 99 + 1:02},EUR,,,,," for i in range(2_500)]
    expected = sum(i % 99 + 1 for i in range(2_500))
    first = asyncio.run(post(server, write(tmp_path / "entries.csv", rows)))
    assert first.outcomes["posted"] == 2_500
    assert client.get_position("A").outstanding_minor == expected
    # Under another name too: the source does not depend on the file's name.
    again = asyncio.run(post(server, write(tmp_path / "entries (1).csv", rows)))
    assert again.outcomes == {"posted": 0, "duplicate": 2_500}
    assert client.get_position("A").outstanding_minor == expected
    # Another source has ids of its own.
    other = asyncio.run(post(server, write(tmp_path / "entries.csv", rows[:1]), "other"))
    assert other.outcomes["posted"] == 1


@pytest.mark.usefixtures("accounts")
def test_refused_entries_are_dead_letters(server: ServerProcess, tmp_path: Path) -> None:
    first = write(tmp_path / "first.csv", ["1,A,invoice,10.00,EUR,I1,,,,"])
    assert asyncio.run(post(server, first)).loaded == 1
    path = write(
        tmp_path / "second.csv",
        [
            "1,A,invoice,11.00,EUR,I1,,,,",
            "2,A,invoice,10.00,EUR,I1,,,,",
            "3,X,invoice,10.00,EUR,I3,,,,",
            "4,J,payment,10.00,EUR,,,,,",
            "5,A,payment,0.00,EUR,,,,,",
            "6,B,payment,1.00,EUR,,,,,",
        ],
    )
    tally = asyncio.run(post(server, path))
    assert (tally.read, tally.loaded, tally.rejected) == (6, 1, 5)
    assert [(line, reason) for line, _, _, reason in rejections(path)] == [
        ("2", "ENTRY_ID_REUSED"),
        ("3", "INVOICE_ALREADY_POSTED"),
        ("4", "ACCOUNT_NOT_FOUND"),
        ("5", "CURRENCY_MISMATCH"),
        ("6", "FIELD_INVALID"),
    ]
    assert outstanding(server, "A") == 10_00
    assert outstanding(server, "B") == -1_00


@pytest.mark.usefixtures("accounts")
def test_a_server_killed_and_started_again_on_the_way(
    server: ServerProcess, tmp_path: Path
) -> None:
    rows = [f"{i},A,opening_balance,0.01,EUR,,,,," for i in range(8_000)]
    path = write(tmp_path / "entries.csv", rows)
    acknowledgements = 0

    def kill_at_the_third(_bytes_read: int) -> None:
        nonlocal acknowledgements
        acknowledgements += 1
        if acknowledgements == 3:
            server.restart(listen=server.address)

    tally = asyncio.run(post(server, path, on_bytes_read=kill_at_the_third))
    assert acknowledgements == 8
    assert (tally.read, tally.loaded, tally.rejected) == (8_000, 8_000, 0)
    assert outstanding(server, "A") == 8_000


@pytest.mark.usefixtures("accounts")
def test_a_load_that_was_stopped_is_run_again(server: ServerProcess, tmp_path: Path) -> None:
    rows = [f"{i},A,opening_balance,0.01,EUR,,,,," for i in range(5_000)]
    path = write(tmp_path / "entries.csv", rows)
    acknowledgements = 0

    def kill_at_the_second(_bytes_read: int) -> None:
        nonlocal acknowledgements
        acknowledgements += 1
        if acknowledgements == 2:
            server.kill()

    with pytest.raises(LoadStoppedError, match="UNAVAILABLE"):
        asyncio.run(post(server, path, on_bytes_read=kill_at_the_second))
    server.start()
    standing = outstanding(server, "A")
    assert standing >= 2_000
    tally = asyncio.run(post(server, path))
    assert tally.outcomes == {"posted": 5_000 - standing, "duplicate": standing}
    assert outstanding(server, "A") == 5_000
