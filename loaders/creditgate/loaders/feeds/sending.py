"""Records to the server, and what it says of each."""

from collections.abc import Sequence

from creditgate.client import AsyncClient, InvalidRequestError, ItemError, VerificationRecord
from creditgate.loaders.errors import RowError
from creditgate.loaders.feeds.records import Record, told
from creditgate.loaders.rows.findings import Flag
from creditgate.loaders.sending import CHANNEL, place_and_lift


async def send(client: AsyncClient, records: Sequence[Record]) -> list[str | ItemError]:
    """What became of each record, at most 1,000 of one kind: the name of an outcome, or why it was
    refused. Raises CallError."""
    flags = [one.message for one in records if isinstance(one.message, Flag)]
    scores = [one.message for one in records if isinstance(one.message, VerificationRecord)]
    return [*await place_and_lift(client, flags), *await _record(client, scores)]


async def _record(
    client: AsyncClient, scores: Sequence[VerificationRecord]
) -> list[str | ItemError]:
    if not scores:
        return []
    try:
        results = await client.record_verifications(scores, channel=CHANNEL)
    except (InvalidRequestError, ValueError, OverflowError) as error:
        if len(scores) == 1:
            code, reason = "INVALID_ARGUMENT", getattr(error, "reason", "") or "FIELD_INVALID"
            return [ItemError(code, reason, "", str(error))]
        # The call as a whole is refused: each stands alone.
        return [found for one in scores for found in await _record(client, [one])]
    return [result.error or str(result.outcome).lower() for result in results]


def refusal(payload: bytes, error: ItemError) -> RowError:
    """The server's refusal in terms of the record."""
    value = (told(payload) or {}).get(error.field, "")
    return RowError(error.field, value, error.reason, error.message)
