"""`python -m demo.ledger`: a ledger in PostgreSQL that the service is kept in step with, live."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from rich.console import Console
from rich.table import Table

from creditgate.client import AsyncClient, CreditgateError, Decision, DecisionResult
from creditgate.loaders.errors import LoadError
from creditgate.loaders.ledger import feeds, mapping
from creditgate.loaders.ledger.cli import TABLES
from creditgate.loaders.ledger.reconcile import Reconciliation
from demo import report
from demo.cluster import Cluster, ClusterError
from demo.errors import DemoError
from demo.serving import Server

CUSTOMERS: Final = 2_000
INVOICES: Final = 10_000
PAYMENTS: Final = 1_000
ORDER_MINOR: Final = 400_00
ACCOUNT: Final = "C1"
SEEN_TIMEOUT_S: Final = 30
LOOK_EVERY_S: Final = 0.002

Ledger = psycopg.AsyncConnection[tuple[Any, ...]]

# Of numbers and names of our own alone.
_FILL: Final = f"""
    INSERT INTO customers (account_id, display_name, currency)
    SELECT 'C' || n, 'Customer ' || n, 'USD' FROM generate_series(1, {CUSTOMERS}) AS n;
    INSERT INTO limits (account_id, limit_kind, limit_amount)
    SELECT 'C' || n, 'amount', 1000 FROM generate_series(1, {CUSTOMERS}) AS n;
    INSERT INTO invoices (invoice_id, account_id, currency, amount, issue_date, due_date)
    SELECT 'I' || n, 'C' || 2 + n % ({CUSTOMERS} - 1), 'USD', 10 + n % 90, current_date,
        current_date + 30
    FROM generate_series(1, {INVOICES}) AS n;
    INSERT INTO invoices (invoice_id, account_id, currency, amount, issue_date, due_date)
    VALUES ('OLD', '{ACCOUNT}', 'USD', 900, current_date - 20, current_date + 10);
"""  # noqa: S608
_PAY: Final = """
    WITH paid AS (
        INSERT INTO payments (payment_id, account_id, currency, amount, received_on)
        SELECT 'P-' || invoice_id, account_id, currency, amount, current_date
        FROM invoices WHERE invoice_id = %s RETURNING payment_id, amount
    )
    INSERT INTO payment_allocations (payment_id, invoice_id, amount, allocated_on)
    SELECT payment_id, %s, amount, current_date FROM paid
"""
_FLAG: Final = """
    INSERT INTO flags (account_id, flag_id, kind, source, reason)
    VALUES (%s, 'F1', 'bureau', 'a bureau', 'insolvency filed')
"""


def main() -> None:
    """Start PostgreSQL and the service, keep them in step, and reconcile them to zero.

    Exit code: 0 when no difference is left, 1 when there is one or the demo could not go on.
    """
    console = report.make_console()
    try:
        with Cluster() as cluster, tempfile.TemporaryDirectory(prefix="creditgate-demo-") as folder:
            agreed = asyncio.run(_demo(console, cluster, Path(folder)))
    except (DemoError, ClusterError, LoadError, CreditgateError, psycopg.Error) as error:
        said = f"The demo ended early: {error}"
        console.print(said, style="bold red", markup=False, soft_wrap=True)
        sys.exit(1)
    sys.exit(0 if agreed else 1)


async def _demo(console: Console, cluster: Cluster, folder: Path) -> bool:
    server = Server(folder)
    await server.start()
    try:
        async with (
            await psycopg.AsyncConnection.connect(cluster.conninfo, autocommit=True) as ledger,
            AsyncClient(server.address) as client,
        ):
            return await _play(console, cluster, ledger, client, _Sync(cluster, server, folder))
    finally:
        await server.kill()


async def _play(
    console: Console, cluster: Cluster, ledger: Ledger, client: AsyncClient, sync: "_Sync"
) -> bool:
    reference = mapping.read(mapping.REFERENCE)
    await ledger.execute(TABLES.read_bytes())
    await ledger.execute(feeds.installation(reference).encode())
    await ledger.execute(_FILL.encode())
    console.print(
        f"A ledger in PostgreSQL with {CUSTOMERS:,} customers and {INVOICES + 1:,} open invoices."
    )
    begin = time.perf_counter()
    reconciliation = Reconciliation(client, reference)
    async with sync.running():
        first = await reconciliation.run(cluster.conninfo)
        console.print(
            f"In step after {time.perf_counter() - begin:.1f} s: "
            f"{first.items:,} open items, {len(first.differences)} differences."
        )
        told = await _tell(ledger, client)
        console.print(_lags(told))
        console.print(f"Paying {PAYMENTS:,} invoices; in the middle of it the sync is killed -9.")
        await _pay(ledger, range(1, PAYMENTS // 2))
        await sync.kill()
        await _pay(ledger, range(PAYMENTS // 2, PAYMENTS + 1))
    async with sync.running():
        last = await reconciliation.run(cluster.conninfo)
    agreed = not (first.differences or last.differences or last.unsettled)
    console.print(
        f"Reconciled: {last.accounts:,} accounts, {last.items:,} open items, "
        f"{len(last.differences)} differences.",
        style="bold green" if agreed else "bold red",
    )
    return agreed


async def _tell(ledger: Ledger, client: AsyncClient) -> list[tuple[str, str, float]]:
    """What the ledger says, what becomes of the next order, and how many ms later."""

    async def order() -> DecisionResult:
        return await client.check(ACCOUNT, ORDER_MINOR, "USD")

    before = await order()
    told = [("900.00 of 1,000.00 USD are owed", _of(before), 0.0)]
    for what, statement, values, wanted in (
        ("the invoice is paid", _PAY, ("OLD", "OLD"), Decision.APPROVED),
        ("a bureau files a flag", _FLAG, (ACCOUNT,), Decision.DECLINED),
        ("the flag is lifted", "UPDATE flags SET lifted_at = now()", (), Decision.APPROVED),
    ):
        await ledger.execute(statement, values)
        committed = time.perf_counter()
        result = await _until(order, wanted)
        told.append((what, _of(result), 1e3 * (time.perf_counter() - committed)))
    return told


async def _until(ask: Callable[[], Awaitable[DecisionResult]], wanted: Decision) -> DecisionResult:
    try:
        async with asyncio.timeout(SEEN_TIMEOUT_S):
            # By asking, as the next order would.
            while (found := await ask()).decision is not wanted:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise DemoError(f"the ledger's change was not seen for {SEEN_TIMEOUT_S} s") from None
    return found


async def _pay(ledger: Ledger, invoices: range) -> None:
    for number in invoices:
        await ledger.execute(_PAY, (f"I{number}", f"I{number}"))


def _of(result: DecisionResult) -> str:
    reasons = ", ".join(reason.code.value for reason in result.reasons)
    return f"{result.decision.value} {reasons}".rstrip()


def _lags(told: list[tuple[str, str, float]]) -> Table:
    table = Table(title="An order of 400.00 USD, as the ledger speaks")
    for name in ("the ledger", "the order"):
        table.add_column(name)
    table.add_column("seen after", justify="right")
    for what, result, lag_ms in told:
        table.add_row(what, result, f"{lag_ms:,.0f} ms" if lag_ms else "")
    return table


class _Sync:
    """`creditgate sync ledger`, started, killed, started again."""

    def __init__(self, cluster: Cluster, server: Server, folder: Path) -> None:
        self._command = (
            *(str(Path(sys.executable).with_name("creditgate")), "sync", "ledger"),
            *("--address", server.address, "--ledger", cluster.conninfo),
            *("--state", str(folder / "sync")),
        )
        self._log = folder / "sync.log"
        self._process: asyncio.subprocess.Process | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """It runs meanwhile. Raises DemoError when it ended by itself."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            yield
        finally:
            await self.kill()

    async def kill(self) -> None:
        """SIGKILL, wherever it is. Raises DemoError when it had ended by itself."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.returncode is not None:
            raise DemoError(f"the sync ended:\n{self._log.read_text(errors='replace')}")
        process.kill()
        await process.wait()


if __name__ == "__main__":
    main()
