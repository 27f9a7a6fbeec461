"""What third parties found out about customers: verifications, scores, flags."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

import msgspec

from creditgate.client import HoldKind, Verification, VerificationRecord
from creditgate.loaders.fields import Id, Score, Words, invalid, moment, typed
from creditgate.loaders.rows.kind import RowKind

FlagAction = Literal["place", "lift"]
FlagKindName = Literal["bureau", "fraud", "manual"]


class VerificationRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a third party found out about a customer."""

    account_id: Id
    reference: Id
    source: Id
    date: date
    score: Score | None = None
    document_sha256: str | None = None


class ScoreRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How good a third party says that a customer is."""

    account_id: Id
    reference: Id
    source: Id
    date: date
    score: Score


class FlagRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A flag that suspends new orders of a customer, or no longer does."""

    account_id: Id
    hold_id: Id
    action: FlagAction
    reason: Words
    kind: FlagKindName | None = None
    source: Id | None = None
    expire_time: Words | None = None


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """A hold to be placed on an account or, with `kind` None, to be lifted."""

    account_id: str
    hold_id: str
    reason: str
    kind: HoldKind | None
    source: str = ""
    expire_time: datetime | None = None


def verification_message(cells: Mapping[str, str]) -> VerificationRecord:
    """Raises RowError."""
    row = typed(cells, VerificationRow)
    digest = row.document_sha256 or ""
    if digest and not re.fullmatch("[0-9a-fA-F]{64}", digest):
        raise invalid("document_sha256", digest, "must be a SHA-256 in 64 hexadecimal digits")
    found = Verification(
        reference=row.reference,
        source=row.source,
        date=row.date,
        score=row.score,
        document_sha256=digest,
    )
    return VerificationRecord(account_id=row.account_id, verification=found)


def score_message(cells: Mapping[str, str]) -> VerificationRecord:
    """Raises RowError."""
    row = typed(cells, ScoreRow)
    found = Verification(reference=row.reference, source=row.source, date=row.date, score=row.score)
    return VerificationRecord(account_id=row.account_id, verification=found)


def flag_message(cells: Mapping[str, str]) -> Flag:
    """Raises RowError."""
    row = typed(cells, FlagRow)
    if row.action == "lift":
        # Who lifts a flag may say whose it is; it has no end of its own.
        if row.expire_time is not None:
            raise invalid("expire_time", row.expire_time, "must be empty with action lift")
        return Flag(account_id=row.account_id, hold_id=row.hold_id, reason=row.reason, kind=None)
    if row.kind is None:
        raise invalid("kind", "", "must not be empty with action place")
    return Flag(
        account_id=row.account_id,
        hold_id=row.hold_id,
        reason=row.reason,
        kind=HoldKind[row.kind.upper()],
        source=row.source or "",
        expire_time=None if row.expire_time is None else moment("expire_time", row.expire_time),
    )


VERIFICATIONS = RowKind(VerificationRow, verification_message, {}, ("account_id", "reference"))
SCORES = RowKind(ScoreRow, score_message, {}, ("account_id", "reference"))
FLAGS = RowKind(FlagRow, flag_message, {}, ("account_id", "hold_id"))
