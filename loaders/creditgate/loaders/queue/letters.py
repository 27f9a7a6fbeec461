"""Dead letters: what could not be taken, with the reason, until a person has mended it.

One letter stands for one event of one source, however often that was refused.
"""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

import msgspec

from creditgate.client import MoneyError, money
from creditgate.loaders.errors import RowError
from creditgate.loaders.queue.database import Database

OPEN_MAX: Final = 100_000
LIST_MAX: Final = 10_000
PAGE_MAX: Final = 1_000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS letters (
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    account_id TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    owner TEXT NOT NULL,
    payload BLOB NOT NULL,
    amount_minor INTEGER,
    currency TEXT NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    status TEXT NOT NULL,
    "by" TEXT NOT NULL,
    "at" TEXT,
    why TEXT NOT NULL,
    -- What is at stake in whole units of its currency, to sort by; NULL: not known.
    stake REAL,
    PRIMARY KEY (source, event_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS letters_by_stake ON letters (status, stake DESC);
CREATE INDEX IF NOT EXISTS letters_by_age ON letters (status, first_at, source, event_id);
"""


class Status(StrEnum):
    """What became of a letter."""

    OPEN = "OPEN"
    REPLAYED = "REPLAYED"
    DISCARDED = "DISCARDED"


class LettersFullError(Exception):
    """So many letters are open that no other is taken: mend, replay or discard some."""


class LetterNotFoundError(Exception):
    """No letter has this source and event id."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that could not be taken.

    `source` is KIND or KIND:NAME; its kind says how the event is sent again. `field` and `value`
    are what was at fault, `owner` who owns that field: "ledger", "gateway", "bureau" or "credit".
    `payload` is what was received, byte for byte. `amount_minor` is what is at stake, None where
    nobody knows. `by`, `at` and `why` tell of who replayed or discarded it. The box counts
    `attempts` and sets the times.
    """

    source: str
    event_id: str
    kind: str
    reason: str
    message: str
    owner: str
    payload: bytes
    account_id: str = ""
    field: str = ""
    value: str = ""
    amount_minor: int | None = None
    currency: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None
    attempts: int = 1
    status: Status = Status.OPEN
    by: str = ""
    at: datetime | None = None
    why: str = ""

    def because(self, error: RowError) -> "DeadLetter":
        """The same letter with another reason."""
        return msgspec.structs.replace(
            self,
            field=error.field,
            value=error.value,
            reason=error.reason,
            message=error.message,
        )


_COLUMNS: Final = DeadLetter.__struct_fields__
_NAMES: Final = ", ".join(f'"{name}"' for name in _COLUMNS)
_MARKS: Final = ", ".join(f":{name}" for name in (*_COLUMNS, "stake"))
# What a second refusal of the same event says anew. A letter that was replayed is open again; one
# that a person discarded stays so for as long as it says the same.
_RENEWED: Final = ", ".join(
    f'"{name}" = excluded."{name}"'
    for name in (
        *("kind", "account_id", "field", "value", "reason", "message", "owner", "payload"),
        *("amount_minor", "currency", "last_at", "stake"),
    )
)


def _now() -> datetime:
    return datetime.now(UTC)


class LetterBox:
    """The dead letters of a state folder. Safe for several threads and processes at once."""

    def __init__(
        self,
        where: Path | Database,
        *,
        clock: Callable[[], datetime] = _now,
        open_max: int = OPEN_MAX,
    ) -> None:
        """`where`: the state folder, or its database. Raises StateError."""
        self._database = Database.of(where, _SCHEMA)
        self._clock = clock
        self._open_max = open_max

    def put(self, letter: DeadLetter) -> None:
        """Keeps the letter; it is on disk when this returns. Put again, the one that is there
        counts another attempt and has the new reason.

        Raises LettersFullError, StateError."""
        now = self._clock().isoformat()
        fields = {
            # Bytes that were not UTF-8 are shown escaped.
            name: value.encode(errors="backslashreplace").decode()
            if isinstance(value, str)
            else value
            for name, value in msgspec.structs.asdict(letter).items()
        }
        fields |= {"first_at": now, "last_at": now, "at": None, "stake": _stake(letter)}
        with self._database.transaction() as sql:
            self._check_room(sql, letter)
            sql.execute(
                f"INSERT INTO letters ({_NAMES}, stake) VALUES ({_MARKS})"  # noqa: S608 - constants
                f" ON CONFLICT DO UPDATE SET {_RENEWED}, attempts = attempts + 1,"
                f" status = CASE WHEN status = '{Status.REPLAYED}' OR payload <> excluded.payload"
                f" THEN '{Status.OPEN}' ELSE status END",
                fields,
            )

    def _check_room(self, sql: sqlite3.Connection, letter: DeadLetter) -> None:
        (count,) = sql.execute(
            "SELECT count(*) FROM letters WHERE status = ?", (Status.OPEN,)
        ).fetchone()
        if count >= self._open_max and self._find(sql, letter.source, letter.event_id) is None:
            raise LettersFullError(
                f"{self._database.path}: {count} dead letters are open, at most {self._open_max}: "
                "replay or discard some"
            )

    def get(self, source: str, event_id: str) -> DeadLetter:
        """One letter. Raises LetterNotFoundError, StateError."""
        with self._database.reading() as sql:
            row = self._find(sql, source, event_id)
        if row is None:
            raise LetterNotFoundError(f"no dead letter has source {source!r} and id {event_id!r}")
        return _letter(row)

    def list(
        self, *, source: str = "", status: Status | None = Status.OPEN, limit: int = LIST_MAX
    ) -> list[DeadLetter]:
        """Letters by what is at stake, the most first, those of which nobody knows last.

        `source`: of this one alone; empty: of all. `status`: None: any. Raises StateError."""
        conditions, values = ["1"], list[object]()
        if source:
            conditions.append("source = ?")
            values.append(source)
        if status is not None:
            conditions.append("status = ?")
            values.append(status)
        with self._database.reading() as sql:
            rows = sql.execute(
                f"SELECT {_NAMES} FROM letters WHERE {' AND '.join(conditions)}"  # noqa: S608
                " ORDER BY stake DESC NULLS LAST, last_at, source, event_id LIMIT ?",
                (*values, limit),
            ).fetchall()
        return [_letter(row) for row in rows]

    def oldest_first(self, source: str = "") -> Iterator[DeadLetter]:
        """The open ones as they would have come, each once, whatever becomes of it meanwhile.

        `source`: of this one alone; empty: of all. Raises StateError."""
        last = ("", "", "")
        while True:
            with self._database.reading() as sql:
                rows = sql.execute(
                    f"SELECT {_NAMES} FROM letters WHERE status = ?"  # noqa: S608 - constants
                    " AND (first_at, source, event_id) > (?, ?, ?) AND (? = '' OR source = ?)"
                    " ORDER BY first_at, source, event_id LIMIT ?",
                    (Status.OPEN, *last, source, source, PAGE_MAX),
                ).fetchall()
            if not rows:
                return
            yield from map(_letter, rows)
            last = (rows[-1]["first_at"], rows[-1]["source"], rows[-1]["event_id"])

    def mark(
        self,
        source: str,
        event_id: str,
        status: Status,
        *,
        by: str,
        why: str,
        payload: bytes | None = None,
    ) -> None:
        """Notes what became of an open letter, and who says so. One that is closed stays as it is,
        and so does one that has another `payload` by now, where one is given.

        Raises LetterNotFoundError, StateError."""
        with self._database.transaction() as sql:
            if self._find(sql, source, event_id) is None:
                told = f"no dead letter has source {source!r} and id {event_id!r}"
                raise LetterNotFoundError(told)
            sql.execute(
                'UPDATE letters SET status = ?, "by" = ?, "at" = ?, why = ?'
                " WHERE source = ? AND event_id = ? AND status = ?"
                " AND payload = ifnull(?, payload)",
                (
                    *(status, by, self._clock().isoformat(), why),
                    *(source, event_id, Status.OPEN, payload),
                ),
            )

    def _find(self, sql: sqlite3.Connection, source: str, event_id: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = sql.execute(
            f"SELECT {_NAMES} FROM letters WHERE source = ? AND event_id = ?",  # noqa: S608
            (source, event_id),
        ).fetchone()
        return row

    def close(self) -> None:
        """Gives the file back."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _letter(row: sqlite3.Row) -> DeadLetter:
    return msgspec.convert({name: row[name] for name in _COLUMNS}, DeadLetter)


def _stake(letter: DeadLetter) -> float | None:
    if letter.amount_minor is None:
        return None
    try:
        exponent = money.exponent(letter.currency)
    except MoneyError:
        exponent = 0
    return abs(letter.amount_minor) / 10.0**exponent
