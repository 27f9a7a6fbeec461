"""An auditor's reader of the journal, written from its description alone.

It needs Python's lmdb, msgspec and hashlib and shares no code with creditgate, so that what it
finds is evidence. It checks every digest, the chain, that no sequence is missing and that no name
is used twice, adds the events up to what every account owes and holds, and checks on the way that
no approval went beyond a limit. Run it on the store of a stopped server, or on a copy:

    python tests/support/auditor.py creditgate-store
"""

import hashlib
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lmdb
import msgspec

FORMAT = 1
DIGEST_BYTES = 32
SALT_BYTES = 16
MAP_SIZE = 1 << 40  # of address space; the file is only read
TEXT_FIELDS = {0: "name", 1: "reason"}


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


def commit_files(store: Path) -> list[Path]:
    """The files that hold the commits, in order. One that is in both folders is one file."""
    folders = (store / "archive", store / "journal")
    found = {path.name: path for folder in folders for path in folder.glob("commits-*.mdb")}
    return [found[name] for name in sorted(found)]


def first_of(path: Path) -> int:
    """The sequence that a file of commits begins with."""
    return int(path.stem.removeprefix("commits-"))


class DamageError(Exception):
    """The journal is not what was written, or what was written breaks a rule; says where."""


@dataclass
class Account:
    """One account: its limit as stated, and what adds up to its exposure, in minor units."""

    slot: int
    account_id: str
    currency: str
    limit: list[Any]
    segment: int | None = None
    parent: int | None = None
    shared_limit: int | None = None
    """What it and all accounts below it may owe together."""
    status: str = "active"
    holds: dict[str, int | None] = field(default_factory=dict)
    temporary_limits: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    hard_cap: int | None = None
    outstanding: int = 0
    captured: int = 0
    reserved: int = 0
    unallocated: int = 0

    @property
    def exposure(self) -> int:
        """What counts against the limit."""
        return self.outstanding + self.captured + self.reserved


@dataclass
class Reservation:
    """What one order holds."""

    account: Account
    order_id: str
    open: int
    expires_at: int
    captured: int = 0
    released: int = 0
    expired: int = 0


@dataclass
class Item:
    """One invoice of one account."""

    open: int = 0
    captured: int = 0
    posted: bool = False


@dataclass(frozen=True)
class Answer:
    """What was decided on one request, and where it stands."""

    seq: int
    time: int
    actor: str
    channel: str
    command: dict[str, list[Any]]
    outcome: Any
    events: list[dict[str, list[Any]]]


@dataclass
class Auditor:
    """What the journal says, up to the sequence `seq`. `advance` reads on from there."""

    store: Path
    seq: int = 0
    time: int = 0
    """Of the entry `seq`: microseconds since 1970-01-01."""
    head: bytes = bytes(DIGEST_BYTES)
    """Digest of the last commit read."""
    epoch: int = 0
    commits: int = 0
    accounts: dict[int, Account] = field(default_factory=dict)
    reservations: dict[int, Reservation] = field(default_factory=dict)
    items: dict[tuple[int, str], Item] = field(default_factory=dict)
    segments: dict[int, dict[str, list[Any]]] = field(default_factory=dict)
    caps: dict[tuple[int, str], int] = field(default_factory=dict)
    """By segment and currency: what all its accounts may owe together."""
    sources: dict[str, int] = field(default_factory=dict)
    answers: dict[tuple[str, int], Answer] = field(default_factory=dict)
    """By request id and row of a bulk call."""
    postings: dict[tuple[str, str], Answer] = field(default_factory=dict)
    """By source and entry id of the ledger."""
    reused: list[int] = field(default_factory=list)
    """Entries whose name was decided before: right beyond the window of remembered names alone."""
    breaches: list[int] = field(default_factory=list)
    """Entries that went beyond a limit or a hold under `forced`, each of which must say so."""
    texts: dict[tuple[int, str], str] = field(default_factory=dict)
    """Names and reasons that have not been erased, by sequence and field."""
    _rest: deque[tuple[int, int, list[Any]]] = field(default_factory=deque)
    """Entries read and not yet taken: their sequence, time and content."""
    _time_read: int = 0

    def advance(self, until: int | None = None) -> "Auditor":
        """Reads on to the end of the journal, or up to the entry `until`. Raises DamageError."""
        if not self._rest:
            self._read()
        while self._rest and (until is None or self.seq < until):
            self._take(*self._rest.popleft())
        return self

    # Reading and the chain -----------------------------------------------------------------

    def _read(self) -> None:
        with open_read_only(self.store / "journal") as beside, beside.begin() as read:
            texts = beside.open_db(b"texts", read, create=False)
            files = commit_files(self.store)
            for path, following in zip(files, [*files[1:], None], strict=True):
                if following is not None and first_of(following) <= self.seq + 1:
                    continue
                for key, value in self._rows(path):
                    entries = self._commit(key, value)
                    for seq, _, (request, _, _, events) in entries:
                        self._check_texts(read, texts, seq, request, events)
                    self._rest.extend(entries)

    def _rows(self, path: Path) -> Iterator[tuple[bytes, bytes]]:
        """The commits of one file that have not been read."""
        with open_read_only(path) as file, file.begin() as read:
            commits = file.open_db(b"commits", read, create=False)
            with read.cursor(commits) as cursor:
                more = cursor.set_range(_key(self.seq + 1))
                while more:
                    yield cursor.key(), cursor.value()
                    more = cursor.next()

    def _commit(self, key: bytes, value: bytes) -> list[tuple[int, int, list[Any]]]:
        """Checks one commit; returns its entries with their sequence and time."""
        first, digest, body = int.from_bytes(key), value[:DIGEST_BYTES], value[DIGEST_BYTES:]
        if hashlib.sha256(body).digest() != digest:
            raise DamageError(f"commit {first}: its digest does not match its content")
        commit = msgspec.msgpack.decode(body)
        if commit["format"] != FORMAT:
            raise DamageError(f"commit {first}: unknown format {commit['format']}")
        if commit["prev_hash"] != self.head:
            raise DamageError(f"commit {first}: does not follow from the commit before it")
        last = self._rest[-1][0] if self._rest else self.seq
        if not commit["first_seq"] == first == last + 1:
            raise DamageError(f"commit {first}: sequence {last + 1} is missing")
        goes_back = commit["time"] < self._time_read or commit["epoch"] < self.epoch
        if goes_back or not commit["entries"]:
            raise DamageError(f"commit {first}: goes back in time or epoch, or is empty")
        self.head, self._time_read, self.epoch = digest, commit["time"], commit["epoch"]
        self.commits += 1
        return [(first + i, self._time_read, entry) for i, entry in enumerate(commit["entries"])]

    def _check_texts(
        self, read: Any, texts: Any, seq: int, request: list[Any], events: list[Any]
    ) -> None:
        """Names and reasons lie beside the entry; where they have not been erased, they match."""
        digests = {bytes(part) for part in _byte_strings([request, events])}
        for number, name in TEXT_FIELDS.items():
            stored = read.get(_key(seq) + bytes([number]), db=texts)
            if stored is None:
                continue
            if hashlib.sha256(stored).digest() not in digests:
                raise DamageError(f"entry {seq}: its {name} does not match the digest in the entry")
            self.texts[seq, name] = stored[SALT_BYTES:].decode()

    # What entries mean ---------------------------------------------------------------------

    def _take(self, seq: int, time: int, entry: list[Any]) -> None:
        (command, actor, channel, _reason), _policy, outcome, events = entry
        self.seq, self.time = seq, time
        answer = Answer(seq, time, actor, channel, command, outcome, events)
        ((name, fields),) = command.items()
        if name == "post":
            self._note(self.postings, (fields[0], fields[1]), answer)
        elif name != "housekeep":
            request_id, row, _call = fields[0]
            self._note(self.answers, (request_id, row), answer)
        for event in events:
            ((kind, values),) = event.items()
            if kind not in _EVENTS:
                raise DamageError(f"entry {seq}: unknown event {kind}")
            _EVENTS[kind](self, *values)
        self._check_sums(answer)

    def _note(
        self, book: dict[tuple[Any, Any], Answer], name: tuple[Any, Any], answer: Answer
    ) -> None:
        if name in book:
            self.reused.append(answer.seq)
        book[name] = answer

    def _check_sums(self, answer: Answer) -> None:
        """No sum below zero; no approval beyond the limit unless it says that it was forced."""
        kinds = {kind for event in answer.events for kind in event}
        touched = {id(account): account for account in self._touched(answer)}
        for account in touched.values():
            if account.reserved < 0 or account.captured < 0:
                raise DamageError(f"entry {answer.seq}: {account} holds less than nothing")
            # A shipment that nobody had reserved, of an invoice that counts already, adds nothing.
            if not kinds & {"reserved", "grown"} or "billed" in kinds:
                continue
            beyond = [f"{owed} of {limit}" for owed, limit in self.limits(account) if owed > limit]
            held = [until for until in account.holds.values() if not until or self.time < until]
            if beyond or held:
                if "breached" not in kinds:
                    raise DamageError(f"entry {answer.seq}: held, or beyond {beyond}: {account}")
                self.breaches.append(answer.seq)

    def _touched(self, answer: Answer) -> list[Account]:
        touched = []
        for event in answer.events:
            ((kind, values),) = event.items()
            if kind in _OF_ACCOUNT:
                slot = values[1] if kind == "reserved" else values[0]
                touched.append(self.accounts[slot])
            elif kind in _OF_RESERVATION:
                touched.append(self.reservations[values[0]].account)
        return touched

    def limits(self, account: Account) -> Iterator[tuple[int, int]]:
        """Of each limit that the account is held to: what counts against it, and the limit."""
        ceiling = self.ceiling(account)
        if ceiling is not None:
            yield account.exposure, ceiling
        for head in self.lineage(account):
            if head.shared_limit is not None:
                below = (a for a in self.accounts.values() if head in self.lineage(a))
                yield sum(a.exposure for a in below), head.shared_limit
        of = (account.segment, account.currency)
        if account.segment is not None and (account.segment, account.currency) in self.caps:
            members = (a for a in self.accounts.values() if (a.segment, a.currency) == of)
            yield sum(a.exposure for a in members), self.caps[account.segment, account.currency]

    def lineage(self, account: Account) -> list[Account]:
        """The account and those above it."""
        found = [account]
        while (parent := found[-1].parent) is not None:
            found.append(self.accounts[parent])
        return found

    def ceiling(self, account: Account) -> int | None:
        """The most that exposure may reach under the limit in force; None: unlimited."""
        kind, _valid_until = account.limit
        if kind == "inherit":
            defaults = self.segments[account.segment] if account.segment is not None else {}
            kind, _valid_until = defaults.get(account.currency, ["nothing to inherit", None])
        if kind == "no_credit":
            return 0
        today = self.time // 86_400_000_000
        added = 0
        for what, amount, first, last in account.temporary_limits.values():
            if first <= today <= last and what == "override":
                kind = {"amount": amount}
            elif first <= today <= last:
                added += amount
        limit = int(kind["amount"]) + added if isinstance(kind, dict) else 0
        if account.hard_cap is not None:
            return max(limit, account.hard_cap)
        return None if kind == "unlimited" else limit

    def account(self, account_id: str) -> Account:
        """An account by its id."""
        return next(a for a in self.accounts.values() if a.account_id == account_id)

    # Events: what each of them adds to what ------------------------------------------------

    def _account_set(
        self, slot: int, account_id: str, currency: str, parent: int | None, *more: Any
    ) -> None:
        segment, limit, _max_order, _name, *shared_limit = more
        account = self.accounts.setdefault(slot, Account(slot, account_id, currency, limit))
        account.limit, account.segment, account.parent = limit, segment, parent
        account.shared_limit = next(iter(shared_limit), None)

    def _status_set(self, slot: int, status: str, *_: object) -> None:
        self.accounts[slot].status = status

    def _hold_placed(self, slot: int, hold: str, *rest: Any) -> None:
        self.accounts[slot].holds[hold] = rest[2]

    def _temporary_limit_set(self, slot: int, limit: str, *rest: Any) -> None:
        self.accounts[slot].temporary_limits[limit] = rest

    def _segment_set(
        self, segment: int, _id: str, currency: str, limit: list[Any] | None, cap: int | None = None
    ) -> None:
        defaults = self.segments.setdefault(segment, {})
        if limit is not None:
            defaults[currency] = limit
        self.caps.pop((segment, currency), None)
        if cap is not None:
            self.caps[segment, currency] = cap

    def _reserved(self, number: int, slot: int, order: str, amount: int, *more: Any) -> None:
        if number in self.reservations:
            raise DamageError(f"entry {self.seq}: reservation {number} is there already")
        account = self.accounts[slot]
        self.reservations[number] = Reservation(account, order, amount, more[0])
        account.reserved += amount

    def _open(self, number: int, amount: int) -> Reservation:
        """Moves what is open of a reservation, and with it what its account reserves."""
        reservation = self.reservations[number]
        reservation.open += amount
        reservation.account.reserved += amount
        if reservation.open < 0:
            raise DamageError(f"entry {self.seq}: reservation {number} holds less than nothing")
        return reservation

    def _grown(self, number: int, amount: int) -> None:
        self._open(number, amount)

    def _captured(self, number: int, invoice: str, amount: int, *_: object) -> None:
        reservation = self._open(number, -amount)
        reservation.captured += amount
        reservation.account.captured += amount
        self._item(reservation.account.slot, invoice).captured += amount

    def _billed(self, number: int, _invoice: str, amount: int, _by_ledger: bool) -> None:
        self._open(number, -amount).captured += amount

    def _released(self, number: int, amount: int) -> None:
        self._open(number, -amount).released += amount

    def _expired(self, number: int, amount: int) -> None:
        reservation = self._open(number, -amount)
        reservation.expired += amount
        if reservation.expires_at > self.time:
            raise DamageError(f"entry {self.seq}: reservation {number} expired before its time")

    def _expiry_set(self, number: int, expires_at: int) -> None:
        self.reservations[number].expires_at = expires_at

    def _claimed(self, slot: int, invoice: str, amount: int) -> None:
        self.accounts[slot].captured -= amount
        self._item(slot, invoice).captured -= amount

    def _item_posted(self, slot: int, invoice: str, amount: int, *_: object) -> None:
        item = self._item(slot, invoice)
        if item.posted:
            raise DamageError(f"entry {self.seq}: invoice {invoice} was posted before")
        item.posted = True
        self._item_moved(slot, invoice, amount)

    def _item_moved(self, slot: int, invoice: str, amount: int) -> None:
        self._item(slot, invoice).open += amount
        self.accounts[slot].outstanding += amount

    def _unallocated_moved(self, slot: int, amount: int) -> None:
        self.accounts[slot].outstanding += amount
        self.accounts[slot].unallocated += amount

    def _source_moved(self, source: str, position: int) -> None:
        self.sources[source] = position

    def _reservation_forgotten(self, number: int) -> None:
        if self.reservations.pop(number).open:
            raise DamageError(f"entry {self.seq}: reservation {number} was forgotten while open")

    def _item_forgotten(self, slot: int, invoice: str) -> None:
        item = self.items.pop((slot, invoice))
        if item.open or item.captured:
            raise DamageError(f"entry {self.seq}: invoice {invoice} was forgotten while open")

    def _rolling(self, slot: int, hard_cap: int | None = None, *_: object) -> None:
        self.accounts[slot].hard_cap = hard_cap

    def _nothing(self, *_: object) -> None:
        """Moves nothing."""

    def _item(self, slot: int, invoice: str) -> Item:
        return self.items.setdefault((slot, invoice), Item())


_EVENTS: dict[str, Callable[..., None]] = {
    "account_set": Auditor._account_set,
    "status_set": Auditor._status_set,
    "hold_placed": Auditor._hold_placed,
    "hold_lifted": lambda a, slot, name: a.accounts[slot].holds.pop(name),
    "temporary_limit_set": Auditor._temporary_limit_set,
    "temporary_limit_removed": lambda books, slot, limit: books.accounts[slot].temporary_limits.pop(
        limit
    ),
    "rolling_limit_set": Auditor._rolling,
    "rolling_limit_removed": Auditor._rolling,
    "average_moved": Auditor._nothing,
    "segment_set": Auditor._segment_set,
    **dict.fromkeys(("terms_set", "calendar_set", "terms_assigned"), Auditor._nothing),
    "reserved": Auditor._reserved,
    "grown": Auditor._grown,
    "captured": Auditor._captured,
    "billed": Auditor._billed,
    "acknowledged": Auditor._nothing,
    "released": Auditor._released,
    "expired": Auditor._expired,
    "expiry_set": Auditor._expiry_set,
    "breached": Auditor._nothing,
    "claimed": Auditor._claimed,
    "item_posted": Auditor._item_posted,
    "item_moved": Auditor._item_moved,
    "unallocated_moved": Auditor._unallocated_moved,
    "source_moved": Auditor._source_moved,
    "reservation_forgotten": Auditor._reservation_forgotten,
    "item_forgotten": Auditor._item_forgotten,
}
_OF_ACCOUNT = {"reserved", "claimed", "item_posted", "item_moved", "unallocated_moved"}
_OF_RESERVATION = {"grown", "captured", "billed", "released", "expired"}


def _key(seq: int) -> bytes:
    return seq.to_bytes(8)


def _byte_strings(value: Any) -> list[bytes]:
    """All byte strings in a decoded value: an entry has no others than digests of texts."""
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [found for part in value for found in _byte_strings(part)]
    return []


def main() -> None:
    """Audits the store named on the command line and prints the sums, by currency."""
    if len(sys.argv) != 2:
        sys.stderr.write(f"usage: {sys.argv[0]} STORE\n")
        sys.exit(2)
    store = Path(sys.argv[1])
    if not (store / "journal").is_dir():
        sys.exit(f"{store}: not a store: it has no folder named journal")
    try:
        auditor = Auditor(store).advance()
    except (DamageError, lmdb.Error) as error:
        sys.exit(f"DAMAGED: {error}")
    write = sys.stdout.write
    write(f"whole: {auditor.commits} commits, {auditor.seq} entries; digests, chain, sums hold\n")
    write(f"head of the chain: {auditor.head.hex()}\n")
    for currency in sorted({account.currency for account in auditor.accounts.values()}):
        some = [a for a in auditor.accounts.values() if a.currency == currency]
        names = ("outstanding", "captured", "reserved")
        sums = {name: sum(getattr(account, name) for account in some) for name in names}
        write(f"{currency}: {len(some)} accounts, in minor units {sums}\n")


if __name__ == "__main__":
    main()
