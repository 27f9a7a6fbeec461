"""A ledger in PostgreSQL that is synced while orders run: how late, and how long a first load."""

import asyncio
import dataclasses
import itertools
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psycopg

from bench.generator import p99_ms
from bench.peers.peer import Process
from bench.servers import Creditgate
from bench.suite import OUT, Suite, answered, approved
from creditgate.client import AsyncClient
from creditgate.loaders.ledger import feeds, mapping, outbox
from creditgate.loaders.ledger.cli import TABLES
from demo.cluster import Cluster

COMMAND: Final = Path(sys.executable).with_name("creditgate")
BURSTS_PER_S: Final = 20
"""Transactions that write events; each probe is one of its own beside them."""

PROBES_PER_S: Final = 10
PROBE_TIMEOUT_S: Final = 60
LOOK_EVERY_S: Final = 0.002
FIRST_SEEN: Final = "ledger-1"
"""The account on which the sync is seen to run; the probes' follow it."""

_FILL: Final = """
    INSERT INTO customers (account_id, display_name, currency)
    SELECT 'ledger-' || n, 'Customer ' || n, 'USD' FROM generate_series(1, {count}) AS n;
    INSERT INTO limits (account_id, limit_kind, limit_amount)
    SELECT 'ledger-' || n, 'amount', 100000 FROM generate_series(1, {count}) AS n;
    ANALYZE;
"""
_EVENTS: Final = """
    INSERT INTO invoices (invoice_id, account_id, currency, amount, issue_date, due_date)
    SELECT %s || '-' || n, 'ledger-' || %s + floor(random() * %s)::int, 'USD', 1, now(), now()
    FROM generate_series(1, %s) AS n
"""
_PROBE: Final = """
    INSERT INTO invoices (invoice_id, account_id, currency, amount, issue_date, due_date)
    VALUES (%s, %s, 'USD', 1, now(), now())
"""


async def run(suite: Suite) -> None:
    """bulk_load_s, lag_p99_ms, outbox_poll_ms; also in bench/out/ledger.json."""
    plan = suite.plan
    with suite.scratch() as folder, Cluster() as cluster:
        async with await psycopg.AsyncConnection.connect(cluster.conninfo) as ledger:
            await ledger.execute(TABLES.read_bytes())
            await ledger.execute(_FILL.format(count=plan.ledger_accounts).encode())
            reference = mapping.read(mapping.REFERENCE)
            await ledger.execute(feeds.installation(reference).encode())
        async with Creditgate(folder) as server:
            suite.add("bulk_load_s", [await _first_load(suite, cluster, server, folder)])
            await suite.prepare(server)
            capacity = approved(await suite.unary(server.address))["decisions_per_s"]
            async with _following(cluster, server, folder):
                seen, read, orders_p99 = await _lags(suite, cluster, server, capacity / 4)
    suite.add("lag_p99_ms", [statistics.quantiles(seen, n=100)[98]])
    suite.add("lag_p50_ms", [statistics.median(seen)], "ms")
    suite.add("outbox_poll_ms", [statistics.median(read)], "ms")
    suite.add("ledger_orders_p99", [orders_p99], "ms")
    names = ("bulk_load_s", "lag_p99_ms", "lag_p50_ms", "outbox_poll_ms", "ledger_orders_p99")
    summary = {name: dataclasses.asdict(suite.figures[name]) for name in names}
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "ledger.json").write_text(json.dumps(summary, indent=2) + "\n")


def _sync(cluster: Cluster, server: Creditgate, folder: Path) -> tuple[str | Path, ...]:
    return (
        *(COMMAND, "sync", "ledger", "--address", server.address),
        *("--ledger", cluster.conninfo, "--state", folder / "state"),
    )


async def _first_load(suite: Suite, cluster: Cluster, server: Creditgate, folder: Path) -> float:
    """Seconds from nothing until the service has all accounts and limits of the ledger."""
    begin = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *map(str, _sync(cluster, server, folder)), "--once", stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    if process.returncode:
        raise RuntimeError(said.decode())
    elapsed_s = time.perf_counter() - begin
    suite.note(f"{suite.plan.ledger_accounts:,} accounts with their limits in {elapsed_s:.1f} s")
    return elapsed_s


@asynccontextmanager
async def _following(cluster: Cluster, server: Creditgate, folder: Path) -> AsyncIterator[None]:
    process = await Process.start(
        "creditgate sync ledger", *_sync(cluster, server, folder), log=folder / "sync.log"
    )
    try:
        yield
    finally:
        await process.stop()


async def _lags(
    suite: Suite, cluster: Cluster, server: Creditgate, orders_per_s: float
) -> tuple[list[float], list[float], float]:
    """In ms, from the ledger's commit: until the service's position shows it, and until a bare
    reader of the outbox has it; and p99 of the orders that ran meanwhile."""
    plan = suite.plan
    committed: dict[str, float] = {}
    read: list[float] = []
    async with AsyncClient(server.address) as client:
        await _follows(cluster, client)
    others = [
        asyncio.create_task(_write(suite, cluster)),
        asyncio.create_task(_read(cluster, committed, read)),
    ]
    try:
        orders = asyncio.create_task(
            suite.load(server.address, "--rate", f"{orders_per_s:.1f}", seconds=plan.ledger_s)
        )
        async with AsyncClient(server.address) as client:
            seen = await _probe(plan.ledger_s, cluster, client, committed)
        result = answered(await orders)
    finally:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    for task in others:
        if not task.cancelled() and task.exception() is not None:
            raise RuntimeError("the ledger stood still") from task.exception()
    suite.note(
        f"{plan.ledger_events_per_s:,} events/s and {orders_per_s:,.0f} orders/s, "
        f"{len(seen)} probes"
    )
    return seen, read, p99_ms(result)


async def _write(suite: Suite, cluster: Cluster) -> None:
    """Events on a schedule, in transactions of some."""
    plan = suite.plan
    rows = plan.ledger_events_per_s // BURSTS_PER_S
    clock = asyncio.get_running_loop().time
    begin = clock()
    # The first accounts are the probes'.
    first = 2 + int(plan.ledger_s * PROBES_PER_S)
    async with await psycopg.AsyncConnection.connect(cluster.conninfo, autocommit=True) as ledger:
        for number in itertools.count():
            await asyncio.sleep(max(begin + number / BURSTS_PER_S - clock(), 0))
            name, count = f"e{number}", plan.ledger_accounts - first
            await ledger.execute(_EVENTS, (name, first, count, rows))


async def _read(cluster: Cluster, committed: dict[str, float], read: list[float]) -> None:
    """Reads the outbox as the sync does and does nothing with it."""
    clock = asyncio.get_running_loop().time
    async with await psycopg.AsyncConnection.connect(cluster.conninfo, autocommit=True) as ledger:
        await outbox.listen(ledger)
        since = await outbox.horizon(ledger)
        while True:
            below = await outbox.horizon(ledger)
            async for rows in outbox.window(ledger, since, below):
                now = clock()
                names = (row.cells["invoice_id"] for row in rows)
                read += [1e3 * (now - committed[name]) for name in names if name in committed]
            since = below
            await outbox.told(ledger, 0.05)


async def _probe(
    seconds: float, cluster: Cluster, client: AsyncClient, committed: dict[str, float]
) -> list[float]:
    """One invoice after another on accounts of their own, each watched until it is seen."""
    clock = asyncio.get_running_loop().time
    begin, watching = clock(), []
    async with await psycopg.AsyncConnection.connect(cluster.conninfo, autocommit=True) as ledger:
        for number in range(int(seconds * PROBES_PER_S)):
            await asyncio.sleep(max(begin + number / PROBES_PER_S - clock(), 0))
            account_id, name = f"ledger-{number + 2}", f"probe-{number}"
            before = await _owes(client, account_id)
            await ledger.execute(_PROBE, (name, account_id))
            committed[name] = clock()
            watching.append(
                asyncio.create_task(_seen_ms(client, account_id, before, committed[name]))
            )
        return list(await asyncio.gather(*watching))


async def _follows(cluster: Cluster, client: AsyncClient) -> None:
    """Return once the sync, which was just started, tells of what the ledger says."""
    before = await _owes(client, FIRST_SEEN)
    async with await psycopg.AsyncConnection.connect(cluster.conninfo, autocommit=True) as ledger:
        await ledger.execute(_PROBE, ("first", FIRST_SEEN))
    await _seen_ms(client, FIRST_SEEN, before, asyncio.get_running_loop().time())


async def _owes(client: AsyncClient, account_id: str) -> int:
    return (await client.get_position(account_id)).outstanding_minor


async def _seen_ms(client: AsyncClient, account_id: str, before: int, since: float) -> float:
    """Milliseconds from `since` until another amount than `before` is owed."""
    async with asyncio.timeout(PROBE_TIMEOUT_S):
        # By asking, as the next order would.
        while await _owes(client, account_id) == before:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_S)
    return 1e3 * (asyncio.get_running_loop().time() - since)
