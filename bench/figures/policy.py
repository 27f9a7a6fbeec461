"""Orders under a realistic policy: twelve rules, eight segments, heads two levels deep."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from bench.figures.levels import SEGMENTS, account_ids, put_in_levels
from bench.generator import Result
from bench.servers import Creditgate, Echo
from bench.suite import Suite, approved, in_pairs
from creditgate.client import (
    AsyncClient,
    ClientOptions,
    NetDays,
    Terms,
    TermsAssignment,
    TermsInstalment,
    Verification,
    VerificationRecord,
)

POLICY: Final = Path(__file__).parents[1] / "policy.toml"

_SCORE: Final = 60
_TERMS: Final = Terms(terms_id="net 30", instalments=[TermsInstalment(NetDays(30))])


async def run(suite: Suite) -> None:
    """policy_cost, and what is held to the echo held to it once more, under the policy."""
    with suite.scratch() as folder:
        for name in ("plain", "policy"):
            (folder / name).mkdir()
        async with Creditgate(folder / "plain") as plain, Creditgate(folder / "policy") as ruled:
            for server in (plain, ruled):
                await suite.prepare(server)
            await put_under_policy(suite, ruled)
            await _bill(suite, plain)
            for server in (plain, ruled):
                approved(await suite.batch(server.address))
            pairs = await in_pairs(
                suite.plan.pairs,
                lambda: suite.batch(plain.address, seconds=suite.plan.pair_s),
                lambda: suite.batch(ruled.address, seconds=suite.plan.pair_s),
                plain,
                ruled,
            )
            suite.add(
                "policy_cost",
                [approved(a)["decisions_per_s"] / approved(b)["decisions_per_s"] for a, b in pairs],
            )
            await plain.stop()
            await _beside_echo(suite, folder, ruled)


async def put_under_policy(suite: Suite, server: Creditgate) -> None:
    """All that the rules ask about is there, and none of them stops an order."""
    await put_in_levels(server, suite.plan.accounts)
    await _score(server, suite.plan.accounts)
    await put_in_force(server, POLICY.read_text())
    await _bill(suite, server)


async def _beside_echo(suite: Suite, folder: Path, ruled: Creditgate) -> None:
    single = approved(await suite.unary(ruled.address))["reply_bytes_mean"]
    batch = approved(await suite.batch(ruled.address))["reply_bytes_mean"]
    replies = {"reply_bytes": round(single), "batch_reply_bytes": round(batch)}
    async with Echo(folder, batch=suite.plan.batch, **replies) as echo:

        async def beside(name: str, peer: str, load: Callable[[str], Awaitable[Result]]) -> None:
            runs = await suite.pairs_with(
                peer,
                suite.plan.pairs,
                lambda: load(ruled.address),
                lambda: load(echo.address),
                ruled,
            )
            suite.add_ratio(name, peer, runs)

        pair_s = suite.plan.pair_s
        await beside("unary_vs_echo_policy", "echo", partial(suite.unary, seconds=pair_s))
        await beside("batch_vs_echo_policy", "echo_batch", partial(suite.batch, seconds=pair_s))


async def _score(server: Creditgate, accounts: int) -> None:
    """What the rules ask of accounts: a score, and terms by which invoices are due."""
    async with AsyncClient(server.address) as client:
        assigned = [TermsAssignment(terms_id=_TERMS.terms_id, segment_id=id_) for id_ in SEGMENTS]
        results = [*await client.upsert_terms([_TERMS]), *await client.assign_terms(assigned)]
        opened = (await client.get_account("all")).create_time
        assert opened is not None
        found = Verification(reference="bench", source="bureau", date=opened.date(), score=_SCORE)
        for ids in account_ids(accounts):
            rows = [VerificationRecord(account_id=id_, verification=found) for id_ in ids]
            results += await client.record_verifications(rows)
    refused = [result.error for result in results if result.error is not None]
    assert not refused, refused[0]


async def put_in_force(server: Creditgate, policy: str) -> None:
    """Has one put a policy and another activate it."""
    async with _by("one", server) as one, _by("another", server) as another:
        put = await one.put_policy(policy, "to be measured")
        await another.activate_policy(put.version, "to be measured")


def _by(actor: str, server: Creditgate) -> AsyncClient:
    return AsyncClient(server.address, ClientOptions(actor=actor, decision_timeout_s=60.0))


async def _bill(suite: Suite, server: Creditgate) -> None:
    """An invoice on each account."""
    await suite.generate("post", "--target", server.address, "--accounts", suite.plan.accounts)
