"""What an auditor keeps of accounts, orders and invoices, and of what was answered."""

from dataclasses import dataclass, field
from typing import Any

from creditgate.audit.counting import Counting

# Events that name whose counters they move, and rules that people may sign for.
OF_ACCOUNT = {"reserved", "claimed", "item_posted", "item_moved", "unallocated_moved"}
OF_LIMITS = {"INSUFFICIENT_CREDIT", "SHARED_LIMIT_EXCEEDED", "SEGMENT_CAP_EXCEEDED"}
OF_HOLDS = {"ACCOUNT_ON_HOLD", "BUREAU_SUSPENSION", "FRAUD_SUSPENSION"}
OF_RESERVATION = {
    *("grown", "captured", "billed", "released", "expired"),
    *("order_moved", "counted", "revalued"),
}


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
    averaged: int | None = None
    """The exposure that its average goes on with; None: it has no average."""
    outstanding: int = 0
    captured: int = 0
    reserved: int = 0
    unallocated: int = 0
    contested: int = 0
    """What is owed on invoices and disputed."""

    @property
    def exposure(self) -> int:
        """What counts against the limit, unless the policy excludes what is contested."""
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
    counting: Counting | None = None
    """Where it does not count as it is."""


@dataclass
class Item:
    """One invoice of one account."""

    open: int = 0
    captured: int = 0
    posted: bool = False
    disputed: int = 0

    @property
    def contested(self) -> int:
        """What is owed on it and disputed."""
        return min(self.disputed, max(self.open, 0))


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
