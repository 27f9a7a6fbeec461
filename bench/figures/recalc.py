"""Single orders while limits are proposed by how customers pay."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

import psycopg

from bench.figures.policy import put_in_force
from bench.generator import Result, p99_ms
from bench.peers.peer import START_TIMEOUT_S, Process
from bench.servers import Creditgate
from bench.suite import Suite, answered, approved, in_pairs
from creditgate.loaders.ledger.cli import TABLES
from demo.cluster import Cluster

COMMAND: Final = Path(sys.executable).with_name("creditgate")

# What the scorecard says is in force at once: that is the most work for the service.
_BANDS: Final = """
    [limits]
    owner = "creditgate"
    [[limits.approve]]
    change_percent_max = 25
    amount_max = "1000000000000000.00 USD"
"""

# The load generator's accounts; of each three invoices of a year, net 30, 19 of 20 paid, from 10
# days early to 39 late. Their limits are ample, so each is to be cut.
_FILL: Final = """
    SET session_replication_role = replica;
    INSERT INTO customers (account_id, currency)
    SELECT 'bench-' || lpad(n::text, 10, '0'), 'USD' FROM generate_series(0, {accounts} - 1) AS n;
    INSERT INTO invoices (invoice_id, account_id, currency, amount, issue_date, due_date)
    SELECT 'i' || n, 'bench-' || lpad((n % {accounts})::text, 10, '0'), 'USD', 10 + n % 5000,
        current_date - 31 - age, current_date - 1 - age
    FROM generate_series(0, 3 * {accounts} - 1) AS n, LATERAL (SELECT n / {accounts} * 150 + n % 30)
        AS old (age);
    INSERT INTO payments (payment_id, account_id, currency, amount, received_on)
    SELECT 'p' || invoice_id, account_id, currency, amount,
        least(due_date + abs(hashtext(invoice_id) % 50) - 10, current_date)
    FROM invoices WHERE hashtext(invoice_id) % 20 <> 0;
    INSERT INTO payment_allocations (payment_id, invoice_id, amount, allocated_on)
    SELECT payment_id, substr(payment_id, 2), amount, received_on FROM payments;
    ANALYZE;
"""


async def run(suite: Suite) -> None:
    """recalc_interference."""
    pairs: list[tuple[Result, Result]] = []
    moved_per_s: list[float] = []
    capacity = 0.0
    with suite.scratch() as folder, Cluster() as cluster:
        await _fill(suite, cluster)
        for number in range(suite.plan.pairs):
            # On the server of the pair before, recalc would find less to do.
            async with Creditgate(folder / str(number)) as server:
                await suite.prepare(server)
                await put_in_force(server, _BANDS)
                if not capacity:
                    capacity = approved(await suite.unary(server.address))["decisions_per_s"]
                orders = _Orders(suite, cluster, server, f"{capacity / 4:.1f}")
                pairs += await in_pairs(1, orders.beside_recalc, orders.alone, server)
                moved_per_s.append(orders.moved_per_s)
    suite.add("recalc_interference", [p99_ms(a) / p99_ms(b) for a, b in pairs])
    suite.add("recalc_orders_p99", [p99_ms(b) for _, b in pairs], "ms")
    suite.add("recalc_orders_p99_beside", [p99_ms(a) for a, _ in pairs], "ms")
    suite.add("recalc_moved_per_s", moved_per_s, "/s")
    suite.note(f"single orders at {capacity / 4:.1f} /s, a quarter of {capacity:,.0f} /s")


async def _fill(suite: Suite, cluster: Cluster) -> None:
    async with await psycopg.AsyncConnection.connect(cluster.conninfo) as ledger:
        await ledger.execute(TABLES.read_bytes())
        await ledger.execute(_FILL.format(accounts=suite.plan.recalc_accounts).encode())


class _Orders:
    """Orders to one server, alone and while `creditgate recalc` goes through its accounts."""

    def __init__(self, suite: Suite, cluster: Cluster, server: Creditgate, rate: str) -> None:
        self.moved_per_s = 0.0
        self._suite = suite
        self._conninfo = cluster.conninfo
        self._server = server
        self._rate = rate

    async def alone(self) -> Result:
        """What the orders find."""
        seconds = self._suite.plan.recalc_s
        load = self._suite.load(self._server.address, "--rate", self._rate, seconds=seconds)
        return answered(await load)

    async def beside_recalc(self) -> Result:
        """The same from the start of a recalc on. Raises PeerError when it ends before they do."""
        process = await Process.start(
            "creditgate recalc",
            *(COMMAND, "recalc", "--address", self._server.address, "--json"),
            *("--ledger", self._conninfo),
            log=self._server.store.with_name("recalc.log"),
        )
        moves = _Moves(process)
        reading = asyncio.create_task(moves.read())
        try:
            result = await self.alone()
            process.check()
            self.moved_per_s = moves.count / self._suite.plan.recalc_s
            await moves.begun()
        finally:
            # Read on meanwhile: a process whose output stands still in its pipe does not end.
            await process.stop()
            await asyncio.gather(reading, return_exceptions=True)
        return result


class _Moves:
    """The moves that a recalc tells of, line by line."""

    def __init__(self, process: Process) -> None:
        self.count = 0
        self._process = process
        self._first = asyncio.Event()

    async def read(self) -> None:
        """Reads for as long as there are lines. Raises PeerError at their end."""
        while True:
            told = json.loads(await self._process.line())
            if told.get("outcome") == "APPROVED":
                self.count += 1
                self._first.set()

    async def begun(self) -> None:
        """Waits for the first move. Raises PeerError when none comes."""
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._first.wait()
        except TimeoutError as error:
            raise self._process.failed("moved no limit") from error
