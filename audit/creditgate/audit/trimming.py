"""Removes old files of the archive behind a checkpoint, and keeps the proof of what was in them."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import lmdb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from creditgate.audit.chain import Commit, commit_files, first_of, open_read_only
from creditgate.audit.signed import SignedError, Trimmed, statement_bytes, write_durably
from creditgate.audit.verifying import Progress, verify


class TrimError(Exception):
    """Nothing was removed; the message says why."""


def trim(
    store: Path,
    checkpoints: Sequence[Path],
    keys: Sequence[Ed25519PublicKey],
    signer: Ed25519PrivateKey,
    *,
    before_us: int | None,
    progress: Progress,
) -> list[Trimmed]:
    """Removes the oldest files of the archive that end before the last checkpoint, before
    `before_us` where that is given, and before everything that a start of the server needs.

    The whole journal is verified first. Raises TrimError and SignedError.
    """
    with _locked(store):
        files = _Files(store)
        found = verify(store, (), checkpoints, keys, progress=progress, seen=files.note)
        if found.faults:
            raise TrimError(f"{found.faults[0].fault}: {found.faults[0]}")
        if not found.passed:
            raise TrimError("no checkpoint vouches for any entry: give one with --checkpoint")
        needed = _needed_from(store)
        removed = []
        for path, statement, time_us in files.archived():
            late = before_us is not None and time_us >= before_us
            if statement.last_seq > found.vouched_for or statement.last_seq >= needed or late:
                break
            statement.sign(signer)
            if not statement.is_signed_by(keys):
                raise SignedError("--sign is not the private half of any --key")
            _replace(path, statement)
            removed.append(statement)
        return removed


@contextmanager
def _locked(store: Path) -> Iterator[None]:
    """Keeps servers away from the store meanwhile."""
    with (store / "LOCK").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TrimError(f"{store} is in use: stop the server first") from None
        yield


class _Files:
    """What the chain says of each file, noted on the way through it."""

    def __init__(self, store: Path) -> None:
        self._archive = store / "archive"
        self._files = {first_of(path): path for path in commit_files(store)}
        self._found: list[tuple[Path, Trimmed, int]] = []

    def note(self, commit: Commit) -> None:
        """Takes in the next commit."""
        if commit.first_seq in self._files:
            path = self._files[commit.first_seq]
            statement = Trimmed(
                file=path.name,
                first_seq=commit.first_seq,
                last_seq=commit.last_seq,
                prev_digest=commit.prev_hash.hex(),
                last_digest=commit.digest.hex(),
            )
            self._found.append((path, statement, commit.time))
            return
        path, statement, _ = self._found[-1]
        statement.last_seq, statement.last_digest = commit.last_seq, commit.digest.hex()
        self._found[-1] = (path, statement, commit.time)

    def archived(self) -> Iterator[tuple[Path, Trimmed, int]]:
        """The files of the archive, the oldest first, and the time of each one's last commit."""
        for path, statement, time_us in self._found:
            if path.parent != self._archive:
                return
            yield path, statement, time_us


def _needed_from(store: Path) -> int:
    """The entry that answers the oldest name that the server remembers.

    Its tables say which: a key of their `names` is the kind of name and the first entry of a chunk.
    """
    try:
        with open_read_only(store / "tables") as tables, tables.begin() as read:
            names = tables.open_db(b"names", read, create=False)
            with read.cursor(names) as cursor:
                oldest = [
                    int.from_bytes(cursor.key()[1:])
                    for kind in (b"\x00", b"\x01")
                    if cursor.set_range(kind) and cursor.key()[:1] == kind
                ]
    except lmdb.Error as error:
        message = f"{store / 'tables'} cannot be read: {error}: start the server once, and stop it"
        raise TrimError(message) from error
    # Without a name nothing of the archive is asked for.
    return min(oldest, default=1 << 64)


def _replace(path: Path, statement: Trimmed) -> None:
    """The statement is durable before the file goes."""
    name = f"trimmed-{statement.first_seq:020}.json"
    write_durably(path.with_name(name), statement_bytes(statement))
    path.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
