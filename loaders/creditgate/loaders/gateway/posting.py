"""Entries of events to the server, and what it says of each event."""

from collections.abc import Sequence

from creditgate.client import AsyncClient, EntryOutcome, EntryResult, LedgerEntry
from creditgate.loaders.errors import RowError

POST_MAX = 1_000
"""Entries of one call, as the contract bounds them."""


async def post(
    client: AsyncClient, source: str, events: Sequence[Sequence[LedgerEntry]]
) -> list[EntryOutcome | RowError]:
    """What became of each event, by its entries: refused when one of them was; posted when one was
    new; else posted before. Raises CallError; what was posted until then is posted once again."""
    entries = [entry for of_event in events for entry in of_event]
    results: list[EntryResult] = []
    for start in range(0, len(entries), POST_MAX):
        results += await client.post_entries(source, entries[start : start + POST_MAX])
    answered = iter(zip(entries, results, strict=True))
    return [_outcome([next(answered) for _ in of_event]) for of_event in events]


def _outcome(answers: Sequence[tuple[LedgerEntry, EntryResult]]) -> EntryOutcome | RowError:
    for entry, result in answers:
        if (error := result.error) is not None:
            value = str(getattr(entry, error.field, "") if error.field else "")
            return RowError(error.field, value, error.reason, error.message)
    posted = any(result.outcome is EntryOutcome.POSTED for _, result in answers)
    return EntryOutcome.POSTED if posted else EntryOutcome.DUPLICATE
