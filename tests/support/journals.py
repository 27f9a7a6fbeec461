"""The journal of a stopped store, changed behind its back."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import msgspec

from creditgate.audit.chain import DIGEST_BYTES, MAP_SIZE, commit_files

Rows = dict[int, bytes]
"""Values of commits by the sequence of their first entry."""


def edit(store: Path, database: bytes, change: Callable[[Any, Any], None]) -> None:
    """Changes one of a stopped store's databases: `commits` of its last file, or `texts`."""
    path = commit_files(store)[-1] if database == b"commits" else store / "journal"
    with (
        lmdb.open(str(path), subdir=path.is_dir(), max_dbs=8, map_size=MAP_SIZE) as journal,
        journal.begin(write=True) as write,
    ):
        change(write, journal.open_db(database, write, create=False))


def commits(store: Path) -> Rows:
    """The commits of a store's last file."""
    found: Rows = {}
    edit(
        store,
        b"commits",
        lambda write, db: found.update(
            (int.from_bytes(key), bytes(value)) for key, value in write.cursor(db)
        ),
    )
    return found


def rewrite(store: Path, rows: Rows) -> None:
    """Puts these commits in place of those of a store's last file."""

    def change(write: Any, db: Any) -> None:
        write.drop(db, delete=False)
        for key, value in sorted(rows.items()):
            write.put(key.to_bytes(8), value, db=db)

    edit(store, b"commits", change)


def body_of(value: bytes) -> dict[str, Any]:
    """What a commit says."""
    decoded: dict[str, Any] = msgspec.msgpack.decode(value[DIGEST_BYTES:])
    return decoded


def value_of(body: dict[str, Any]) -> bytes:
    """A commit that says this, its digest right."""
    encoded = msgspec.msgpack.encode(body)
    return hashlib.sha256(encoded).digest() + encoded


def forge_chain(rows: Rows, first: int, change: Callable[[dict[str, Any]], None]) -> Rows:
    """The commits with the one at `first` changed, and the chain after it made anew."""
    before = first
    made = {key: value for key, value in rows.items() if key < first}
    for key in sorted(rows.keys() - made.keys()):
        body = body_of(rows[key])
        if key == first:
            change(body)
        else:
            body["prev_hash"] = made[before][:DIGEST_BYTES]
        made[key], before = value_of(body), key
    return made
