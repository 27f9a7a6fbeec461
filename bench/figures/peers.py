"""What a team would use instead: behind the same gRPC server in pairs with us, and alone."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from bench.gates import TARGETS
from bench.peers.peer import DirectPeer, Measurement, MissingError, Peer
from bench.peers.postgres import DirectPostgres, GrpcPostgres
from bench.peers.redis import DirectRedis, GrpcRedis
from bench.peers.tigerbeetle import TigerBeetle
from bench.servers import Creditgate
from bench.suite import Suite, approved, median, peers_runs

GRPC: Final[tuple[Callable[[int], Peer], ...]] = (GrpcPostgres, GrpcRedis)

DIRECT: Final[tuple[tuple[Callable[[int], DirectPeer], int], ...]] = (
    (DirectPostgres, 16),
    (lambda accounts: DirectPostgres(accounts, hot=True), 16),
    (DirectRedis, 64),
    (lambda accounts: TigerBeetle(accounts, batches=True), 16),
    (lambda accounts: TigerBeetle(accounts, batches=False), 64),
)
"""With how many clients each is driven."""


async def run(suite: Suite) -> None:
    """unary_vs_postgres; what each other peer reaches, and the curves of those that speak gRPC."""
    with suite.scratch() as folder:
        async with Creditgate(folder) as server:
            await suite.prepare(server)
            approved(await suite.unary(server.address))
            for make in GRPC:
                peer = make(suite.plan.accounts)
                await _skipping(suite, _beside(suite, server, peer, folder), peer.name)
        for make_direct, clients in DIRECT:
            direct = make_direct(suite.plan.accounts)
            await _skipping(suite, _alone(suite, direct, clients, folder), direct.name)


async def _skipping(suite: Suite, measuring: Awaitable[None], name: str) -> None:
    """A peer that is not installed is left out, and the report says so."""
    try:
        await measuring
    except MissingError as error:
        suite.note(f"{name} is left out: {error}")
        if (ratio := f"unary_vs_{name}") in TARGETS:
            suite.missing(ratio, str(error))


async def _beside(suite: Suite, server: Creditgate, peer: Peer, folder: Path) -> None:
    try:
        address = await peer.start(folder)
        runs = await suite.pairs_with(
            peer.name,
            suite.plan.pairs if f"unary_vs_{peer.name}" in TARGETS else 1,
            lambda: suite.unary(server.address, seconds=suite.plan.pair_s),
            lambda: suite.unary(address, seconds=suite.plan.pair_s),
            server,
        )
        theirs = peers_runs(runs)
        suite.keep(peer.name, "closed loop, 64 in flight", theirs[-1])
        await suite.curve(peer.name, address, median(theirs, "decisions_per_s"))
    finally:
        await peer.stop()
    if f"unary_vs_{peer.name}" in TARGETS:
        suite.add_ratio(f"unary_vs_{peer.name}", peer.name, runs)
    suite.add(f"{peer.name}_per_s", [b["decisions_per_s"] for b in theirs], "/s")
    suite.add(f"{peer.name}_p99", [b["latency_us"]["p99"] / 1000 for b in theirs], "ms")


async def _best(suite: Suite, peer: DirectPeer, clients: int) -> Measurement:
    """What it reaches; where that is less than it is known to, the best of three."""
    best = await peer.measure(max(suite.plan.seconds, 1), clients)
    for _ in range(2):
        if suite.untuned(peer.name, best["decisions_per_s"]) is None:
            break
        again = await peer.measure(max(suite.plan.seconds, 1), clients)
        best = max(best, again, key=lambda measured: measured["decisions_per_s"])
    return best


async def _alone(suite: Suite, peer: DirectPeer, clients: int, folder: Path) -> None:
    try:
        await peer.start(folder)
        measured = await _best(suite, peer, clients)
    finally:
        await peer.stop()
    suite.add(f"{peer.name}_per_s", [measured["decisions_per_s"]], "/s")
    suite.keep(peer.name, f"closed loop, {clients} clients", dict(measured))
    if why := suite.untuned(peer.name, measured["decisions_per_s"]):
        suite.note(why)
