"""Redis: a Lua script decides; behind grpc.aio, and alone under redis-benchmark.

As a process of its own (`python -m bench.peers.redis SOCKET`) it is the gRPC server.
"""

import asyncio
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import grpc
import uvloop
from redis.asyncio import BlockingConnectionPool, Redis, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from bench.peers.peer import (
    ACCOUNTS,
    AMPLE_MINOR,
    START_TIMEOUT_S,
    Backend,
    GrpcServer,
    Measurement,
    PeerError,
    Process,
    measurement,
    output_of,
    private_folder,
    program,
)
from bench.peers.serving import Decide, RefusalError, response, serve
from creditgate.v1.decision_pb2 import CheckAndReserveRequest, CheckAndReserveResponse

SCRIPT: Final = Path(__file__).with_name("redis.lua").read_text()

CONNECTIONS: Final = 64
DEFAULT_TTL_S: Final = 86_400

SETTINGS: Final = {
    "port": "0",  # the Unix socket alone
    "appendonly": "yes",
    "appendfsync": "always",
    # The log is the truth; snapshots and rewrites of it would only fall into a run.
    "save": "",
    "auto-aof-rewrite-percentage": "0",
}

ACCOUNT: Final = "account:{}"
REQUEST: Final = "request:{}"
SEQUENCE: Final = "sequence"

LOAD_ACCOUNTS: Final = """
    for number = 0, ARGV[1] - 1 do
        redis.call('HSET', 'account:bench-' .. string.format(ARGV[2], number), 'currency', 'USD',
            'limit', ARGV[3], 'outstanding', 0, 'captured', 0, 'reserved', 0)
    end
"""

REFUSALS: Final = {
    "ACCOUNT_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CURRENCY_MISMATCH": grpc.StatusCode.INVALID_ARGUMENT,
    "ORDER_ALREADY_RESERVED": grpc.StatusCode.ALREADY_EXISTS,
    "REQUEST_ID_REUSED": grpc.StatusCode.ALREADY_EXISTS,
}

# redis-benchmark writes a random number of twelve digits for each of these.
RANDOM: Final = "__rand_int__"
CALIBRATION_ORDERS: Final = 5_000


class Store(Backend):
    """A Redis of its own in a new folder, reached by the Unix socket in it alone."""

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "socket"

    async def start(self, folder: Path, accounts: int, limit_minor: int, digits: int) -> None:
        """Start it and make accounts whose ids end in so many digits. Raises PeerError."""
        server = program("redis-server", "redis-server")
        self._folder = private_folder(folder)
        settings = {**SETTINGS, "dir": str(self.folder), "unixsocket": str(self.socket)}
        settings["logfile"] = str(self.log)
        self._process = await Process.start(
            "redis", server,
            *(part for key, value in settings.items() for part in (f"--{key}", value)),
            log=self.log,
        )  # fmt: skip
        async with Redis(unix_socket_path=str(self.socket)) as client:
            await self._ready(client)
            arguments = (str(accounts), f"%0{digits}d", str(limit_minor))
            await cast(Any, client.eval(LOAD_ACCOUNTS, 0, *arguments))

    async def _ready(self, client: Redis) -> None:
        assert self._process is not None
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                self._process.check()
                try:
                    await cast(Any, client.ping())
                except RedisConnectionError:
                    await asyncio.sleep(0.05)
                else:
                    return


class GrpcRedis:
    """grpc.aio before connections that call the script."""

    name = "redis"

    def __init__(self, accounts: int = ACCOUNTS, limit_minor: int = AMPLE_MINOR) -> None:
        self._accounts = accounts
        self._limit_minor = limit_minor
        self._store = Store()
        self._server: GrpcServer | None = None

    async def start(self, folder: Path) -> str:
        """Start Redis and the server before it; returns the server's address."""
        try:
            await self._store.start(folder, self._accounts, self._limit_minor, digits=10)
            self._server = await GrpcServer.start(
                "bench.peers.redis", str(self._store.socket), folder / "grpc-redis.log"
            )
        except BaseException:
            await self.stop()
            raise
        return self._server.address

    async def stop(self) -> None:
        """End both."""
        if self._server is not None:
            await self._server.stop()
            self._server = None
        await self._store.stop()


class DirectRedis:
    """The script alone, driven by redis-benchmark."""

    name = "redis_direct"

    def __init__(self, accounts: int = ACCOUNTS, limit_minor: int = AMPLE_MINOR) -> None:
        self._accounts = accounts
        self._limit_minor = limit_minor
        self._store = Store()
        self._rate = 0.0
        self._runs = 0

    async def start(self, folder: Path) -> str:
        """Start Redis; returns the path of its socket."""
        program("redis-benchmark", "redis-tools")
        try:
            # As many digits as redis-benchmark writes.
            await self._store.start(folder, self._accounts, self._limit_minor, digits=12)
        except BaseException:
            await self.stop()
            raise
        return str(self._store.socket)

    async def measure(self, seconds: float, clients: int) -> Measurement:
        """Send as many orders as fit into about so many seconds. Raises PeerError."""
        if not self._rate:
            # redis-benchmark is told a number of orders, not a time.
            self._rate = (await self._run(CALIBRATION_ORDERS, clients))["decisions_per_s"]
        return await self._run(max(round(self._rate * seconds), 1), clients)

    async def stop(self) -> None:
        """End Redis."""
        await self._store.stop()

    async def _run(self, orders: int, clients: int) -> Measurement:
        # All random numbers are below that of accounts; so many together never meet in a run. But
        # redis-benchmark's seed is its time ^ pid, which two runs may share.
        self._runs += 1
        unique = f"{self._runs:03d}" + RANDOM * math.ceil(15 / math.log10(self._accounts))
        async with Redis(unix_socket_path=str(self._store.socket)) as client:
            sha = await cast(Any, client.script_load(SCRIPT))
            before = int(await client.get(SEQUENCE) or 0)
            printed = await output_of(
                *("redis-benchmark", "-s", self._store.socket, "-c", str(clients)),
                *("-n", str(orders), "-r", str(self._accounts)),
                *("EVALSHA", sha, "3", ACCOUNT.format(f"bench-{RANDOM}")),
                *(REQUEST.format(unique), SEQUENCE, unique, "100", "USD", "86400"),
                log=self._store.log,
            )
            decided = int(await client.get(SEQUENCE) or 0) - before
        if decided != orders:
            raise PeerError(f"{orders} orders were sent and {decided} decided:\n{printed}")
        return measurement(dict(latencies(printed)), orders / rate_of(printed))


def latencies(printed: str) -> Iterator[tuple[int, int]]:
    """Latencies in µs and how often each was seen, from redis-benchmark's distribution."""
    before = 0
    for text_ms, text_count in re.findall(
        r"^[\d.]+% <= ([\d.]+) milliseconds \(cumulative count (\d+)\)$",
        printed.partition("Latency by percentile distribution:")[2].partition("\n\n")[0],
        re.MULTILINE,
    ):
        if count := int(text_count) - before:
            yield round(float(text_ms) * 1000), count
        before += count


def rate_of(printed: str) -> float:
    """Orders per second, as redis-benchmark counted them. Raises PeerError."""
    found = re.search(r"throughput summary: ([\d.]+) requests per second", printed)
    if found is None:
        raise PeerError(f"redis-benchmark told no throughput:\n{printed}")
    return float(found[1])


def decide_with(client: Redis, sha: str) -> Decide:
    """Answers by calling the script."""

    async def decide(request: CheckAndReserveRequest) -> CheckAndReserveResponse:
        ttl_s = request.ttl.seconds if request.HasField("ttl") else DEFAULT_TTL_S
        keys = (
            *(ACCOUNT.format(request.account_id), REQUEST.format(request.request_id)),
            SEQUENCE,
        )
        arguments = (request.order_id, request.amount_minor, request.currency, ttl_s)
        try:
            row = await cast(Any, client.evalsha(sha, len(keys), *keys, *arguments))
        except ResponseError as error:
            reason = str(error)
            raise RefusalError(REFUSALS.get(reason, grpc.StatusCode.INTERNAL), reason) from None
        seq, approved_minor, available_minor, decide_time_us, expire_time_us, replayed = row
        return response(
            request,
            seq=seq,
            approved_minor=approved_minor,
            available_minor=available_minor,
            decide_time_us=decide_time_us,
            expire_time_us=expire_time_us,
            replayed=bool(replayed),
        )

    return decide


async def main(socket: str) -> None:
    """Serve until told to stop."""
    pool = BlockingConnectionPool(
        max_connections=CONNECTIONS, connection_class=UnixDomainSocketConnection, path=socket
    )
    async with Redis(connection_pool=pool) as client:
        sha = await cast(Any, client.script_load(SCRIPT))
        await serve(decide_with(client, sha))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
