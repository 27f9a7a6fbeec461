"""Limits of several accounts together: races, moves between groups, kill -9, watches."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import grpc
import pytest

from creditgate.audit.books import Auditor
from creditgate.v1 import account_pb2 as accounts_v1
from creditgate.v1 import common_pb2 as common_v1
from tests.support.api import (
    APPROVED,
    DECLINED,
    PARTIALLY_APPROVED,
    TIMEOUT_S,
    Api,
    amount_limit,
    entry,
)
from tests.support.server import ServerProcess

UNLIMITED = common_v1.CreditLimit(kind=common_v1.LIMIT_KIND_UNLIMITED)
SHARED = common_v1.REASON_CODE_SHARED_LIMIT_EXCEEDED
CAP = common_v1.REASON_CODE_SEGMENT_CAP_EXCEEDED
HEAD = common_v1.LimitLevel(account_id="head")
RETAIL = common_v1.LimitLevel(segment_id="retail")


def open_group(api: Api, head: str, shared_minor: int, *members: str, above: str = "") -> None:
    """A head with a shared limit over members that have none of their own."""
    api.open_account(
        head,
        limit=UNLIMITED,
        shared_limit=amount_limit(shared_minor),
        parent_account_id=above,
    )
    for member in members:
        api.open_account(member, limit=UNLIMITED, parent_account_id=head)


def groups(api: Api, account_id: str) -> dict[str, tuple[int, int | None]]:
    """Exposure and what is available, by the account at the head of each group."""
    return {
        group.level.account_id or group.level.segment_id: (
            group.exposure_minor,
            group.available_minor if group.HasField("available_minor") else None,
        )
        for group in api.position(account_id).shared
    }


def assert_filled_by_orders_at_once(api: Api, code: int, level: common_v1.LimitLevel) -> None:
    """Orders of m0 to m3, all under way at once, fill their limit of 10,050 and pass it never."""
    calls = [
        api.decisions.CheckAndReserve.future(
            api.order(f"m{i % 4}", f"o{i}", 100), timeout=TIMEOUT_S
        )
        for i in range(200)
    ]
    results = [call.result().result for call in calls]
    assert sum(result.decision == APPROVED for result in results) == 100
    for result in results:
        assert result.bound_by == level
        if result.decision != APPROVED:
            (reason,) = result.reasons
            assert (reason.code, reason.level) == (code, level)
            assert (reason.observed, reason.threshold) == (100, 50)
            assert result.fitting_amount_minor == 50


def test_concurrent_orders_of_all_members_fill_a_shared_limit_exactly(
    server: ServerProcess,
) -> None:
    api = server.api
    open_group(api, "head", 10_050, "m0", "m1", "m2", "m3")
    assert_filled_by_orders_at_once(api, SHARED, HEAD)
    assert groups(api, "m0") == {"head": (10_000, 50)}
    assert api.position("m1").available_minor == 50
    server.kill()
    held = [Auditor(server.store).advance().account(f"m{i}").reserved for i in range(4)]
    assert sum(held) == 10_000
    server.start()
    assert groups(server.api, "m3") == {"head": (10_000, 50)}


def test_an_order_fits_every_level_and_names_each_that_it_does_not(api: Api) -> None:
    open_group(api, "top", 1_000, "a")
    open_group(api, "mid", 600, "b", "c", above="top")
    assert api.reserve("a", "o", 500).result.bound_by.account_id == "top"
    short = api.reserve("b", "o", 700).result
    assert short.decision == DECLINED
    named = [(r.code, r.level.account_id, r.observed, r.threshold) for r in short.reasons]
    assert named == [(SHARED, "mid", 700, 600), (SHARED, "top", 700, 500)]
    part = api.reserve("b", "o", 700, allow_partial=True)
    assert (part.result.decision, part.approved_amount_minor) == (PARTIALLY_APPROVED, 500)
    # What the ledger posts for one of them counts for all.
    api.post(entry("p", "a", "payment", 300))
    assert groups(api, "c") == {"mid": (500, 100), "top": (700, 300)}
    position = api.position("c")
    assert (position.available_minor, position.bound_by.account_id) == (100, "mid")
    assert api.adjust("a", "o", 801).result.decision == DECLINED
    assert api.adjust("a", "o", 800).result.decision == APPROVED


def test_moves_among_running_orders_are_whole_after_a_kill(server: ServerProcess) -> None:
    api = server.api
    members = [f"m{i}" for i in range(6)]
    open_group(api, "left", 1_000_000, *members)
    open_group(api, "right", 1_000_000)
    # Where each member was last known to be, and at the end where it was about to go.
    moved = dict.fromkeys(members, "left")
    about_to: dict[str, str] = {}

    def run(worker: int) -> int:
        """Orders, or moves of members, until the server is gone; returns how many succeeded."""
        for done in range(100_000):
            member = members[done % len(members)]
            try:
                if worker:
                    api.reserve(member, f"o{worker}-{done}", 1 + done % 7)
                    if worker == 1 and done == 200:
                        server.process.kill()
                else:
                    side = "right" if done // len(members) % 2 == 0 else "left"
                    about_to[member] = side
                    api.open_account(member, parent_account_id=side)
                    moved[member] = about_to.pop(member)
            except grpc.RpcError:
                return done
        raise AssertionError("the server was to be killed")

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(run, range(4)))
    assert min(done) > 0
    server.kill()
    api = server.start().api
    owed = {"left": 0, "right": 0}
    for member in members:
        position = api.position(member)
        (group,) = position.shared
        head = group.level.account_id
        assert head in {moved[member], about_to.get(member)}
        owed[head] += position.exposure_minor
    assert sum(owed.values()) > 0
    for head, exposure in owed.items():
        assert groups(api, head).get(head, (0, None))[0] == exposure


def test_a_cap_bounds_the_accounts_of_a_segment_together(server: ServerProcess) -> None:
    api = server.api
    set_segment(api, cap=amount_limit(10_050))
    for i in range(4):
        api.open_account(f"m{i}", limit=UNLIMITED, segment_id="retail")
    assert_filled_by_orders_at_once(api, CAP, RETAIL)
    server.kill()
    assert Auditor(server.store).advance().breaches == []
    api = server.start().api
    assert groups(api, "m3") == {"retail": (10_000, 50)}
    # Who leaves takes along what it owes; a new cap is seen by the next order.
    held = api.position("m0").reserved_minor
    api.open_account("m0", segment_id="")
    assert groups(api, "m3") == {"retail": (10_000 - held, 50 + held)}
    set_segment(api, cap=UNLIMITED, default_limit=amount_limit(7))
    assert not api.position("m3").shared
    api.open_account("new", segment_id="retail")
    assert api.position("new").available_minor == 7


def set_segment(api: Api, **fields: common_v1.CreditLimit) -> None:
    """Sets the default limit or the cap of "retail"; AssertionError when that is refused."""
    row = accounts_v1.Segment(segment_id="retail", currency="USD", **fields)
    request = accounts_v1.UpsertSegmentsRequest(request_id=str(uuid4()), segments=[row])
    (result,) = api.accounts.UpsertSegments(request, timeout=TIMEOUT_S).results
    assert not result.HasField("error"), result.error


def test_a_segment_needs_a_limit_or_a_cap(api: Api) -> None:
    with pytest.raises(AssertionError, match="default_limit"):
        set_segment(api)
    with pytest.raises(AssertionError, match=r"cap\.kind .* AMOUNT or UNLIMITED"):
        set_segment(api, cap=common_v1.CreditLimit(kind=common_v1.LIMIT_KIND_NO_CREDIT))


def test_whoever_follows_a_head_is_told_of_those_below_it(api: Api) -> None:
    open_group(api, "head", 1_000, "a", "b")
    api.open_account("other", 1_000)
    request = accounts_v1.WatchPositionsRequest(account_ids=["head", "b"])
    watch = api.accounts.WatchPositions(request, timeout=TIMEOUT_S)
    assert {next(watch).position.account_id for _ in range(2)} == {"head", "b"}
    api.reserve("other", "o", 1)
    api.reserve("a", "o", 300)
    position = next(watch).position
    assert position.account_id == "head"
    assert [(g.exposure_minor, g.available_minor) for g in position.shared] == [(300, 700)]
    # A head that loses an account is told, too.
    api.open_account("a", parent_account_id="other")
    position = next(watch).position
    assert (position.account_id, position.shared[0].exposure_minor) == ("head", 0)
    watch.cancel()


@pytest.mark.parametrize(
    ("limit", "field"),
    [
        (common_v1.CreditLimit(kind=common_v1.LIMIT_KIND_NO_CREDIT), r"shared_limit\.kind"),
        (common_v1.CreditLimit(kind=common_v1.LIMIT_KIND_INHERIT), r"shared_limit\.kind"),
        (common_v1.CreditLimit(), r"shared_limit\.kind"),
        (amount_limit(-1), r"shared_limit\.amount_minor"),
        (
            common_v1.CreditLimit(
                kind=common_v1.LIMIT_KIND_AMOUNT, amount_minor=1, valid_until="2099-12-31"
            ),
            r"shared_limit\.valid_until",
        ),
    ],
    ids=["no credit", "inherit", "unspecified", "negative", "with an end"],
)
def test_shared_limits_that_are_none(api: Api, limit: common_v1.CreditLimit, field: str) -> None:
    open_group(api, "head", 1_000)
    with pytest.raises(AssertionError, match=field):
        api.open_account("head", shared_limit=limit)
    assert api.position("head").available_minor == 1_000
    # Zero is an amount; what removes it is no limit at all.
    api.open_account("head", shared_limit=amount_limit(0))
    assert api.reserve("head", "o", 1).result.decision == DECLINED
    api.open_account("head", shared_limit=UNLIMITED)
    position = api.position("head")
    assert not position.shared
    assert not position.HasField("available_minor")
