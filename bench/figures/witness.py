"""ghz, a load generator by others, beside ours: bench/README.md says how to read it."""

import asyncio
import json
import os
import resource
import shutil
from typing import Any, Final, NamedTuple

from bench.peers.peer import ROOT, PeerError
from bench.servers import Creditgate
from bench.suite import OUT, UNARY_IN_FLIGHT, Suite, approved, with_cpu

_SOURCE: Final = "github.com/bojand/ghz/cmd/ghz@v0.121.0"
GHZ: Final = OUT / "bin/ghz"
"""Where it is once it has been built."""

# ghz fills this in for each call.
_ORDER: Final = {
    "request_id": "{{newUUID}}",
    "account_id": "bench-{{printf `%010d` (randomInt 0 ACCOUNTS)}}",
    "order_id": "{{newUUID}}",
    "amount_minor": 12_345,
    "currency": "USD",
    "channel": "bench",
}


class Seen(NamedTuple):
    """What a generator reached, and what a call cost itself and the server."""

    per_s: float
    client_cpu_us: float
    server_cpu_us: float

    @property
    def cores(self) -> float:
        """How many cores both kept busy."""
        return self.per_s * (self.client_cpu_us + self.server_cpu_us) / 1e6


async def run(suite: Suite) -> None:
    """witness: what ghz measures ÷ what creditgate-load measures, 64 in flight; and their CPU."""
    # A tiny run is for tests, which download nothing.
    if not GHZ.exists() and suite.plan.checked:
        await _install()
    if not GHZ.exists():
        suite.note("left out: ghz is not there; it is built with Go")
        return
    with suite.scratch() as folder:
        async with Creditgate(folder) as server:
            await suite.prepare(server)
            ours = await _ours(suite, server)
            theirs = await _theirs(suite, server)
            again = await _ours(suite, server)
    suite.add("witness", [2 * theirs.per_s / (ours.per_s + again.per_s)], "ratio")
    suite.add("witness_per_s", [theirs.per_s], "/s")
    suite.add("witness_cpu", [theirs.client_cpu_us], "µs")
    suite.add("witness_server_cpu", [theirs.server_cpu_us], "µs")
    for who, seen in (("creditgate-load", ours), ("ghz", theirs), ("creditgate-load", again)):
        suite.note(
            f"{who}: {seen.per_s:,.0f} /s; a call costs {seen.client_cpu_us:,.0f} µs of its CPU "
            f"and {seen.server_cpu_us:,.0f} µs of the server's: {seen.cores:.2f} cores"
        )


async def _ours(suite: Suite, server: Creditgate) -> Seen:
    result = approved(await with_cpu(server, suite.unary(server.address)))
    client_cpu_us = 1e6 * result["client_cpu_s"] / result["approved_in_all"]
    return Seen(result["decisions_per_s"], client_cpu_us, result["server_cpu_us"])


async def _theirs(suite: Suite, server: Creditgate) -> Seen:
    """No other child of ours ends meanwhile, so what those have taken that ended is ghz's."""
    client_s, server_s = _children_cpu_s(), server.cpu_s()
    report = await _drive(suite, server.address)
    client_s, server_s = _children_cpu_s() - client_s, server.cpu_s() - server_s
    calls = report["count"]
    return Seen(float(report["rps"]), 1e6 * client_s / calls, 1e6 * server_s / calls)


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


async def _install() -> None:
    """Build ghz from Go's registry, where there is Go. Raises PeerError."""
    if shutil.which("go") is None:
        return
    process = await asyncio.create_subprocess_exec(
        *("go", "install", _SOURCE),
        env={**os.environ, "GOBIN": str(GHZ.parent)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode != 0:
        raise PeerError(f"go install {_SOURCE}: {errors.decode()}")


async def _drive(suite: Suite, address: str) -> dict[str, Any]:
    """What ghz reports. Raises PeerError when a call was not answered with OK."""
    order = json.dumps(_ORDER).replace("ACCOUNTS", str(suite.plan.accounts))
    process = await asyncio.create_subprocess_exec(
        *(GHZ, "--insecure", "--import-paths", ROOT / "proto"),
        *("--proto", ROOT / "proto/creditgate/v1/decision.proto"),
        *("--call", "creditgate.v1.CreditDecisionService.CheckAndReserve"),
        *("--concurrency", str(UNARY_IN_FLIGHT), "--connections", "4"),
        *("--duration", f"{round(1000 * suite.plan.seconds)}ms", "--duration-stop", "wait"),
        *("--data", order, "--format", "json", address),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, errors = await process.communicate()
    if process.returncode != 0:
        raise PeerError(f"ghz: {errors.decode()}")
    report: dict[str, Any] = json.loads(printed)
    if set(report["statusCodeDistribution"]) != {"OK"}:
        raise PeerError(f"ghz: calls failed: {report['statusCodeDistribution']}")
    return report
