"""TigerBeetle: a pending transfer from a limited account decides; one order a call, or batches.

Its server is not in Debian's packages: the peer joins in when the environment variable
TIGERBEETLE_ADDRESS names a running one of cluster 0. What it writes there stays.
"""

import asyncio
import ctypes
import itertools
import os
import random
import time
from array import array
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import tigerbeetle as tb
from tigerbeetle import bindings
from tigerbeetle.client import InflightPacket

from bench.peers.peer import (
    ACCOUNTS,
    AMPLE_MINOR,
    START_TIMEOUT_S,
    Measurement,
    MissingError,
    PeerError,
    measurement,
)

ADDRESS_ENV: Final = "TIGERBEETLE_ADDRESS"
CLUSTER: Final = 0

BATCH_MAX: Final = 8_189
"""Transfers in the largest message of the server."""

LEDGER: Final = 840  # US dollars
CODE: Final = 1
HOLD_S: Final = 86_400

# The bank's two accounts: limits come from the one, orders go to the other.
LIMITS: Final = 1
ORDERS: Final = 2
FIRST_ACCOUNT: Final = 3

WORD_BITS: Final = 64
TRANSFER_WORDS: Final = 16

_Send: TypeAlias = Callable[[], Awaitable[None]]


class BatchResult(ctypes.Structure):
    """The answer to a whole batch, which stays bytes: an object for each takes longer than all."""

    _fields_ = (("words", ctypes.c_uint64 * (2 * BATCH_MAX)),)

    def to_python(self) -> list[int]:
        """The status of each transfer; the word before it is its timestamp."""
        return [word & 0xFFFF_FFFF for word in self.words[1::2]]


class RawClient(tb.ClientAsync):
    """The Python client, which also takes transfers as they go over the wire."""

    async def create_batch(self, transfers: Any) -> list[int]:
        """Send a `batch`; returns the status of each of its transfers."""
        operation = bindings.Operation.CREATE_TRANSFERS
        (statuses,) = await self._submit(operation, transfers, bindings.CTransfer, BatchResult)
        answered: list[int] = statuses
        return answered

    async def _submit(
        self, operation: bindings.Operation, operations: Any, c_event_type: Any, c_result_type: Any
    ) -> Any:
        # Whatever was sent waits for its answer, also when its sender no longer does: the client
        # asserts so when it is closed.
        sent = asyncio.ensure_future(
            super()._submit(operation, operations, c_event_type, c_result_type)
        )
        sent.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(sent)

    def _acquire_packet(
        self, operation: bindings.Operation, operations: Any, c_event_type: Any, c_result_type: Any
    ) -> InflightPacket:
        if not isinstance(operations, ctypes.Array):
            return super()._acquire_packet(operation, operations, c_event_type, c_result_type)
        # A packet like any other, but that what it points to is there already.
        inflight = super()._acquire_packet(operation, [], c_event_type, c_result_type)
        inflight.packet.data_size = ctypes.sizeof(operations)
        inflight.packet.data = ctypes.cast(operations, ctypes.c_void_p)
        return inflight


def batch(space: int, accounts: Sequence[int], amounts_minor: Sequence[int]) -> Any:
    """Orders as they go over the wire, without their ids; `space` is the high half of all ids."""
    size = len(accounts)
    transfers = (bindings.CTransfer * size)()
    columns = {
        2: array("Q", accounts),
        3: array("Q", [space]) * size,
        4: array("Q", [ORDERS]) * size,
        5: array("Q", [space]) * size,
        6: array("Q", amounts_minor),
        13: array("Q", [HOLD_S << 32]) * size,
        14: array("Q", [LEDGER | CODE << 32 | tb.TransferFlags.PENDING << 48]) * size,
    }
    words = memoryview(transfers).cast("B").cast("Q")
    for column, values in columns.items():
        words[column::TRANSFER_WORDS] = values
    return transfers


def number(transfers: Any, space: int, first: int) -> None:
    """Give the transfers of a batch their ids, from `first` on."""
    size = len(transfers)
    words = memoryview(transfers).cast("B").cast("Q")
    words[0::TRANSFER_WORDS] = array("Q", range(first, first + size))
    words[1::TRANSFER_WORDS] = array("Q", [space]) * size


def order(space: int, sequence: int, account: int, amount_minor: int) -> tb.Transfer:
    """One order, as the client takes it."""
    return tb.Transfer(
        id=_id(space, sequence),
        debit_account_id=_id(space, account),
        credit_account_id=_id(space, ORDERS),
        amount=amount_minor,
        timeout=HOLD_S,
        ledger=LEDGER,
        code=CODE,
        flags=tb.TransferFlags.PENDING,
    )


class TigerBeetle:
    """A server that runs already. `batches`: orders go in calls of BATCH_MAX, else one by one."""

    def __init__(
        self,
        accounts: int = ACCOUNTS,
        limit_minor: int = AMPLE_MINOR,
        *,
        batches: bool = False,
        address: str = "",
    ) -> None:
        self.name = "tigerbeetle_batch" if batches else "tigerbeetle"
        self._accounts = accounts
        self._limit_minor = limit_minor
        self._batches = batches
        self._address = address or os.environ.get(ADDRESS_ENV, "")
        self._client: RawClient | None = None
        # Ids rise with time, which suits the server's trees, and no two runs share one.
        self._space = time.time_ns()
        self._sequences = itertools.count(1)

    async def start(self, folder: Path) -> str:  # noqa: ARG002
        """Make the accounts with limits; returns the address. Raises MissingError without one."""
        if not self._address:
            raise MissingError(
                f"no address given: {ADDRESS_ENV} names a running server of TigerBeetle"
            )
        self._client = RawClient(CLUSTER, self._address)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._make_accounts(self._client)
        except TimeoutError:
            await self.stop()
            raise PeerError(f"no TigerBeetle answers at {self._address}") from None
        except BaseException:
            await self.stop()
            raise
        return self._address

    async def stop(self) -> None:
        """Leave the server."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def measure(self, seconds: float, clients: int) -> Measurement:
        """Send orders, or batches of them, so many at a time. Raises PeerError when one fails."""
        assert self._client is not None, "start() comes first"
        counts: Counter[int] = Counter()
        senders = [self._sender(self._client) for _ in range(clients)]
        start_s = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for send in senders:
                tasks.create_task(_repeat(send, start_s + seconds, counts))
        elapsed_s = time.perf_counter() - start_s
        return measurement(counts, elapsed_s, BATCH_MAX if self._batches else 1)

    def _sender(self, client: RawClient) -> _Send:
        """A function that sends an order to accounts at random, or a batch, each with new ids."""
        if not self._batches:

            async def send_one() -> None:
                sequence, account = next(self._sequences), self._some_account()
                sent = order(self._space, sequence, account, random.randint(100, 10_000))
                (result,) = await client.create_transfers([sent])
                _check([result.status])

            return send_one

        accounts = [self._some_account() for _ in range(BATCH_MAX)]
        transfers = batch(self._space, accounts, random.choices(range(100, 10_000), k=BATCH_MAX))

        async def send_batch() -> None:
            number(transfers, self._space, next(self._sequences) * BATCH_MAX)
            _check(await client.create_batch(transfers))

        return send_batch

    def _some_account(self) -> int:
        return FIRST_ACCOUNT + random.randrange(self._accounts)

    async def _make_accounts(self, client: RawClient) -> None:
        limited = tb.AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
        numbers = range(LIMITS, FIRST_ACCOUNT + self._accounts)
        for part in _parts(numbers):
            made = await client.create_accounts(
                [
                    tb.Account(
                        id=_id(self._space, account),
                        ledger=LEDGER,
                        code=CODE,
                        flags=limited if account >= FIRST_ACCOUNT else tb.AccountFlags.NONE,
                    )
                    for account in part
                ]
            )
            if any(result.status != tb.CreateAccountStatus.CREATED for result in made):
                raise PeerError("TigerBeetle has not created every account")
        for part in _parts(numbers[FIRST_ACCOUNT - LIMITS :]):
            results = await client.create_transfers(
                [
                    tb.Transfer(
                        # Above those of orders: a run sends far fewer.
                        id=_id(self._space, account + (1 << WORD_BITS - 1)),
                        debit_account_id=_id(self._space, LIMITS),
                        credit_account_id=_id(self._space, account),
                        amount=self._limit_minor,
                        ledger=LEDGER,
                        code=CODE,
                    )
                    for account in part
                ]
            )
            _check([result.status for result in results])


async def _repeat(send: _Send, end_s: float, counts: Counter[int]) -> None:
    while (begin_s := time.perf_counter()) < end_s:
        await send()
        counts[round((time.perf_counter() - begin_s) * 1e6)] += 1


def _id(space: int, number: int) -> int:
    return space << WORD_BITS | number


def _parts(numbers: range) -> list[range]:
    return [numbers[start : start + BATCH_MAX] for start in range(0, len(numbers), BATCH_MAX)]


def _check(statuses: Sequence[int]) -> None:
    for status in set(statuses) - {tb.CreateTransferStatus.CREATED}:
        raise PeerError(f"TigerBeetle refused: {tb.CreateTransferStatus(status).name}")
