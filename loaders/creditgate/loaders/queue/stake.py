"""What is at stake where an event does not say it itself: what its account owes."""

from typing import Final

import msgspec

from creditgate.client import AsyncClient, CreditgateError
from creditgate.loaders.queue.letters import DeadLetter

ASK_S: Final = 1.0
"""How long an answer is waited for: a letter is kept all the same."""
ASKED_MAX: Final = 4


class Stakes:
    """Asks the server, a few at a time: a flood of bad events must not become one of questions."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._asking = 0

    async def known(self, letter: DeadLetter) -> DeadLetter:
        """The letter with an amount at stake: its own or else the exposure of its account, where
        that is named and the server says it in time."""
        said = letter.amount_minor is not None or not letter.account_id
        if said or self._asking >= ASKED_MAX:
            return letter
        self._asking += 1
        try:
            position = await self._client.get_position(letter.account_id, timeout_s=ASK_S)
        except CreditgateError:
            return letter
        finally:
            self._asking -= 1
        return msgspec.structs.replace(
            letter, amount_minor=position.exposure_minor, currency=position.currency
        )
