"""The books of an auditor: what the journal adds up to, entry by entry.

On top of the chain it adds the events up to what every account owes and holds, checks that no name
is used twice, and on the way that no approval went beyond a limit. It shares no code with
creditgate's core. Run it on the store of a stopped server, or on a copy:

    python -m creditgate.audit.books creditgate-store
"""

import sys
import tomllib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lmdb
import msgspec

from creditgate.audit import records
from creditgate.audit.chain import SALT_BYTES, TEXT_FIELDS, Chain, DamageError
from creditgate.audit.counting import Counting
from creditgate.audit.decided import decided
from creditgate.audit.records import Account, Answer, Item, Reservation


@dataclass
class Auditor:
    """What the journal says, up to the sequence `seq`. `advance` reads on from there."""

    store: Path
    seq: int = 0
    time: int = 0
    """Of the entry `seq`: microseconds since 1970-01-01."""
    chain: Chain = field(init=False)
    """What was read and verified of the chain, which may be more than was taken."""
    accounts: dict[int, Account] = field(default_factory=dict)
    reservations: dict[int, Reservation] = field(default_factory=dict)
    items: dict[tuple[int, str], Item] = field(default_factory=dict)
    segments: dict[int, dict[str, list[Any]]] = field(default_factory=dict)
    caps: dict[tuple[int, str], int] = field(default_factory=dict)
    """By segment and currency: what all its accounts may owe together."""
    policy: int = 1
    """The version in force."""
    excluding: set[int] = field(default_factory=set)
    """The versions under which what is disputed counts against no limit."""
    sources: dict[str, int] = field(default_factory=dict)
    answers: dict[tuple[str, int], Answer] = field(default_factory=dict)
    """By request id and row of a bulk call."""
    postings: dict[tuple[str, str], Answer] = field(default_factory=dict)
    """By source and entry id of the ledger."""
    reused: list[int] = field(default_factory=list)
    """Entries whose name was decided before: right beyond the window of remembered names alone."""
    breaches: list[int] = field(default_factory=list)
    """Entries that went beyond a limit or a hold under `forced`, each of which must say so."""
    waivers: dict[int, list[str]] = field(default_factory=dict)
    """By case: which rules people signed that they do not stand in its order's way."""
    approved: list[int] = field(default_factory=list)
    """Entries that went beyond a limit or a hold because people had signed for it."""
    texts: dict[tuple[int, str], str] = field(default_factory=dict)
    """Names and reasons that have not been erased, by sequence and field."""
    _rest: deque[tuple[int, int, list[Any]]] = field(default_factory=deque)
    """Entries read and not yet taken: their sequence, time and content."""

    def __post_init__(self) -> None:
        self.chain = Chain(self.store)

    def advance(self, until: int | None = None) -> "Auditor":
        """Reads on to the end of the journal, or up to the entry `until`. Raises DamageError."""
        if not self._rest:
            self._read()
        while self._rest and (until is None or self.seq < until):
            self._take(*self._rest.popleft())
        return self

    # Reading -------------------------------------------------------------------------------

    def _read(self) -> None:
        for commit in self.chain.read():
            decode = msgspec.msgpack.decode
            self._rest.extend(
                (seq, commit.time, decode(entry))
                for seq, entry in enumerate(commit.entries, commit.first_seq)
            )
            for (seq, number), stored in commit.texts.items():
                self.texts[seq, TEXT_FIELDS[number]] = stored[SALT_BYTES:].decode()

    # What entries mean ---------------------------------------------------------------------

    def _take(self, seq: int, time: int, entry: list[Any]) -> None:
        (command, actor, channel, _reason), _policy, outcome, events = entry
        self.seq, self.time = seq, time
        answer = Answer(seq, time, actor, channel, command, outcome, events)
        ((name, fields),) = command.items()
        if name == "post":
            self._note(self.postings, (fields[0], fields[1]), answer)
        elif name not in ("housekeep", "move_source", "retry_cases"):
            request_id, row, _call = fields[0]
            self._note(self.answers, (request_id, row), answer)
        for event in events:
            ((kind, values),) = event.items()
            if kind not in _EVENTS:
                raise DamageError(f"entry {seq}: unknown event {kind}")
            _EVENTS[kind](self, *([values] if kind == "case" else values))
            reservation = self._takes(answer, event)
            if reservation is not None:
                self._check_limits(answer, reservation)
        self._check_sums(answer)
        self._check_worth(answer)

    def _note(
        self, book: dict[tuple[Any, Any], Answer], name: tuple[Any, Any], answer: Answer
    ) -> None:
        if name in book:
            self.reused.append(answer.seq)
        book[name] = answer

    def _check_sums(self, answer: Answer) -> None:
        """No sum below zero, and each average of what is owed."""
        touched = {id(account): account for account in self._touched(answer)}
        for account in touched.values():
            if account.reserved < 0 or account.captured < 0:
                raise DamageError(f"entry {answer.seq}: {account} holds less than nothing")
            if account.averaged not in (None, account.exposure):
                raise DamageError(f"entry {answer.seq}: {account} is averaged by another exposure")

    def _check_limits(self, answer: Answer, reservation: int) -> None:
        """No order that takes more credit is beyond a limit, or of a held account, unless its own
        answer says why: it is tolerated, signed for, or was forced."""
        kinds = {kind for event in answer.events for kind in event}
        # A shipment that nobody had reserved, of an invoice that counts already, adds nothing.
        if "billed" in kinds:
            return
        said = decided(answer, reservation)
        account = self.reservations[reservation].account
        found = list(self.limits(account))
        # The account's own limit comes first, where it has one.
        if said.is_tolerated and self.ceiling(account) is not None:
            del found[0]
        beyond = [f"{owed} of {limit}" for owed, limit in found if owed > limit]
        held = [until for until in account.holds.values() if not until or self.time < until]
        waived = self._waived(answer, said.case)
        if (not beyond or waived & records.OF_LIMITS) and (not held or waived & records.OF_HOLDS):
            if (beyond or held) and answer.seq not in self.approved[-1:]:
                self.approved.append(answer.seq)
        elif "breached" not in kinds:
            raise DamageError(f"entry {answer.seq}: held, or beyond {beyond}: {account}")
        elif answer.seq not in self.breaches[-1:]:
            self.breaches.append(answer.seq)

    def _waived(self, answer: Answer, case: int | None) -> set[str]:
        """The rules that people had signed for not to stand in the way of the order of a case."""
        happened: list[Any] = [event["case"] for event in answer.events if "case" in event]
        used = [event["used"] for event in happened if "used" in event]
        unsigned = [of for of, _reservation, *is_unsigned in used if is_unsigned == [True]]
        return set() if case is None or case in unsigned else set(self.waivers.get(case, ()))

    def _takes(self, answer: Answer, event: dict[str, Any]) -> int | None:
        """The reservation that an event lets take more credit. An order that does not count yet
        takes none; the clock lets it count later, whether it fits or not."""
        match event:
            case {"grown": [number, _]}:
                return int(number)
            case {"reserved": [number, _, _, amount, *_]} if amount > 0:
                return int(number)
            case {"case": {"reserved": [_, number, _, _, amount, *_]}} if amount > 0:
                return int(number)
            case {"counted": [number, _]} if "housekeep" not in answer.command:
                return int(number)
        return None

    def _check_worth(self, answer: Answer) -> None:
        """What counts of an order is what its open amount is worth."""
        for event in answer.events:
            kind: str
            values: Any
            ((kind, values),) = event.items()
            if kind == "case" and "reserved" in values:
                number = values["reserved"][1]
            elif kind == "reserved" or kind in records.OF_RESERVATION:
                number = values[0]
            else:
                continue
            held = self.reservations[number]
            if held.counting is not None and held.open != held.counting.worth:
                raise DamageError(
                    f"entry {answer.seq}: reservation {number} counts {held.open}, "
                    f"not {held.counting.worth}"
                )

    def _touched(self, answer: Answer) -> list[Account]:
        touched = []
        for event in answer.events:
            kind: str
            values: Any
            ((kind, values),) = event.items()
            if kind in records.OF_ACCOUNT:
                slot = values[1] if kind == "reserved" else values[0]
                touched.append(self.accounts[slot])
            elif kind in records.OF_RESERVATION:
                touched.append(self.reservations[values[0]].account)
            elif kind == "case" and "reserved" in values:
                touched.append(self.accounts[values["reserved"][2]])
        return touched

    def limits(self, account: Account) -> Iterator[tuple[int, int]]:
        """Of each limit that the account is held to: what counts against it, and the limit."""
        ceiling = self.ceiling(account)
        if ceiling is not None:
            yield self._counts(account), ceiling
        for head in self.lineage(account):
            if head.shared_limit is not None:
                below = (a for a in self.accounts.values() if head in self.lineage(a))
                yield sum(map(self._counts, below)), head.shared_limit
        of = (account.segment, account.currency)
        if account.segment is not None and of in self.caps:
            members = (a for a in self.accounts.values() if (a.segment, a.currency) == of)
            yield sum(map(self._counts, members)), self.caps[of]

    def _counts(self, account: Account) -> int:
        """What counts against limits of what an account owes."""
        return account.exposure - (account.contested if self.policy in self.excluding else 0)

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
        details = more[1] if len(more) > 1 else None
        if details is not None and len(details) > 2:
            self.reservations[number].counting = Counting.read(details[2])
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

    def _order_moved(self, number: int, change: list[int]) -> None:
        counting = self._counting(number)
        counting.parts = [part + more for part, more in zip(counting.parts, change, strict=True)]
        if min(counting.parts) < 0:
            raise DamageError(f"entry {self.seq}: reservation {number} holds less than nothing")

    def _counted(self, number: int, amount: int) -> None:
        self._counting(number).waits = False
        self._open(number, amount)

    def _revalued(self, number: int, amount: int, quote: list[Any], inverted: bool) -> None:
        self._counting(number).set_rate(quote, inverted)
        self._open(number, amount)

    def _counting(self, number: int) -> Counting:
        counting = self.reservations[number].counting
        if counting is None:
            raise DamageError(f"entry {self.seq}: reservation {number} counts as it is")
        return counting

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

    def _item_moved(
        self, slot: int, invoice: str, amount: int, disputed: int | None = None
    ) -> None:
        item, account = self._item(slot, invoice), self.accounts[slot]
        before = item.contested
        item.open += amount
        item.disputed = item.disputed if disputed is None else disputed
        account.outstanding += amount
        account.contested += item.contested - before

    def _item_disputed(self, slot: int, invoice: str, disputed: int) -> None:
        self._item_moved(slot, invoice, 0, disputed)

    def _policy_put(self, version: int, text: str, *_: object) -> None:
        if tomllib.loads(text).get("exposure", {}).get("disputed_counts") is False:
            self.excluding.add(version)

    def _policy_activated(self, version: int, *_: object) -> None:
        self.policy = version

    def _unallocated_moved(self, slot: int, amount: int) -> None:
        self.accounts[slot].outstanding += amount
        self.accounts[slot].unallocated += amount

    def _source_moved(self, source: str, position: int) -> None:
        self.sources[source] = position

    def _reservation_forgotten(self, number: int) -> None:
        forgotten = self.reservations.pop(number)
        if forgotten.open or (forgotten.counting and forgotten.counting.parts[0]):
            raise DamageError(f"entry {self.seq}: reservation {number} was forgotten while open")

    def _item_forgotten(self, slot: int, invoice: str) -> None:
        item = self.items.pop((slot, invoice))
        if item.open or item.captured:
            raise DamageError(f"entry {self.seq}: invoice {invoice} was forgotten while open")

    def _rolling(self, slot: int, hard_cap: int | None = None, *more: Any) -> None:
        account = self.accounts[slot]
        if hard_cap is None:
            account.averaged = None
        elif account.averaged is None:
            account.averaged = more[1]
        account.hard_cap = hard_cap

    def _average_moved(self, slot: int, amount: int) -> None:
        account = self.accounts[slot]
        if account.averaged is None:
            raise DamageError(f"entry {self.seq}: {account} has no average")
        account.averaged += amount

    def _limit_approved(self, slot: int, _proposal: int | None, limit: list[Any], *_: Any) -> None:
        self.accounts[slot].limit = limit

    def _case(self, event: dict[str, list[Any]]) -> None:
        ((kind, values),) = event.items()
        if kind == "signed" and values[-1]:
            _case, _by, _on_behalf_of, _role, (waived, _amount, _until), _complete = values
            self.waivers[values[0]] = [code for code, *_whose in waived]
        elif (kind == "asked_again" and values[-1]) or (kind == "used" and values[2:] == [True]):
            self.waivers.pop(values[0], None)
        elif kind == "reserved":
            self._reserved(*values[1:7])

    def _nothing(self, *_: object) -> None:
        """Moves nothing."""

    def _item(self, slot: int, invoice: str) -> Item:
        return self.items.setdefault((slot, invoice), Item())


_MOVE_NOTHING = (
    *("verification_recorded", "limit_proposed", "proposal_closed", "breached", "acknowledged"),
    *("terms_set", "calendar_set", "terms_assigned", "rate_set", "texts_erased", "policy_shadowed"),
    *("first_billed", "orders_counted", "orders_forgotten"),
    *("utilisation_crossed", "utilisation_taken", "adjustments", "reconciled"),
)
_EVENTS: dict[str, Callable[..., None]] = {
    **dict.fromkeys(_MOVE_NOTHING, Auditor._nothing),
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
    "average_moved": Auditor._average_moved,
    "segment_set": Auditor._segment_set,
    "limit_approved": Auditor._limit_approved,
    "policy_put": Auditor._policy_put,
    "policy_activated": Auditor._policy_activated,
    "case": Auditor._case,
    "reserved": Auditor._reserved,
    "grown": Auditor._grown,
    "order_moved": Auditor._order_moved,
    "counted": Auditor._counted,
    "revalued": Auditor._revalued,
    "captured": Auditor._captured,
    "billed": Auditor._billed,
    "released": Auditor._released,
    "expired": Auditor._expired,
    "expiry_set": Auditor._expiry_set,
    "claimed": Auditor._claimed,
    "item_posted": Auditor._item_posted,
    "item_moved": Auditor._item_moved,
    "item_disputed": Auditor._item_disputed,
    "unallocated_moved": Auditor._unallocated_moved,
    "source_moved": Auditor._source_moved,
    "reservation_forgotten": Auditor._reservation_forgotten,
    "item_forgotten": Auditor._item_forgotten,
}


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
    chain = auditor.chain
    write(f"whole: {chain.commits} commits, {auditor.seq} entries; digests, chain, sums hold\n")
    write(f"head of the chain: {chain.head.hex()}\n")
    for currency in sorted({account.currency for account in auditor.accounts.values()}):
        some = [a for a in auditor.accounts.values() if a.currency == currency]
        names = ("outstanding", "captured", "reserved")
        sums = {name: sum(getattr(account, name) for account in some) for name in names}
        write(f"{currency}: {len(some)} accounts, in minor units {sums}\n")


if __name__ == "__main__":
    main()
