"""Single orders while limits are proposed by how customers pay."""

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Final

import psycopg

from bench.figures.policy import put_in_force
from bench.generator import Result, p99_ms
from bench.peers.peer import PeerError, Process
from bench.servers import Creditgate
from bench.suite import Suite, answered, approved, rested
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

# The load generator's accounts; of each a year of invoices, net 30, 19 of 20 paid, from 10 days
# early to 39 late. Their limits are ample, so each is to be cut.
_FILL: Final = """
    SET session_replication_role = replica;
    INSERT INTO customers (account_id, currency)
    SELECT 'bench-' || lpad(n::text, 10, '0'), 'USD' FROM generate_series(0, {accounts} - 1) AS n;
    INSERT INTO invoices (invoice_id, account_id, currency, amount, issue_date, due_date)
    SELECT 'i' || n, 'bench-' || lpad((n % {accounts})::text, 10, '0'), 'USD', 10 + n % 5000,
        current_date - 31 - n % 365, current_date - 1 - n % 365
    FROM generate_series(0, {invoices} - 1) AS n;
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
    seconds: list[float] = []
    rate = ""
    with suite.scratch() as folder, Cluster() as cluster:
        await _fill(suite, cluster)
        for number in range(suite.plan.pairs):
            # A second run on one day would find nothing left to do.
            async with Creditgate(folder / str(number)) as server:
                await suite.prepare(server)
                await put_in_force(server, _BANDS)
                if not rate:
                    capacity = approved(await suite.unary(server.address))["decisions_per_s"]
                    rate = f"{capacity / 4:.1f}"
                beside = _Beside(suite, cluster, server, rate)
                pairs.append((await rested(beside.run, server), await rested(beside.alone, server)))
                seconds.append(beside.recalc_s)
    suite.add("recalc_interference", [p99_ms(a) / p99_ms(b) for a, b in pairs])
    suite.add("recalc_orders_p99", [p99_ms(b) for _, b in pairs], "ms")
    suite.add("recalc_orders_p99_beside", [p99_ms(a) for a, _ in pairs], "ms")
    suite.note(
        f"single orders at {rate} /s, a quarter of capacity; recalc moved "
        f"{suite.plan.recalc_accounts:,} accounts in {statistics.median(seconds):.1f} s"
    )


async def _fill(suite: Suite, cluster: Cluster) -> None:
    sizes = {"accounts": suite.plan.recalc_accounts, "invoices": suite.plan.recalc_invoices}
    async with await psycopg.AsyncConnection.connect(cluster.conninfo) as ledger:
        await ledger.execute(TABLES.read_bytes())
        await ledger.execute(_FILL.format(**sizes).encode())


class _Beside:
    """Orders to one server, alone and while `creditgate recalc` goes through its accounts."""

    def __init__(self, suite: Suite, cluster: Cluster, server: Creditgate, rate: str) -> None:
        self.recalc_s = 0.0
        self._suite = suite
        self._conninfo = cluster.conninfo
        self._server = server
        self._rate = rate

    async def alone(self) -> Result:
        """What the orders find."""
        seconds = self._suite.plan.recalc_s
        load = self._suite.load(self._server.address, "--rate", self._rate, seconds=seconds)
        return answered(await load)

    async def run(self) -> Result:
        """The same beside a recalc. Raises PeerError unless it goes on for as long as they do."""
        recalc = asyncio.create_task(self._recalc())
        try:
            result = await self.alone()
            if recalc.done():
                raise PeerError("recalc was over before the orders were: it has too few accounts")
            await recalc
        finally:
            recalc.cancel()
            await asyncio.gather(recalc, return_exceptions=True)
        return result

    async def _recalc(self) -> None:
        begin = time.perf_counter()
        process = await Process.start(
            "creditgate recalc",
            *(COMMAND, "recalc", "--address", self._server.address, "--json"),
            *("--ledger", self._conninfo),
            log=self._server.store.with_name("recalc.log"),
        )
        try:
            *_, counts = (await process.output()).splitlines()
        finally:
            await process.stop()
        self.recalc_s = time.perf_counter() - begin
        moves = json.loads(counts)["moves"]
        if moves != {"APPROVED": self._suite.plan.recalc_accounts}:
            raise PeerError(f"recalc did not move every account: {counts}")
