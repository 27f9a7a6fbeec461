"""Payments as they were told of, and the entries that take parts of them back.

A refund or reversal raises what the account owes again, on the invoices that the payment had
settled. What it raises is fixed, and on disk, before the first entry is sent: so it is the same
however often it is sent, and the next refund goes on where this one ended.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec

from creditgate.client import Allocation, EntryKind, LedgerEntry
from creditgate.loaders.fields import invalid
from creditgate.loaders.gateway.events import EventType, PaymentEvent
from creditgate.loaders.queue.database import Database
from creditgate.loaders.queue.inbox import FORGET_MAX

KEEP_S: Final = 400 * 86_400.0
"""Longer than any card scheme takes for a chargeback."""
KEEP_MAX: Final = 5_000_000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS payments (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    invoices TEXT NOT NULL,
    created INTEGER NOT NULL,
    -- How much of it refunds and reversals have taken back.
    back_minor TEXT NOT NULL DEFAULT '0',
    noted_at REAL NOT NULL,
    UNIQUE (source, payment_id)
);
CREATE TABLE IF NOT EXISTS reversals (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    reversal_id TEXT NOT NULL,
    parts TEXT NOT NULL,
    noted_at REAL NOT NULL,
    UNIQUE (source, reversal_id)
);
"""


class Part(msgspec.Struct, frozen=True, array_like=True):
    """What is raised again on one invoice, or with an empty id on none."""

    invoice_id: str
    amount_minor: int


def parts_back(settled: Sequence[Part], back_minor: int, amount_minor: int) -> list[Part]:
    """What taking `amount_minor` more back raises, after `back_minor` of the payment.

    `settled`: what the payment settled, and with an empty id the rest, all of it in the order in
    which it is taken back. What goes beyond the payment, say a chargeback of all of it after a
    refund of a part, is raised on no invoice.
    """
    parts, skip, left = [], back_minor, amount_minor
    for part in settled:
        here = min(max(part.amount_minor - skip, 0), left)
        skip = max(skip - part.amount_minor, 0)
        left -= here
        if here:
            parts.append(Part(part.invoice_id, here))
    if left:
        parts.append(Part("", left))
    return parts


class Unknown(NamedTuple):
    """The payment of a refund, reversal or failure is not known: it may come later."""

    payment_id: str


class Payments:
    """What is known of the payments of a state folder."""

    def __init__(
        self,
        where: Path | Database,
        *,
        clock: Callable[[], float] = time.time,
        keep_s: float = KEEP_S,
        keep_max: int = KEEP_MAX,
    ) -> None:
        """`where`: the state folder, or its database. Raises StateError."""
        self._database = Database.of(where, _SCHEMA)
        self._clock = clock
        self._keep_s = keep_s
        self._keep_max = keep_max

    @contextmanager
    def planning(self, source: str) -> Iterator["Planner"]:
        """Plans events of a source; all is on disk at the end. Raises StateError."""
        with self._database.transaction() as sql:
            yield Planner(sql, source, self._clock())

    def confirm(self, source: str, posted: Iterable[PaymentEvent]) -> None:
        """These payments stand as they say: another one of the id, which was refused before, is
        not what refunds are of. Raises StateError."""
        with self.planning(source) as planner:
            for event in posted:
                planner.confirm(event)

    def forget(self) -> int:
        """Forgets what is too old or too much, at most 10,000 of each kind; returns how many of
        the kind of which it was most. Raises StateError."""
        with self._database.transaction() as sql:
            return max(
                sql.execute(
                    f"DELETE FROM {table} WHERE number IN (SELECT number FROM {table}"  # noqa: S608
                    f" WHERE noted_at < ? OR number <= (SELECT max(number) FROM {table}) - ?"
                    " ORDER BY number LIMIT ?)",
                    (self._clock() - self._keep_s, self._keep_max, FORGET_MAX),
                ).rowcount
                for table in ("payments", "reversals")
            )

    def close(self) -> None:
        """Gives the file back."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Planner:
    """Makes entries of events, and notes what later ones need to know, in one transaction."""

    def __init__(self, sql: sqlite3.Connection, source: str, now: float) -> None:
        self._sql = sql
        self._source = source
        self._now = now

    def entries(self, event: PaymentEvent, *, waits: bool) -> list[LedgerEntry] | Unknown:
        """The entries that the event is posted as: none of one that changes nothing.

        `waits`: whether a payment that is not known may still come; else a refund or reversal is
        raised on no invoice, as what was given back must not stay available, and a failure is taken
        for one of a payment that never counted. Raises RowError."""
        if event.type is EventType.SUCCEEDED:
            self._note(event)
            return [_payment(event)]
        known = self._sql.execute(
            "SELECT parts FROM reversals WHERE source = ? AND reversal_id = ?",
            (self._source, event.reversal_id),
        ).fetchone()
        if known is not None:
            parts = msgspec.json.decode(known["parts"], type=list[Part])
            amount_minor = sum(part.amount_minor for part in parts)
            if event.data.amount_minor != amount_minor:
                rule = f"must be what {event.reversal_id!r} was told with before, {amount_minor}"
                raise invalid("data.amount_minor", str(event.data.amount_minor), rule)
            return _adjustments(event, parts)
        payment = self._sql.execute(
            "SELECT * FROM payments WHERE source = ? AND payment_id = ?",
            (self._source, event.data.payment_id),
        ).fetchone()
        if payment is None:
            if waits:
                return Unknown(event.data.payment_id)
            parts = [Part("", event.data.amount_minor)]
            return [] if event.type is EventType.FAILED else self._reversal(event, parts)
        for name in ("account_id", "currency"):
            if getattr(event.data, name) != payment[name]:
                value, rule = getattr(event.data, name), f"must be the payment's, {payment[name]!r}"
                raise invalid(f"data.{name}", value, rule)
        # An attempt that failed before another one succeeded.
        if event.type is EventType.FAILED and event.created < payment["created"]:
            return []
        return self._take_back(event, payment)

    def confirm(self, event: PaymentEvent) -> None:
        """The payment was posted as the event says, whatever was noted of it."""
        said = (
            event.data.account_id,
            event.data.currency,
            event.data.amount_minor,
            _settled(event),
        )
        self._sql.execute(
            "UPDATE payments SET account_id = ?, currency = ?, amount_minor = ?, invoices = ?,"
            " created = ? WHERE source = ? AND payment_id = ?"
            " AND (account_id, currency, amount_minor, invoices) IS NOT (?, ?, ?, ?)",
            (*said, event.created, self._source, event.data.payment_id, *said),
        )

    def _note(self, event: PaymentEvent) -> None:
        data = event.data
        self._sql.execute(
            "INSERT INTO payments (source, payment_id, account_id, currency, amount_minor,"
            " invoices, created, noted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                *(self._source, data.payment_id, data.account_id, data.currency),
                *(data.amount_minor, _settled(event), event.created, self._now),
            ),
        )

    def _take_back(self, event: PaymentEvent, payment: sqlite3.Row) -> list[LedgerEntry]:
        settled = msgspec.json.decode(payment["invoices"], type=list[Part])
        back_minor = int(payment["back_minor"])
        parts = parts_back(settled, back_minor, event.data.amount_minor)
        self._sql.execute(
            # Text: refunds of a payment may come to more than 64 bits hold.
            "UPDATE payments SET back_minor = ? WHERE number = ?",
            (str(back_minor + event.data.amount_minor), payment["number"]),
        )
        return self._reversal(event, parts)

    def _reversal(self, event: PaymentEvent, parts: list[Part]) -> list[LedgerEntry]:
        self._sql.execute(
            "INSERT INTO reversals (source, reversal_id, parts, noted_at) VALUES (?, ?, ?, ?)",
            (self._source, event.reversal_id, _json(parts), self._now),
        )
        return _adjustments(event, parts)


def _settled(event: PaymentEvent) -> str:
    """Taken back in this order: first what settled nothing, then the last invoice."""
    data = event.data
    rest = data.amount_minor - sum(invoice.amount_minor for invoice in data.invoices)
    settled = [Part(one.invoice_id, one.amount_minor) for one in reversed(data.invoices)]
    return _json([Part("", rest), *settled] if rest else settled)


def _json(parts: Sequence[Part]) -> str:
    return msgspec.json.encode(parts).decode()


def _payment(event: PaymentEvent) -> LedgerEntry:
    # Without dates: the ledger's own row of the payment is the same entry, whoever is first.
    data = event.data
    return LedgerEntry(
        entry_id=data.payment_id,
        account_id=data.account_id,
        kind=EntryKind.PAYMENT,
        amount_minor=data.amount_minor,
        currency=data.currency,
        allocations=[Allocation(one.invoice_id, one.amount_minor) for one in data.invoices],
    )


def _adjustments(event: PaymentEvent, parts: Sequence[Part]) -> list[LedgerEntry]:
    return [
        LedgerEntry(
            entry_id=event.reversal_id if place == 1 else f"{event.reversal_id}:{place}",
            account_id=event.data.account_id,
            kind=EntryKind.ADJUSTMENT,
            amount_minor=part.amount_minor,
            currency=event.data.currency,
            invoice_id=part.invoice_id,
        )
        for place, part in enumerate(parts, start=1)
    ]
