"""The compiled half of creditgate.core."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, Self, final

__all__ = [
    "METHODS",
    "METHOD_ROLES",
    "ROLES",
    "SLOW_METHODS",
    "Access",
    "AccessError",
    "Core",
    "StoreError",
    "__version__",
    "store_check",
    "store_copy",
    "store_try_policy",
    "store_upgrade",
]

__version__: Final[str]

METHODS: Final[dict[str, int]]
"""Full gRPC method path, e.g. `/creditgate.v1.CreditDecisionService/CheckAndReserve`, to the number
that `Core.submit` takes: every unary method of the contract, and `WatchPositions`, whose ticket
completes again and again until it is cancelled."""

SLOW_METHODS: Final[frozenset[int]]
"""The numbers of those that take their time: loads, in a lane of their own, and lists."""

ROLES: Final[tuple[str, ...]]
"""Every role, as token files name it."""

METHOD_ROLES: Final[dict[str, frozenset[str]]]
"""Which roles may call which method, by its path as in `METHODS`."""

class AccessError(Exception):
    """A file of tokens or keys cannot be used; the message names the file and all that is wrong in
    it."""

class StoreError(Exception):
    """The store cannot be opened or used: damaged, of an unknown format, or used by another
    process. The message names the file, what was found and what to do."""

def store_copy(
    path: str, to: str, progress: Callable[[str, int, int], None] | None = None
) -> dict[str, int]:
    """Copy the store in the folder `path`, which another process may be serving, to the folder
    `to`, which must be absent or empty. `progress` is called with a step, and how much of which
    total is done. Returns `files`, `journal_seq`, `bytes`.

    Raises StoreError."""

def store_check(
    path: str, progress: Callable[[str, int, int], None] | None = None
) -> tuple[dict[str, int], list[str]]:
    """Verify a store that is not in use: the whole chain, and the tables against it. Returns
    `files`, `commits`, `journal_seq`, `tables_seq`, `accounts`, `reservations_open`, and what is
    wrong; nothing, if empty.

    Raises StoreError when it cannot be checked."""

def store_try_policy(
    path: str,
    text: str,
    since: int,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[int, list[dict[str, Any]], list[tuple[int, str]]]:
    """Decide the orders of a store that is not in use again, as if a policy had been in force since
    a moment, in microseconds since 1970. Returns how many orders there were; those that would have
    ended otherwise, as `journal_seq`, `time`, `account_id`, `segment_id`, `channel`, `order_id`,
    `currency`, `amount_minor`, `was`, `now`, `rule` (the number of a ReasonCode), `paid`; and the
    mistakes in the policy's text, as pairs of line and words.

    Raises StoreError when the journal cannot be read as a whole."""

def store_upgrade(
    path: str, progress: Callable[[str, int, int], None] | None = None
) -> dict[str, int]:
    """Make a store of an older format, which is not in use, one of this version's, in place; run
    it again when it was interrupted. Returns the formats `from` and `to`, and `commits`.

    Raises StoreError."""

@final
class Access:
    """Who may call: credentials, roles and limits. Safe to call from any thread.

    A caller is named by what stands in a call's `authorization`, empty where there is none:
    `Bearer` and a token, either one of the file of tokens or a JWT that one of the keys signed."""

    def __new__(
        cls,
        *,
        tokens: str | None = None,
        keys: str | None = None,
        issuer: str | None = None,
        audience: str | None = None,
        rate_per_s: int = 0,
        burst: int = 0,
        in_flight_max: int = 0,
    ) -> Self:
        """Read the file of hashed tokens and that of public keys (JWKS); one may be absent. A JWT
        must name `issuer` and `audience` where these are given. Each identity is held to the
        limits, of which 0 is none; a `burst` of 0 is one second's calls.

        Raises AccessError."""

    def refresh(self) -> bool:
        """Read again what has changed; returns whether anything has. To be called every second.

        Raises AccessError, once for each change, when a file cannot be used: what was read before
        stays in force."""

    def turned_away(self, caller: str, method: int | None) -> tuple[int, bytes] | None:
        """Why `caller` may not call `method` (None: any at all), as `Core.drain` would say it, for
        use before a request is read; None where it may. Limits are looked at by `Core.submit`."""

    def who(self, caller: str) -> str | None:
        """The name of a caller; None where its credential was not verified before."""

    def pause_s(self, caller: str, size_bytes: int) -> float:
        """How long a request of a stream had better wait, in seconds, so as not to be refused as
        more than its caller may ask for."""

@final
class Core:
    """One open store and the engine thread that owns it. Safe to call from any thread."""

    def __new__(
        cls,
        path: str,
        *,
        access: Access | None = None,
        clock: Literal["system", "manual"] = "system",
        queue_depth_max: int = 10_000,
        default_ttl_s: int = 2_592_000,
        request_window_count_max: int = 1_000_000,
        request_window_s: int = 604_800,
        entry_window_count_max: int = 10_000_000,
        entry_window_s: int = ...,
        closed_retention_count_max: int = 1_000_000,
        closed_retention_s: int = 7_776_000,
        journal_retention_bytes: int = 64 << 30,
        journal_retention_s: int = 2_592_000,
        journal_map_size_bytes: int = 1 << 40,
        tables_map_size_bytes: int = 1 << 38,
    ) -> Self:
        """Open or create the store in the folder `path`, recover it and start the engine thread.
        With `access`, calls are taken from those alone who may make them.

        Raises StoreError, and ValueError for another clock."""

    @property
    def recovery(self) -> dict[str, int]:
        """How the store was recovered.

        `journal_seq`, `tables_seq`, `commits_replayed`, `entries_replayed`,
        `accounts`, `reservations_open`, `duration_us`."""

    @property
    def rebuilt_because(self) -> str | None:
        """Why the tables were folded anew from the whole journal; None where they were taken."""

    def submit(self, method: int, request: bytes, caller: str, timeout_s: float | None) -> int:
        """Queue one call and return its ticket at once; never blocks, never raises for a bad
        request.

        The answer comes through `drain`. After `timeout_s` the call is dropped if it was not yet
        decided. `caller` is the call's `authorization` where there is `access` to check, which also
        says who stands in the journal; else it is what the caller calls itself, of at most 64
        bytes."""

    def submit_all(self, calls: Sequence[tuple[int, bytes, str, float | None]]) -> int:
        """Queue calls that have gathered, each as for `submit`, so that one commit may serve all.

        Returns the first one's ticket, from which those of the others count up."""

    def has_room(self, calls: int, size_bytes: int) -> bool:
        """Whether so many more orders or batches, of so many bytes together, would not be refused
        with QUEUE_FULL. It stays so until somebody submits."""

    def refuse(self) -> tuple[int, bytes]:
        """Refuse a call before it is read, with QUEUE_FULL: the gRPC status code and a serialized
        google.rpc.Status, as `drain` would return them."""

    def cancel(self, ticket: int) -> None:
        """End a watch. Other tickets run to their end and are not affected."""

    def fileno(self) -> int:
        """A file descriptor that becomes readable when `drain` has something to return."""

    def drain(self) -> list[tuple[int, int, bytes]]:
        """Take all finished calls as (ticket, gRPC status code, bytes): for code 0 the serialized
        response message, otherwise a serialized google.rpc.Status with its details."""

    def chain_end(self) -> tuple[int, int, int, bytes]:
        """Where the chain of the journal ends on disk, also once closed: how often the store had
        been opened, the last entry (0 before the first), its commit's time in microseconds since
        1970 (0 before the first), and that commit's digest."""

    def stats(self) -> dict[str, int]:
        """Figures for the metrics page: monotonic counters, unless the name ends in `_now`, `_seq`
        or a unit."""

    def reconciliations(self) -> list[tuple[str, int, int, int, int]]:
        """The latest reconciliation of each source that was ever reconciled: the source, how many
        accounts differed, moved at every look and could not be read, and when it was told of, in
        microseconds since 1970."""

    def close(self) -> None:
        """Refuse new calls, finish those that wait, bring the tables up to date and close the
        store. Finished calls can still be drained. Idempotent. Raises StoreError when the tables
        could not be brought up to date (the journal is whole all the same)."""
