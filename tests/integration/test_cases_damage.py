"""A store that is damaged, in use or of another format is not served, and the error says why."""

import hashlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import lmdb
import msgspec
import pytest

from creditgate.audit.books import Auditor
from creditgate.audit.chain import DIGEST_BYTES, MAP_SIZE, DamageError, commit_files
from creditgate.core import store_check
from tests.support.server import NotStartedError, ServerProcess

Change = Callable[[bytes], bytes]


def change_commit(store: Path, which: int, change: Change) -> int:
    """Rewrites one commit, counted from the first or, if negative, the last; returns its key."""
    (path,) = commit_files(store)
    with (
        lmdb.open(str(path), subdir=False, max_dbs=8, map_size=MAP_SIZE) as journal,
        journal.begin(write=True) as write,
    ):
        commits = journal.open_db(b"commits", write, create=False)
        with write.cursor(commits) as cursor:
            key, value = list(cursor)[which]
        assert write.put(bytes(key), change(bytes(value)), db=commits)
        return int.from_bytes(key)


def flip(seed: int) -> Change:
    """One bit of the value, by chance."""

    def change(value: bytes) -> bytes:
        changed = bytearray(value)
        bit = random.Random(seed).randrange(len(changed) * 8)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    return change


def with_format(number: int) -> Change:
    """The same commit of another format, its digest right."""

    def change(value: bytes) -> bytes:
        commit = msgspec.msgpack.decode(value[DIGEST_BYTES:])
        assert commit["format"] == 1
        body = msgspec.msgpack.encode({**commit, "format": number})
        return hashlib.sha256(body).digest() + body

    return change


def fill(server: ServerProcess) -> None:
    server.api.open_account("a", 1_000_000)
    for i in range(30):
        server.api.reserve("a", f"o{i}", 100)


def refused_start(server: ServerProcess) -> str:
    """What the server says when it does not start."""
    with pytest.raises(NotStartedError) as caught:
        server.start()
    assert caught.value.exit_code > 0, "it must refuse, not crash"
    return caught.value.stderr


@pytest.mark.parametrize("which", [0, 15, -1])
@pytest.mark.parametrize("seed", range(2))
def test_one_flipped_bit_is_found_and_named(server: ServerProcess, which: int, seed: int) -> None:
    fill(server)
    server.kill()
    # Of a killed server the tables may have reached some of it: here, none.
    shutil.rmtree(server.store / "tables")
    first_seq = change_commit(server.store, which, flip(seed))
    message = refused_start(server).splitlines()[-1]
    assert "journal" in message
    assert str(first_seq) in message
    with pytest.raises(DamageError, match=f"commit {first_seq}"):
        Auditor(server.store).advance()


@pytest.mark.parametrize("which", [0, 15])
def test_a_flipped_bit_behind_the_tables_is_found_by_a_check(
    server: ServerProcess, which: int
) -> None:
    fill(server)
    server.terminate()
    first_seq = change_commit(server.store, which, flip(which))
    server.start()
    server.terminate()
    _, findings = store_check(str(server.store))
    assert len(findings) == 1
    assert f"the commit at sequence {first_seq} is damaged" in findings[0]


def test_an_unknown_store_format_is_refused(server: ServerProcess) -> None:
    fill(server)
    server.kill()
    with (
        lmdb.open(str(server.store / "journal"), max_dbs=8, map_size=MAP_SIZE) as journal,
        journal.begin(write=True) as write,
    ):
        meta = journal.open_db(b"meta", write, create=False)
        assert write.get(b"format", db=meta) == (2).to_bytes(8)
        write.put(b"format", (3).to_bytes(8), db=meta)
    message = refused_start(server).splitlines()[-1]
    assert "format 3 is not known" in message


@pytest.mark.parametrize("which", [0, -1])
def test_an_unknown_format_is_refused(server: ServerProcess, which: int) -> None:
    fill(server)
    server.kill()
    shutil.rmtree(server.store / "tables")
    change_commit(server.store, which, with_format(2))
    message = refused_start(server).splitlines()[-1]
    assert "format 2 is not known" in message


def test_a_second_process_on_one_store_is_refused(server: ServerProcess, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    second = ServerProcess(folder, store=server.store)
    message = refused_start(second)
    assert str(server.store) in message
    assert "another process has this store open" in message
    # The first serves on.
    server.api.open_account("a", 100)
    assert server.api.reserve("a", "o", 1).approved_amount_minor == 1
