"""PostgreSQL: a function decides; behind grpc.aio with a pool, and alone under pgbench.

As a process of its own (`python -m bench.peers.postgres CONNINFO`) it is the gRPC server.
"""

import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final, cast

import grpc
import psycopg
import uvloop
from psycopg import errors
from psycopg_pool import AsyncConnectionPool

from bench.peers.peer import (
    ACCOUNTS,
    AMPLE_MINOR,
    START_TIMEOUT_S,
    Backend,
    GrpcServer,
    Measurement,
    PeerError,
    Process,
    is_root,
    measurement,
    output_of,
    private_folder,
    program,
)
from bench.peers.serving import Decide, RefusalError, response, serve
from creditgate.v1.decision_pb2 import CheckAndReserveRequest, CheckAndReserveResponse

SCHEMA: Final = Path(__file__).with_name("postgres.sql")
BIN: Final = "/usr/lib/postgresql/15/bin"
PACKAGE: Final = "postgresql-15"

POOL: Final = 16
DEFAULT_TTL_S: Final = 86_400

# Tuned for many small durable transactions on a machine with a few GiB to spare: no checkpoint
# falls into a run, and the log is written into files that are there already.
SETTINGS: Final = {
    "listen_addresses": "",  # the Unix socket alone
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_compression": "lz4",
    "wal_buffers": "64MB",
    "min_wal_size": "1GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "shared_buffers": "1GB",
    "jit": "off",
    "track_activities": "off",
    "bgwriter_delay": "200ms",
}

LOAD_ACCOUNTS: Final = """
    INSERT INTO account (account_id, currency, limit_minor)
    SELECT 'bench-' || lpad(number::text, 10, '0'), 'USD', %s
    FROM generate_series(0, %s) AS number
"""

CONSTRAINTS: Final = {
    "open_order": "ORDER_ALREADY_RESERVED",
    # Another account's order took the id while this one was on its way.
    "decision_pkey": "REQUEST_ID_REUSED",
}

DECIDE: Final = "SELECT * FROM check_and_reserve(%s, %s, %s, %s, %s, %s)"

# Ids of 16 bytes, as the load generator's; two numbers of 62 bits never meet in a run.
PGBENCH_SCRIPT: Final = """\
\\set account random(0, {last})
\\set request random(1, 4611686018427387903)
\\set amount random(100, 10000)
SELECT * FROM check_and_reserve(lpad(to_hex(:request::bigint), 16, '0'),
    'bench-' || lpad(:account::text, 10, '0'), lpad(to_hex(:request::bigint), 16, '0'),
    :amount, 'USD', 86400);
"""


class Cluster(Backend):
    """A PostgreSQL of its own in a new folder, reached by the Unix socket in it alone."""

    def __init__(self) -> None:
        super().__init__()
        self._user = "postgres" if is_root() else ""
        self.conninfo = ""

    async def start(self, folder: Path, accounts: int, limit_minor: int) -> None:
        """Make the cluster, its schema and its accounts. Raises PeerError."""
        initdb = program(f"{BIN}/initdb", PACKAGE)
        self._folder = private_folder(folder, self._user)
        data = self.folder / "data"
        await output_of(
            *(initdb, "--pgdata", data, "--username", "postgres", "--auth", "trust"),
            *("--encoding", "UTF8", "--no-locale", "--no-sync"),
            log=self.log, user=self._user,
        )  # fmt: skip
        settings = {**SETTINGS, "unix_socket_directories": str(self.folder)}
        self._process = await Process.start(
            *("postgres", f"{BIN}/postgres", "-D", data),
            *(part for key, value in settings.items() for part in ("-c", f"{key}={value}")),
            log=self.log, user=self._user,
        )  # fmt: skip
        self.conninfo = f"host={self.folder} user=postgres dbname=postgres"
        async with await self._connect() as connection:
            await connection.execute(SCHEMA.read_bytes())
            await connection.execute(LOAD_ACCOUNTS, (limit_minor, accounts - 1))
            # Not the empty table: plans made for it would scan it whole when it has grown.
            await connection.execute("VACUUM ANALYZE account")
            await connection.execute("CHECKPOINT")

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        assert self._process is not None
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                self._process.check()
                try:
                    return await psycopg.AsyncConnection.connect(self.conninfo, autocommit=True)
                except psycopg.OperationalError:
                    await asyncio.sleep(0.05)


class GrpcPostgres:
    """grpc.aio before a pool of connections that call the function."""

    name = "postgres"

    def __init__(self, accounts: int = ACCOUNTS, limit_minor: int = AMPLE_MINOR) -> None:
        self._accounts = accounts
        self._limit_minor = limit_minor
        self._cluster = Cluster()
        self._server: GrpcServer | None = None

    async def start(self, folder: Path) -> str:
        """Start the cluster and the server before it; returns the server's address."""
        try:
            await self._cluster.start(folder, self._accounts, self._limit_minor)
            self._server = await GrpcServer.start(
                "bench.peers.postgres", self._cluster.conninfo, folder / "grpc-postgres.log"
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
        await self._cluster.stop()


class DirectPostgres:
    """The function alone, driven by pgbench; `hot`: all orders on one account."""

    def __init__(
        self, accounts: int = ACCOUNTS, limit_minor: int = AMPLE_MINOR, *, hot: bool = False
    ) -> None:
        self.name = "postgres_direct_hot" if hot else "postgres_direct"
        self._accounts = accounts
        self._limit_minor = limit_minor
        self._last = 0 if hot else accounts - 1
        self._cluster = Cluster()

    async def start(self, folder: Path) -> str:
        """Start the cluster; returns how to connect to it."""
        try:
            await self._cluster.start(folder, self._accounts, self._limit_minor)
        except BaseException:
            await self.stop()
            raise
        return self._cluster.conninfo

    async def measure(self, seconds: float, clients: int) -> Measurement:
        """Run pgbench for whole seconds. Raises PeerError when an order fails."""
        folder = self._cluster.folder
        script = folder / "order.sql"
        script.write_text(PGBENCH_SCRIPT.format(last=self._last))
        printed = await output_of(
            *(f"{BIN}/pgbench", "--no-vacuum", "--file", script, "--protocol", "prepared"),
            *("--client", str(clients), "--jobs", "1", "--time", str(round(seconds))),
            *("--log", "--log-prefix", folder / "latency"),
            *("--host", folder, "--username", "postgres", "postgres"),
            log=self._cluster.log,
        )
        counts: Counter[int] = Counter()
        for part in folder.glob("latency.*"):
            # Client, transaction, latency in µs, script, time.
            with part.open() as lines:
                counts.update(int(line.split(" ", 3)[2]) for line in lines)
            part.unlink()
        if "number of failed transactions: 0 " not in printed:
            raise PeerError(f"pgbench had failures:\n{printed}")
        return measurement(counts, round(seconds))

    async def stop(self) -> None:
        """End the cluster."""
        await self._cluster.stop()


def decide_with(pool: AsyncConnectionPool[Any]) -> Decide:
    """Answers by calling the function; each call is one transaction."""

    async def decide(request: CheckAndReserveRequest) -> CheckAndReserveResponse:
        ttl_s = request.ttl.seconds if request.HasField("ttl") else DEFAULT_TTL_S
        asked = (
            *(request.request_id, request.account_id, request.order_id),
            *(request.amount_minor, request.currency, ttl_s),
        )
        try:
            async with pool.connection() as connection:
                cursor = await connection.execute(DECIDE, asked, prepare=True, binary=True)
                row = cast(tuple[int, int, int, int, int, bool], await cursor.fetchone())
        except errors.NoDataFound as error:
            raise refusal(grpc.StatusCode.NOT_FOUND, error) from None
        except errors.UniqueViolation as error:
            raise refusal(grpc.StatusCode.ALREADY_EXISTS, error) from None
        except errors.CheckViolation as error:
            raise refusal(grpc.StatusCode.INVALID_ARGUMENT, error) from None
        seq, approved_minor, available_minor, decide_time_us, expire_time_us, replayed = row
        return response(
            request,
            seq=seq,
            approved_minor=approved_minor,
            available_minor=available_minor,
            decide_time_us=decide_time_us,
            expire_time_us=expire_time_us,
            replayed=replayed,
        )

    return decide


def refusal(code: grpc.StatusCode, error: psycopg.Error) -> RefusalError:
    """What the function raised, or the name of what was violated."""
    violated = CONSTRAINTS.get(error.diag.constraint_name or "")
    return RefusalError(code, violated or error.diag.message_primary or "")


async def main(conninfo: str) -> None:
    """Serve until told to stop."""
    async with AsyncConnectionPool(
        conninfo, min_size=POOL, max_size=POOL, kwargs={"autocommit": True}
    ) as pool:
        await pool.wait()
        await serve(decide_with(pool))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
