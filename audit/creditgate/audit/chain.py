"""The chain of the journal: every commit of a store and its archives, read and verified.

Written from docs/journal.md alone: Python's lmdb, msgspec and hashlib, and no code of creditgate's
core, so that what it finds is evidence. It reads the store of a stopped server, a backup, or a
copy; it writes nothing and takes no lock.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import lmdb
import msgspec

FORMAT = 1
DIGEST_BYTES = 32
SALT_BYTES = 16
MAP_SIZE = 1 << 40  # of address space; the file is only read
_NAME, _REASON = range(2)
TEXT_FIELDS = {_NAME: "name", _REASON: "reason"}

_A_DIGEST = b"\xc4\x20"
"""How msgpack begins 32 bytes: an entry has no other byte strings than digests of texts."""


class Fault(StrEnum):
    """What is wrong with a journal."""

    EDITED = "edited"
    MISSING = "missing"
    OUT_OF_ORDER = "out of order"
    TRUNCATED = "truncated behind a checkpoint"
    FORGED = "not signed by the key"
    UNREADABLE = "unreadable"


class DamageError(Exception):
    """The journal is not what was written, or what was written breaks a rule; says where."""

    def __init__(self, message: str, fault: Fault = Fault.EDITED, seq: int = 0) -> None:
        super().__init__(message)
        self.fault = fault
        self.seq = seq
        """The first entry that is at fault; 0 where it is none of the journal's."""


class Commit(msgspec.Struct):
    """What stands in the body of a commit."""

    format: int
    epoch: int
    first_seq: int
    time: int
    """Microseconds since 1970-01-01."""
    prev_hash: bytes
    entries: list[msgspec.Raw]
    digest: bytes = b""
    """SHA-256 of the body, which stands before it."""
    texts: dict[tuple[int, int], bytes] = {}
    """What stands beside its entries, salt and text, by sequence and field."""

    @property
    def last_seq(self) -> int:
        """Of the last entry."""
        return self.first_seq + len(self.entries) - 1


class Gap(msgspec.Struct, frozen=True):
    """A file that is gone, of which a signed statement tells how the chain goes through it."""

    first_seq: int
    last_seq: int
    prev_digest: bytes
    last_digest: bytes


def first_of(path: Path) -> int:
    """The sequence that a file of commits begins with."""
    return int(path.stem.removeprefix("commits-"))


def commit_files(store: Path, archives: Iterable[Path] = ()) -> list[Path]:
    """The files that hold the commits, in order. One that is in several folders is one file."""
    folders = (*archives, store / "archive", store / "journal")
    found = {path.name: path for folder in folders for path in folder.glob("commits-*.mdb")}
    return [found[name] for name in sorted(found)]


def open_read_only(path: Path) -> lmdb.Environment:
    """One of the journal's LMDB environments: its folder, or a file of commits."""
    return lmdb.open(
        str(path),
        subdir=path.is_dir(),
        readonly=True,
        lock=False,
        max_dbs=8,
        map_size=MAP_SIZE,
    )


def key_of(seq: int) -> bytes:
    """A sequence as LMDB has it."""
    return seq.to_bytes(8)


@dataclass
class Chain:
    """The end of what was read and verified, up to the entry `seq`. `read` goes on from there."""

    store: Path
    archives: Sequence[Path] = ()
    """Folders with files that are not in the store any more."""
    gaps: Sequence[Gap] = ()
    """Statements on files that were trimmed, their signatures verified."""
    seq: int = 0
    head: bytes = bytes(DIGEST_BYTES)
    """Digest of the last commit read."""
    time: int | None = None
    """Of the last commit read: microseconds since 1970-01-01."""
    epoch: int = 0
    commits: int = 0
    bytes_read: int = 0
    crossed: list[Gap] = field(default_factory=list)
    """The gaps that the chain was taken through."""

    def read(self) -> Iterator[Commit]:
        """The commits after `seq`, each verified to follow from the one before.

        Raises DamageError.
        """
        files = commit_files(self.store, self.archives)
        begin = self.seq + 1
        with self._texts() as texts:
            for path, following in zip(files, [*files[1:], None], strict=True):
                # Read before; never because of what this reading has passed, for the server goes by
                # the names of files, and would answer from one that nobody had looked into.
                if following is not None and first_of(following) <= begin:
                    continue
                self._cross(first_of(path))
                if begin < first_of(path) <= self.seq:
                    message = f"commit {first_of(path)}: {path.name} begins before it is due"
                    raise DamageError(message, Fault.OUT_OF_ORDER, first_of(path))
                try:
                    for key, value in self._rows(path, begin, is_last=following is None):
                        yield self._follow(key, value, texts)
                except lmdb.Error as error:
                    message = f"commit {self.seq + 1}: {path.name} cannot be read: {error}"
                    raise DamageError(message, Fault.UNREADABLE, self.seq + 1) from error
        self._cross(None)

    @property
    def has_texts(self) -> bool:
        """Whether the store was copied with its texts."""
        return (self.store / "journal" / "data.mdb").exists()

    @contextmanager
    def _texts(self) -> Iterator[Any]:
        """A cursor on the texts; None where the store was copied without them."""
        if not self.has_texts:
            yield None
            return
        with open_read_only(self.store / "journal") as beside, beside.begin() as read:
            texts = beside.open_db(b"texts", read, create=False)
            with read.cursor(texts) as cursor:
                yield cursor

    def _cross(self, upto: int | None) -> None:
        """Takes the chain through what was trimmed before the file that begins with `upto`."""
        while upto is None or self.seq + 1 < upto:
            gap = next((gap for gap in self.gaps if gap.first_seq == self.seq + 1), None)
            if gap is None:
                return
            if gap.prev_digest != self.head:
                message = f"commit {self.seq + 1}: what was trimmed does not follow from it"
                raise DamageError(message, Fault.EDITED, self.seq + 1)
            self.seq, self.head = gap.last_seq, gap.last_digest
            self.crossed.append(gap)

    def _rows(self, path: Path, begin: int, *, is_last: bool) -> Iterator[tuple[bytes, bytes]]:
        """The commits of one file, from `begin` on."""
        with _whole(path, is_last=is_last) as file, file.begin() as read:
            commits = file.open_db(b"commits", read, create=False)
            with read.cursor(commits) as cursor:
                more = cursor.set_range(key_of(begin))
                while more:
                    yield cursor.key(), cursor.value()
                    more = cursor.next()

    def _follow(self, key: bytes, value: bytes, texts: Any) -> Commit:
        """Checks one commit against the one before it, and takes it in."""
        at, digest, body = int.from_bytes(key), value[:DIGEST_BYTES], value[DIGEST_BYTES:]

        def damage(what: str, fault: Fault = Fault.EDITED, seq: int = at) -> DamageError:
            return DamageError(f"commit {at}: {what}", fault, seq)

        if hashlib.sha256(body).digest() != digest:
            raise damage("its digest does not match its content")
        try:
            commit = msgspec.msgpack.decode(body, type=Commit)
        except msgspec.MsgspecError as error:
            raise damage(f"it cannot be read: {error}") from error
        if commit.format != FORMAT:
            raise damage(f"unknown format {commit.format}")
        if commit.first_seq != at:
            raise damage(f"there stands the commit of {commit.first_seq}", Fault.OUT_OF_ORDER)
        due = self.seq + 1
        if at > due:
            raise damage(f"sequence {due} is missing", Fault.MISSING, due)
        if at < due:
            raise damage(f"sequence {due} comes next", Fault.OUT_OF_ORDER)
        if commit.prev_hash != self.head:
            # Both hold together: the one before was written anew with a digest that fits, or this.
            raise damage("does not follow from the commit before it")
        before = self.time is not None and commit.time < self.time
        if before or commit.epoch < self.epoch or not commit.entries:
            raise damage("goes back in time or epoch, or is empty")
        commit.digest = digest
        commit.texts = _texts_of(commit, texts)
        self.seq, self.head, self.time = commit.last_seq, digest, commit.time
        self.epoch = commit.epoch
        self.commits += 1
        self.bytes_read += len(value)
        return commit


@contextmanager
def _whole(path: Path, *, is_last: bool) -> Iterator[lmdb.Environment]:
    """A file of commits, open. To read beyond the end of one that was cut would end the process."""
    with open_read_only(path) as file:
        found = path.stat().st_size
        expected = (file.info()["last_pgno"] + 1) * file.stat()["psize"]
        if found >= expected:
            yield file
            return
    if not is_last:
        raise lmdb.CorruptedError(f"it was cut short: {found} bytes are left of {expected}")
    # LMDB does not write the pages at the end that it took and gave back at once, until the file
    # is whole. Where more is gone than those, empty pages show it.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        shutil.copyfile(path, copy)
        with copy.open("r+b") as written:
            written.truncate(expected)
        with open_read_only(copy) as file:
            yield file


def _texts_of(commit: Commit, cursor: Any) -> dict[tuple[int, int], bytes]:
    """The texts beside a commit's entries that have not been erased, each held to its digest."""
    found: dict[tuple[int, int], bytes] = {}
    if cursor is None or not cursor.set_range(key_of(commit.first_seq)):
        return found
    for key, stored in cursor:
        seq, number = int.from_bytes(key[:8]), key[8]
        if seq > commit.last_seq:
            break
        entry = bytes(commit.entries[seq - commit.first_seq])
        if hashlib.sha256(stored).digest() not in _digests_of(entry, number):
            name = TEXT_FIELDS.get(number, f"text {number}")
            message = f"entry {seq}: its {name} does not match the digest in the entry"
            raise DamageError(message, Fault.EDITED, seq)
        found[seq, number] = stored
    return found


def _digests_of(entry: bytes, number: int) -> set[bytes]:
    """The digests that an entry has of its text of this number."""
    if _A_DIGEST not in entry:
        return set()
    command, _actor, _channel, reason = msgspec.msgpack.decode(entry)[0]
    return set(_byte_strings({_NAME: command, _REASON: reason}.get(number)))


def texts_named(commit: Commit) -> dict[int, int]:
    """How many texts each entry of a commit names by digest, erased or not; without those of 0."""
    named = {}
    for seq, entry in enumerate(commit.entries, commit.first_seq):
        if _A_DIGEST in bytes(entry):
            digests = set(_byte_strings(msgspec.msgpack.decode(entry)))
            if digests:
                named[seq] = len(digests)
    return named


def entries_erased(commit: Commit) -> set[int]:
    """The entries whose texts a commit says were erased."""
    found: set[int] = set()
    for entry in commit.entries:
        if b"erase_texts" in bytes(entry):
            ((name, fields),) = msgspec.msgpack.decode(entry)[0][0].items()
            if name == "erase_texts":
                found.update(fields[2])
    return found


def _byte_strings(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _byte_strings(part)
