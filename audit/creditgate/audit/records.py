"""What an auditor keeps of accounts, orders and invoices, and of what was answered."""

from dataclasses import dataclass, field
from typing import Any

from creditgate.audit.counting import Counting


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
    counting: Counting | None = None
    """Where it does not count as it is."""


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
