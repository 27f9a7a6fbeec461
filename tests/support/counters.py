"""The counters map of a store, read by its documented layout alone."""

import hashlib
import mmap
import struct
from pathlib import Path
from typing import NamedTuple

HEADER_BYTES = 4_096
RECORD_BYTES = 64
MAGIC = b"creditgt"
FORMAT = 1
GENERATION, COUNT, JOURNAL_SEQ = 2, 4, 5


class Record(NamedTuple):
    """One account's counters, in minor units."""

    outstanding: int
    captured: int
    reserved: int


class Snapshot(NamedTuple):
    """All accounts at one sequence of the journal, by slot."""

    journal_seq: int
    records: list[Record]
    id_hashes: list[bytes]


def id_hash(account_id: str) -> bytes:
    """What a record holds of its account's id."""
    return hashlib.sha256(account_id.encode()).digest()[:8]


def snapshot(store: Path) -> Snapshot | None:
    """The map as it stands; None where the writer wrote in the meantime, or is rewriting it."""
    with (
        (store / "counters.map").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as live,
    ):
        before = live[:HEADER_BYTES]
        count = struct.unpack_from("=Q", before, COUNT * 8)[0]
        body = live[HEADER_BYTES : HEADER_BYTES + count * RECORD_BYTES]
        again = live[:HEADER_BYTES]
    assert before[:8] == MAGIC
    fields = struct.unpack_from("=7Q", before)
    assert fields[1] == FORMAT
    # The last word is the writer's heartbeat, which goes on when nothing else changes.
    if fields[:6] != struct.unpack_from("=7Q", again)[:6] or fields[GENERATION] == 0:
        return None
    rows = list(struct.iter_unpack("=Q8s3q24s", body))
    if any(lock % 2 for lock, *_ in rows):
        return None
    records = [Record(*sums) for _, _, *sums, _ in rows]
    return Snapshot(fields[JOURNAL_SEQ], records, [row[1] for row in rows])
