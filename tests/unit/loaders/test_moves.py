"""Whose limit moves, whose stays and why; and what the command says before it asks anybody."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from creditgate.client import (
    Account,
    AccountStatus,
    CreditLimit,
    Hold,
    HoldKind,
    LimitApproval,
    LimitProposal,
    Verification,
)
from creditgate.client.cli import main
from creditgate.loaders.errors import FileError
from creditgate.loaders.ledger import mapping
from creditgate.loaders.scoring import scorecard
from creditgate.loaders.scoring.history import Behaviour
from creditgate.loaders.scoring.moves import Kept, Move, decide, latest_score

DAY = date(2026, 7, 1)
CARD = scorecard.read(scorecard.REFERENCE)

ACCOUNT = Account(
    account_id="A", display_name="", currency="USD", parent_account_id="", segment_id="",
    limit=CreditLimit.of(1_000_00), max_order_amount_minor=None, status=AccountStatus.ACTIVE,
    status_reason="", create_time=None, update_time=None, shared_limit_minor=None, holds=(),
    temporary_limits=(), rolling_limit=None, verifications=(), proposals=(), limit_approval=None,
    verified_by="",
)  # fmt: skip
GOOD = Behaviour(
    account_id="A", currency="USD", invoices=12, owed_minor=12_000_00, days_late=0, late_share=0,
    trend=0, disputed_share=0, open_minor=1_000_00, turnover_minor=12_000_00,
    first_issue_date=date(2025, 1, 1),
)  # fmt: skip
BAD = GOOD._replace(days_late=60_00, late_share=100_00, trend=50_00, disputed_share=50_00)
HOLD = Hold(
    hold_id="H", kind=HoldKind.BUREAU, source="bureau", expire_time=None, reason="", place_time=None
)


def approved(day: int) -> LimitApproval:
    at = datetime(2026, 6, day, 23, 59, tzinfo=UTC)
    return LimitApproval(approved_by="fay", by_policy=False, approve_time=at, verification="")


def waiting(limit: CreditLimit) -> LimitProposal:
    return LimitProposal(
        proposal_id="7", limit=limit, verification="", proposed_by="x", propose_time=None,
        reason="", limit_then=CreditLimit.of(1_000_00),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "behaviour", "expected"),
    [
        ({}, GOOD, 1_200_00),
        ({}, BAD, 800_00),
        ({"limit": CreditLimit.of(1_000_00, valid_until=DAY)}, GOOD, 1_200_00),
        ({"limit": CreditLimit.of(2_500_00)}, GOOD, Kept.ON_TARGET),
        ({"proposals": (waiting(CreditLimit.of(1_200_00)),)}, GOOD, Kept.WAITS),
        ({"proposals": (waiting(CreditLimit.of(1_300_00)),)}, GOOD, 1_200_00),
        ({"limit": CreditLimit.of(0)}, GOOD, Kept.NOT_AN_AMOUNT),
        ({"limit": CreditLimit.unlimited()}, GOOD, Kept.NOT_AN_AMOUNT),
        ({"limit": CreditLimit.of(1, valid_until=date(2026, 6, 30))}, GOOD, Kept.ENDED),
        ({"limit_approval": approved(30)}, GOOD, 1_200_00),
        ({"status": AccountStatus.CLOSED}, BAD, Kept.CLOSED),
        ({"status": AccountStatus.SUSPENDED}, GOOD, Kept.HELD),
        ({"status": AccountStatus.SUSPENDED}, BAD, 800_00),
        ({"holds": (HOLD,)}, GOOD, Kept.HELD),
        ({}, None, Kept.NOT_IN_LEDGER),
        ({}, GOOD._replace(currency="EUR"), Kept.NOT_IN_LEDGER),
        ({}, BAD._replace(first_issue_date=date(2026, 1, 1)), 860_00),
        ({}, GOOD._replace(first_issue_date=date(2026, 1, 2)), Kept.SHORT_HISTORY),
        ({}, GOOD._replace(first_issue_date=None), Kept.SHORT_HISTORY),
        ({}, GOOD._replace(owed_minor=0, turnover_minor=0), Kept.SHORT_HISTORY),
    ],
)
def test_a_limit_moves_or_stays_for_one_reason(
    changes: dict[str, Any], behaviour: Behaviour | None, expected: int | Kept
) -> None:
    account = msgspec.structs.replace(ACCOUNT, **changes)
    decided = decide(account, behaviour, None, CARD, DAY)
    found = decided.limit_minor if isinstance(decided, Move) else decided
    assert found == expected


def test_a_limit_that_was_approved_on_the_day_is_left_alone() -> None:
    account = msgspec.structs.replace(ACCOUNT, limit_approval=approved(30))
    assert decide(account, GOOD, None, CARD, date(2026, 6, 30)) is Kept.CHANGED_LATELY


def test_the_latest_score_counts_until_it_is_too_old() -> None:
    def found(day: date, score: int | None) -> Verification:
        return Verification(reference=str(day), source="bureau", date=day, score=score)

    old, newer = found(date(2025, 7, 1), 900_000), found(date(2026, 1, 1), 100)
    later, silent = found(date(2026, 7, 2), 5), found(date(2026, 6, 1), None)
    assert latest_score([None, old, newer, silent, later], DAY) == newer
    points = {}
    for score in (old, found(date(2025, 6, 30), 900_000), newer):
        move = decide(ACCOUNT, GOOD, score, CARD, DAY)
        assert isinstance(move, Move)
        (judged,) = (one for one in move.criteria if one.figure == "score")
        points[str(score.date)] = judged.points
    assert points == {"2025-07-01": 100, "2025-06-30": 40, "2026-01-01": 0}


def test_a_reason_fits_into_a_proposal() -> None:
    worst = BAD._replace(turnover_minor=10**18)
    move = decide(ACCOUNT, worst, None, CARD, DAY)
    assert isinstance(move, Move)
    reason = move.reason("x" * 40, DAY)
    assert len(reason.encode()) <= 500
    assert "late share 100.00 %: 0" in reason


def test_a_wrong_scorecard_ends_the_command_before_it_reads_anything(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text(scorecard.REFERENCE.read_text().replace("weight = 25", "weight = 26"))
    done = CliRunner().invoke(
        main, ["recalc", "--ledger", "host=nowhere", "--scorecard", str(path)]
    )
    assert done.exit_code == 2
    assert "weights must add up to 100, not 101" in done.output


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[credit.disputes", "[credit.quarrels", "credit.quarrels: must be one of"),
        ('resolved_on = "r.resolved_on"', "", "column 'resolved_on' is missing"),
        ('resolved_on = "r.resolved_on"', 'until = "1"', "column 'until' must be one of"),
    ],
)
def test_a_wrong_relation_is_refused_by_its_name(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    text = mapping.REFERENCE.read_text()
    assert old in text
    path = tmp_path / "ledger.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(FileError) as refused:
        mapping.read(path)
    assert complaint in str(refused.value)
