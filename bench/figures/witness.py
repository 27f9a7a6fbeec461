"""ghz, a load generator by others, beside ours: whether ours tells the truth."""

import asyncio
import json
import os
import shutil
from typing import Any, Final

from bench.peers.peer import ROOT, PeerError
from bench.servers import Creditgate
from bench.suite import OUT, UNARY_IN_FLIGHT, Suite, approved

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


async def run(suite: Suite) -> None:
    """witness: what ghz measures ÷ what creditgate-load measures, 64 in flight."""
    # A tiny run is for tests, which download nothing.
    if not GHZ.exists() and suite.plan.checked:
        await _install()
    if not GHZ.exists():
        suite.note("left out: ghz is not there; it is built with Go")
        return
    with suite.scratch() as folder:
        async with Creditgate(folder) as server:
            await suite.prepare(server)
            ours = approved(await suite.unary(server.address))
            theirs = await _drive(suite, server.address)
            again = approved(await suite.unary(server.address))
    mean = (ours["decisions_per_s"] + again["decisions_per_s"]) / 2
    suite.add("witness", [theirs / mean], "ratio")
    suite.add("witness_per_s", [theirs], "/s")


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


async def _drive(suite: Suite, address: str) -> float:
    """Calls per second that were answered with OK. Raises PeerError when one was not."""
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
    return float(report["rps"])
