"""Dead letters of payment events, and how they are sent again."""

from pathlib import Path

from creditgate.client import AsyncClient
from creditgate.loaders.errors import RowError
from creditgate.loaders.fields import invalid
from creditgate.loaders.gateway.events import OWNER, EventType, parse, told
from creditgate.loaders.gateway.payments import Payments, Unknown
from creditgate.loaders.gateway.posting import post
from creditgate.loaders.queue.letters import DeadLetter

# Which accounts there are, and in which currency, is the ledger's to say.
_OWNERS = {"account_id": "ledger", "currency": "ledger"}


def letter(source: str, body: bytes, error: RowError) -> DeadLetter:
    """The letter of an event that cannot be taken, for what `error` says."""
    known = told(body)
    return DeadLetter(
        source=source,
        event_id=known.event_id,
        kind=known.kind,
        account_id=known.account_id,
        field=error.field,
        value=error.value,
        reason=error.reason,
        message=error.message,
        owner=_OWNERS.get(error.field, OWNER),
        payload=body,
        amount_minor=known.amount_minor,
        currency=known.currency,
    )


async def replay(found: DeadLetter, client: AsyncClient, state: Path) -> None:
    """Posts the event of a letter, under the ids that it came with; what its payment was is known
    or never will be. Raises RowError when it is refused again, CallError."""
    event = parse(found.payload)
    if event is None:
        raise invalid("type", found.kind, "must be one that counts")
    with Payments(state) as payments:
        with payments.planning(found.source) as planner:
            entries = planner.entries(event, waits=False)
        assert not isinstance(entries, Unknown), "it was not to wait"
        if not entries:
            return
        (outcome,) = await post(client, found.source, [entries])
        if isinstance(outcome, RowError):
            raise outcome
        if event.type is EventType.SUCCEEDED:
            payments.confirm(found.source, [event])
