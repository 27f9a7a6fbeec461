"""One run of the scorecard over all accounts of the service: scores first, then limits."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from datetime import date
from typing import Final, TypeVar

import duckdb
import msgspec

from creditgate.client import (
    AccessError,
    Account,
    AsyncClient,
    CallError,
    ProposalState,
    TransientError,
    UpsertOutcome,
    Verification,
    VerificationRecord,
)
from creditgate.loaders.errors import LoadStoppedError
from creditgate.loaders.scoring.history import behaviours_of
from creditgate.loaders.scoring.moves import Kept, Move, decide, latest_score
from creditgate.loaders.scoring.scorecard import Scorecard
from creditgate.loaders.sending import CHANNEL

ROWS_AT_ONCE: Final = 1_000
ACCOUNTS_AT_ONCE: Final = 20_000
"""Many, for each time all of the spool is looked through for them."""
PROPOSALS_IN_FLIGHT_MAX: Final = 4
"""Few: each makes way for orders, and what loads meanwhile waits behind them."""

T = TypeVar("T")


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A move and what became of it: APPROVED, PENDING, REFUSED, or PROPOSED in a dry run."""

    move: Move
    outcome: str
    message: str = ""


class Recalculation:
    """Goes through the accounts of the service, some at a time, and proposes limits.

    A second run on the same day proposes nothing that the first one has: a limit that waits, or
    was changed on that day, is left alone, and a proposal's request id is made of what it says. So
    a run that was stopped is simply run again.
    """

    def __init__(
        self,
        client: AsyncClient,
        spool: duckdb.DuckDBPyConnection,
        card: Scorecard,
        as_of: date,
        *,
        dry_run: bool,
    ) -> None:
        self._client = client
        self._spool = spool
        self._card = card
        self._as_of = as_of
        self._dry_run = dry_run
        self._slots = asyncio.Semaphore(PROPOSALS_IN_FLIGHT_MAX)
        self.kept: Counter[Kept] = Counter()
        self.accounts = 0
        self.scores_recorded = 0
        self.scores_refused: Counter[str] = Counter()

    async def run(self) -> AsyncIterator[Moved]:
        """Every move, as soon as it is known what became of it. Raises LoadStoppedError."""
        try:
            listing = self._client.list_accounts(page_size=ROWS_AT_ONCE)
            async for accounts in in_batches(listing, ACCOUNTS_AT_ONCE):
                async for moved in self._batch(accounts):
                    yield moved
        except CallError as error:
            raise LoadStoppedError(str(error)) from error

    async def _batch(self, accounts: Sequence[Account]) -> AsyncIterator[Moved]:
        self.accounts += len(accounts)
        ids = [account.account_id for account in accounts]
        behaviours = behaviours_of(self._spool, ids)
        ledgers = scores_of(self._spool, ids)
        if not self._dry_run:
            await self._record(accounts, ledgers)
        moves = []
        for account in accounts:
            score = latest_score(
                [ledgers.get(account.account_id), *account.verifications], self._as_of
            )
            behaviour = behaviours.get(account.account_id)
            decided = decide(account, behaviour, score, self._card, self._as_of)
            if isinstance(decided, Kept):
                self.kept[decided] += 1
            else:
                verification = self._stands_on(account, decided)
                moves.append(msgspec.structs.replace(decided, verification=verification))
        for first in range(0, len(moves), ROWS_AT_ONCE):
            some = moves[first : first + ROWS_AT_ONCE]
            for moved in await asyncio.gather(*map(self._propose, some)):
                yield moved

    def _stands_on(self, account: Account, move: Move) -> str:
        """The score's reference, where somebody else has recorded it: no band approves what stands
        on a proposer's own word."""
        recorded_by = {one.reference: one.recorded_by for one in account.verifications}
        own = self._client.options.actor
        return move.verification if recorded_by.get(move.verification, own) != own else ""

    async def _record(self, accounts: Sequence[Account], scores: dict[str, Verification]) -> None:
        """Records the scores that the service does not have."""
        rows = []
        for account in accounts:
            score = scores.get(account.account_id)
            known = {one.reference for one in account.verifications}
            if score is not None and score.reference not in known:
                rows.append(VerificationRecord(account_id=account.account_id, verification=score))
        for first in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[first : first + ROWS_AT_ONCE]
            for result in await self._client.record_verifications(some, channel=CHANNEL):
                if result.error is not None:
                    self.scores_refused[result.error.reason] += 1
                elif result.outcome is UpsertOutcome.CREATED:
                    self.scores_recorded += 1

    async def _propose(self, move: Move) -> Moved:
        if self._dry_run:
            return Moved(move=move, outcome="PROPOSED")
        async with self._slots:
            try:
                result = await self._client.propose_limit(
                    move.account_id,
                    move.limit,
                    move.reason(self._card.name, self._as_of),
                    verification=move.verification,
                    channel=CHANNEL,
                    request_id=self._request_id(move),
                )
            except (TransientError, AccessError):
                raise  # the same would become of all others
            except CallError as error:
                return Moved(move=move, outcome="REFUSED", message=str(error))
        waits = result.state is ProposalState.PENDING
        return Moved(move=move, outcome="PENDING" if waits else "APPROVED")

    def _request_id(self, move: Move) -> str:
        said = msgspec.json.encode((self._card.name, self._as_of, move))
        return f"recalc-{hashlib.sha256(said).hexdigest()[:32]}"


def scores_of(db: duckdb.DuckDBPyConnection, account_ids: Sequence[str]) -> dict[str, Verification]:
    """The ledger's latest score of each of these accounts that has one."""
    query = "SELECT * FROM scores WHERE account_id IN (SELECT unnest(?))"
    rows = db.execute(query, [list(account_ids)]).fetchall()
    return {
        account_id: Verification(reference=reference, source=source, date=found_on, score=score)
        for account_id, reference, source, found_on, score in rows
    }


async def in_batches(items: AsyncIterable[T], size: int) -> AsyncIterator[list[T]]:
    """Lists of so many; the last may be shorter."""
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
