"""How a client connects, waits and repeats."""

from importlib.metadata import version
from pathlib import Path

import msgspec

ADDRESS_DEFAULT = "127.0.0.1:50051"
ACTOR_BYTES_MAX = 64
# Above the largest call of the contract, as in the server: 1,000 payments, each with 100
# allocations, take 8 MiB.
MESSAGE_BYTES_MAX = 16 * 1024 * 1024

_VERSION = version("creditgate-client")


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When and how often a call is sent again, always with the same request_id.

    Retried are UNAVAILABLE, CANCELLED (by a server that stops, or that too many calls wait for),
    RESOURCE_EXHAUSTED (where the server names a delay, and not before) and DEADLINE_EXCEEDED of one
    attempt. The wait before attempt n+1 is drawn evenly from 0 to
    min(backoff_max_s, backoff_first_s * 2**(n-1)). Attempts and waits together stay within the
    timeout of the call: a wait that would not leave time for another attempt is not begun.
    """

    attempts_max: int = 5
    backoff_first_s: float = 0.05
    backoff_max_s: float = 2.0
    # None: one attempt may use all the time that is left. With several servers behind one address
    # a smaller value gives another of them a chance.
    attempt_timeout_s: float | None = None

    def __post_init__(self) -> None:
        if self.attempts_max < 1:
            raise ValueError(f"attempts_max is {self.attempts_max}: must be at least 1")
        if not 0 < self.backoff_first_s <= self.backoff_max_s:
            raise ValueError(
                f"backoff_first_s is {self.backoff_first_s} and backoff_max_s "
                f"{self.backoff_max_s}: must be 0 < first <= max"
            )
        if self.attempt_timeout_s is not None and self.attempt_timeout_s <= 0:
            raise ValueError(f"attempt_timeout_s is {self.attempt_timeout_s}: must be above 0")


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a connection is encrypted; all are PEM files, read when the connection is made.

    `ca` says who may have signed the server's certificate; None: those that gRPC comes with. A
    server that asks for a certificate gets `certificate`, whose key is `key`.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key: must be given together")


class ClientOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client needs to know. Timeouts cover a whole call, its retries included.

    `actor` says who calls, for the journal: at most 64 printable ASCII characters; empty means
    "anonymous". Where the server checks credentials, it goes by those instead: `token` is one, or
    `token_file` the file that holds it, which is read again when it changes. `tls` encrypts the
    connection; without it a token is sent to this machine alone.

    `decision_timeout_s` holds for calls on one order or account, `bulk_timeout_s` for batches,
    upserts, ledger entries, proposals and pages of lists; each call takes a `timeout_s` of its own.
    Streams have no deadline unless one is given.
    """

    actor: str = ""
    token: str = ""
    token_file: Path | None = None
    tls: Tls | None = None
    decision_timeout_s: float = 1.0
    bulk_timeout_s: float = 30.0
    retry: RetryPolicy = RetryPolicy()

    def __post_init__(self) -> None:
        printable = self.actor.isascii() and self.actor.isprintable()
        if len(self.actor) > ACTOR_BYTES_MAX or not printable:
            raise ValueError(
                f"actor is {self.actor!r}: must be printable ASCII, at most {ACTOR_BYTES_MAX} bytes"
            )
        if not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            raise ValueError("token: must be printable ASCII without spaces")
        if self.token and self.token_file is not None:
            raise ValueError("token and token_file: must not be given both")
        for name in ("decision_timeout_s", "bulk_timeout_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}: must be above 0")

    def __repr__(self) -> str:
        """All but the token, which is nothing for a log."""
        shown = (
            f"{name}={'...' if name == 'token' and self.token else repr(getattr(self, name))}"
            for name in self.__struct_fields__
        )
        return f"ClientOptions({', '.join(shown)})"


def channel_options() -> list[tuple[str, int | str]]:
    """Settings of the gRPC channel, each with its reason."""
    return [
        # Retries are ours: they keep the request_id, count attempts and honour RetryInfo.
        ("grpc.enable_retries", 0),
        # One connection for each client: two clients in a process do not share its stream limit.
        ("grpc.use_local_subchannel_pool", 1),
        # A server that restarts is found again within the time of a decision, not after seconds.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # A connection that died silently is noticed by a quiet watch too.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
        ("grpc.primary_user_agent", f"creditgate-client/{_VERSION}"),
    ]
