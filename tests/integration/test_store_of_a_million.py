"""`creditgate store` on a store of a million accounts: backup while it serves, restore, check,
upgrade."""

import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import lmdb
import pytest

from creditgate.audit.chain import DIGEST_BYTES, MAP_SIZE, commit_files, open_read_only
from creditgate.core import METHODS, Core
from creditgate.v1 import account_pb2
from tests.conftest import StartServer
from tests.support.api import amount_limit
from tests.support.server import ServerProcess

ACCOUNTS: Final = 1_000_000
ROWS: Final = 1_000
UPSERT: Final = METHODS["/creditgate.v1.CreditAccountService/UpsertAccounts"]
LIMIT_MINOR: Final = 50_000


def upsert(call: int) -> bytes:
    """One call of a thousand accounts; the first of them has a name."""
    request = account_pb2.UpsertAccountsRequest(request_id=f"load-{call}", channel="load")
    for row in range(ROWS):
        name, limit = f"acc-{call * ROWS + row:07}", amount_limit(LIMIT_MINOR)
        request.accounts.add(account_id=name, currency="USD", limit=limit)
    request.accounts[0].display_name = f"Customer {call}"
    return request.SerializeToString()


def fill(store: Path) -> None:
    core = Core(str(store))
    waiting = 0
    for call in range(ACCOUNTS // ROWS + 1):
        if call < ACCOUNTS // ROWS:
            core.submit(UPSERT, upsert(call), "loader", None)
            waiting += 1
        while waiting > (2 if call < ACCOUNTS // ROWS else 0):
            select.select([core.fileno()], [], [])
            for _ticket, code, payload in core.drain():
                assert code == 0, payload
                waiting -= 1
    core.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store of a million accounts, not to be changed."""
    folder = tmp_path_factory.mktemp("million")
    fill(folder / "store")
    yield folder / "store"
    shutil.rmtree(folder)


@pytest.fixture
def million(filled: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the store, to be changed."""
    copy = tmp_path / "million"
    shutil.copytree(filled, copy)
    yield copy
    shutil.rmtree(copy)


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs `creditgate store`."""
    program = Path(sys.executable).with_name("creditgate")
    line = [str(program), "store", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def done(*arguments: object) -> str:
    """What `creditgate store` prints when it succeeds."""
    run = command(*arguments)
    assert run.returncode == 0, run.stderr + run.stdout
    return run.stdout


def figures(text: str) -> dict[str, str]:
    """The lines of a check."""
    return dict(line.split(maxsplit=1) for line in text.splitlines() if len(line.split()) == 2)


def serve(start_server: StartServer, store: Path) -> ServerProcess:
    """A server on a store that is there."""
    server = start_server()
    server.terminate()
    return server.restart(store=store)


def test_a_backup_of_a_serving_store_is_restored_with_all_that_was_acknowledged(
    million: Path, tmp_path: Path, start_server: StartServer
) -> None:
    server = serve(start_server, million)
    before = [
        server.api.reserve("acc-0000007", f"o-{i}", 100, request_id=f"r-{i}") for i in range(20)
    ]
    line = [str(Path(sys.executable).with_name("creditgate")), "store", "backup"]
    backup = subprocess.Popen(
        [*line, "--store", str(million), str(tmp_path / "backup")], stdout=subprocess.DEVNULL
    )
    meanwhile = 0
    while backup.poll() is None:
        server.api.reserve("acc-0000008", f"meanwhile-{meanwhile}", 1)
        meanwhile += 1
    assert backup.returncode == 0
    assert meanwhile > 10, "it was served all the while"
    server.terminate()

    restored = tmp_path / "restored"
    checked = figures(done("restore", "--store", restored, tmp_path / "backup"))
    assert checked["accounts"] == str(ACCOUNTS)
    assert ACCOUNTS + 20 <= int(checked["journal_seq"]) <= ACCOUNTS + 20 + meanwhile
    assert int(checked["reservations_open"]) == int(checked["journal_seq"]) - ACCOUNTS
    server = server.restart(store=restored)
    assert server.api.position("acc-0000007").reserved_minor == 2_000
    assert server.api.position("acc-0000008").reserved_minor <= meanwhile
    again = server.api.reserve("acc-0000007", "o-3", 100, request_id="r-3")
    assert again.result.replayed
    assert again.reservation_id == before[3].reservation_id
    refused = command("restore", "--store", restored, tmp_path / "backup")
    assert (refused.returncode, "not empty" in refused.stderr) == (3, True)
    in_use = command("check", "--store", restored)
    assert (in_use.returncode, "has this store open" in in_use.stderr) == (3, True)
    shutil.rmtree(tmp_path / "backup")
    shutil.rmtree(restored)


def test_a_check_finds_a_commit_and_a_row_that_were_altered(million: Path) -> None:
    checked = figures(done("check", "--store", million))
    assert (checked["accounts"], checked["tables_seq"]) == (str(ACCOUNTS), str(ACCOUNTS))
    name = b"acc-0765432"
    with (
        lmdb.open(str(million / "tables"), max_dbs=8, map_size=MAP_SIZE) as tables,
        tables.begin(write=True) as write,
    ):
        accounts = tables.open_db(b"accounts", write, create=False)
        key = (765_432).to_bytes(4)
        row = write.get(key, db=accounts)
        assert row is not None
        assert row.count(name) == 1
        write.put(key, row.replace(name, name.replace(b"0", b"9")), db=accounts)
    damaged = command("check", "--store", million)
    assert damaged.returncode == 1
    assert "the account in slot 765432" in damaged.stdout
    (path,) = commit_files(million)
    with (
        lmdb.open(str(path), subdir=False, max_dbs=8, map_size=MAP_SIZE) as journal,
        journal.begin(write=True) as write,
    ):
        commits = journal.open_db(b"commits", write, create=False)
        with write.cursor(commits) as cursor:
            assert cursor.set_range((500_000).to_bytes(8))
            key, value = bytes(cursor.key()), bytearray(cursor.value())
        value[5_000] ^= 1
        write.put(key, bytes(value), db=commits)
    damaged = command("check", "--store", million)
    assert damaged.returncode == 1
    assert f"the commit at sequence {int.from_bytes(key)} is damaged" in damaged.stdout


def chain(store: Path) -> list[bytes]:
    """The digests of all commits."""
    digests = []
    for path in commit_files(store):
        with open_read_only(path) as file, file.begin() as rows:
            commits = file.open_db(b"commits", rows, create=False)
            digests += [bytes(value[:DIGEST_BYTES]) for _, value in rows.cursor(commits)]
    return digests


def make_format_1(store: Path) -> None:
    """Puts the journal of a store as the first version wrote it: all in one environment."""
    old = store / "journal.1"
    with (
        lmdb.open(str(old), max_dbs=8, map_size=MAP_SIZE) as journal,
        journal.begin(write=True) as write,
        open_read_only(store / "journal") as beside,
        beside.begin() as read,
    ):
        texts = journal.open_db(b"texts", write)
        for key, value in read.cursor(beside.open_db(b"texts", read, create=False)):
            write.put(key, value, db=texts)
        commits = journal.open_db(b"commits", write)
        for path in commit_files(store):
            with open_read_only(path) as file, file.begin() as rows:
                for key, value in rows.cursor(file.open_db(b"commits", rows, create=False)):
                    write.put(key, value, db=commits, append=True)
        meta = journal.open_db(b"meta", write)
        write.put(b"format", (1).to_bytes(8), db=meta)
        write.put(b"epoch", (1).to_bytes(8), db=meta)
    shutil.rmtree(store / "journal")
    shutil.rmtree(store / "tables")
    old.rename(store / "journal")


def test_an_upgrade_leaves_the_chain_and_its_answers_as_they_were(
    million: Path, start_server: StartServer
) -> None:
    before = chain(million)
    make_format_1(million)
    refused = command("check", "--store", million)
    assert refused.returncode == 3
    assert "creditgate store upgrade" in refused.stderr
    assert "format 2" in done("upgrade", "--store", million)
    assert "nothing to do" in done("upgrade", "--store", million)
    assert figures(done("check", "--store", million))["accounts"] == str(ACCOUNTS)
    assert chain(million) == before
    server = serve(start_server, million)
    assert server.api.position("acc-0999999").effective_limit.amount_minor == LIMIT_MINOR
