"""Adjustments that make the service agree with the ledger, for two people to post.

They stand in a file from the one who found the differences to the one who approves: the service
keeps their digest alone, so a file that was changed in between posts nothing.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from creditgate.client import Client, EntryKind, LedgerEntry
from creditgate.loaders.errors import LoadError
from creditgate.loaders.ledger.differences import Difference, Report

SOURCE: Final = "reconcile"
"""Under which adjustments are posted."""

ENTRIES_MAX: Final = 1_000


class RepairError(LoadError):
    """A repair cannot be proposed, or its file cannot be read; the message says why."""


class Repair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adjustments that were proposed."""

    adjustments_id: str
    position: int
    """All transactions of the ledger below it were compared."""
    reason: str
    entries: tuple[LedgerEntry, ...]

    def sums(self) -> dict[str, int]:
        """By how much the entries move what is owed, in minor units, by currency."""
        sums: dict[str, int] = {}
        for entry in self.entries:
            sums[entry.currency] = sums.get(entry.currency, 0) + entry.amount_minor
        return sums


def adjustments(ledger: str, report: Report) -> list[LedgerEntry]:
    """One adjustment for each item that differs, on its invoice or on none; none of accounts that
    are unreadable: an amount that cannot be read would be taken for nothing owed.

    The same differences as of the same position make the same entries, by the same ids.
    """
    return [
        LedgerEntry(
            entry_id=_entry_id(ledger, report.position, difference, invoice_id, theirs - ours),
            account_id=difference.account_id,
            kind=EntryKind.ADJUSTMENT,
            amount_minor=theirs - ours,
            currency=difference.currency,
            invoice_id=invoice_id,
        )
        for difference in report.differences
        if difference.account_id not in report.unreadable
        for invoice_id, (theirs, ours) in difference.items.items()
    ]


def _entry_id(ledger: str, position: int, of: Difference, invoice_id: str, moves: int) -> str:
    name = msgspec.json.encode([ledger, of.account_id, of.currency, invoice_id, moves])
    return f"{position}:{hashlib.sha256(name).hexdigest()[:32]}"


def check_none_waits(client: Client) -> None:
    """To be asked before a comparison, too: what is approved while it runs is in what it finds.
    Raises RepairError where adjustments wait, and the client's errors."""
    for waiting in client.list_adjustments():
        if waiting.source == SOURCE:
            raise RepairError(
                f"adjustments {waiting.adjustments_id} of {waiting.proposed_by} wait already: have "
                "them approved or rejected, and compare again"
            )


def propose(
    client: Client, file: Path, entries: Sequence[LedgerEntry], position: int, reason: str
) -> Repair:
    """Propose the first 1,000 of these adjustments and write them to a file that is not there yet.

    Raises RepairError, also where adjustments of an earlier reconciliation still wait, for those
    would count twice; and the client's errors.
    """
    check_none_waits(client)
    entries = entries[:ENTRIES_MAX]
    try:
        # First, so that nothing is proposed that cannot be kept.
        with file.open("xb") as opened:
            try:
                proposed = client.propose_adjustments(SOURCE, entries, reason)
                repair = Repair(proposed.adjustments_id, position, reason, tuple(entries))
                opened.write(msgspec.json.format(msgspec.json.encode(repair)) + b"\n")
                opened.flush()
                os.fsync(opened.fileno())
            except BaseException:
                file.unlink()
                raise
    except OSError as error:
        raise RepairError(f"{file}: {error.strerror}") from error
    return repair


def read(file: Path) -> Repair:
    """Read what was proposed. Raises RepairError."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Repair)
    except OSError as error:
        raise RepairError(f"{file}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise RepairError(
            f"{file} is no file of `creditgate reconcile --repair`: {error}"
        ) from None
