"""Rows of the ledger as dead letters, and how one is sent again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from creditgate.client import AsyncClient, MoneyError, money
from creditgate.loaders.errors import RowError
from creditgate.loaders.ledger.batches import Batch, Lot, Refused
from creditgate.loaders.ledger.mapping import KINDS, SOURCE_CELL, LedgerMapping
from creditgate.loaders.ledger.outbox import OutboxRow
from creditgate.loaders.ledger.sender import Sender
from creditgate.loaders.queue.letters import DeadLetter
from creditgate.loaders.rows.accounts import account_message

OWNER: Final = "ledger"
_UNQUOTED: Final = " /@+-,;="


class Kept(msgspec.Struct, frozen=True):
    """A row as a dead letter keeps it: all that is needed to send it again."""

    kind: str
    source: str
    cells: dict[str, Any]
    fault: str | None
    columns: tuple[str, ...] = ()
    """Those of which the row says by their absence that there is none."""


def letter_of(refused: Refused, mapping: LedgerMapping) -> DeadLetter:
    """The letter of a row that cannot be taken, the row as it came in it."""
    row, error = refused.row, refused.error
    amount_minor, currency = _stake(row)
    kind, source, cells = mapping.kind_of(row.feed) or "", "", row.cells
    columns = tuple(sorted(mapping.columns_of(row.feed))) if kind == "accounts" else ()
    if kind == "entries":
        source = cells.get(SOURCE_CELL, mapping.source)
        cells = {cell: value for cell, value in cells.items() if cell != SOURCE_CELL}
    return DeadLetter(
        source=letters_source(mapping),
        event_id=event_id(row, mapping),
        kind=row.feed,
        account_id=str(row.cells.get("account_id", "")),
        field=error.field,
        value=error.value,
        reason=error.reason,
        message=error.message,
        owner=OWNER,
        payload=msgspec.json.encode(Kept(kind, source, cells, row.fault, columns)),
        amount_minor=amount_minor,
        currency=currency,
    )


def letters_source(mapping: LedgerMapping) -> str:
    """What the dead letters of a ledger have as their source."""
    return f"ledger:{mapping.source}"


def event_id(row: OutboxRow, mapping: LedgerMapping) -> str:
    """What the row is called: an entry by its id, what holds now by what it is about, so that of
    several limits of an account the latest is kept. A row that cannot be read, by its place."""
    kind = KINDS.get(mapping.kind_of(row.feed) or "")
    if row.fault is not None or kind is None:
        return f"outbox:{row.id}" if row.id > 0 else f"snapshot:{-row.id}"
    if row.cells.get("kind") == "dispute":
        # Whoever tells of it: a snapshot's is older than the feed's.
        return _name("dispute", row, ("account_id", "invoice_id"))
    if row.cells.get(SOURCE_CELL, mapping.source) != mapping.source and not kind.named_once:
        # Two gateways may give the same id.
        return _name(row.feed, row, (SOURCE_CELL, "entry_id"))
    return _name(row.feed, row, kind.named_once or ("entry_id",))


def _name(feed: str, row: OutboxRow, names: Sequence[str]) -> str:
    cells = [str(row.cells.get(name, "")) for name in names]
    if len(cells) > 1:  # else where one ends and the next begins could be read in two ways
        cells = [quote(cell, safe=_UNQUOTED) for cell in cells]
    return ":".join([feed, *cells])


def _stake(row: OutboxRow) -> tuple[int | None, str]:
    """What hangs on it, where the row says so."""
    amount, currency = row.cells.get("amount"), row.cells.get("currency")
    if not isinstance(amount, str) or not isinstance(currency, str):
        return None, ""
    try:
        return money.parse(amount, currency), currency
    except MoneyError:
        return None, currency


async def replay(letter: DeadLetter, client: AsyncClient, _state: Path) -> None:
    """Send a row again, under the ids that it has. Raises RowError when it is refused again."""
    kept = msgspec.json.decode(letter.payload, type=Kept)
    if kept.fault is not None or kept.kind not in KINDS:
        rule = "mend the mapping and run `creditgate sync install`, which tells of the row again"
        raise RowError(letter.field, letter.value, letter.reason, f"{letter.message}; {rule}")
    row = OutboxRow(0, 0.0, letter.kind, kept.cells)
    message = (
        account_message(kept.cells, kept.columns)
        if kept.kind == "accounts"
        else KINDS[kept.kind].message(kept.cells)
    )
    batch = Batch(kept.kind, kept.source, [Lot(row, message)])
    sent = await Sender(client).send(batch)
    if sent.refused:
        raise sent.refused[0].error
