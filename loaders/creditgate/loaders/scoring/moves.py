"""Whether one account's limit moves, and why: by the ledger, the service and the scorecard."""

from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from creditgate.client import (
    Account,
    AccountStatus,
    CreditLimit,
    LimitKind,
    Verification,
    money,
)
from creditgate.loaders.scoring.history import MONTHS, Behaviour, months_before, months_since
from creditgate.loaders.scoring.scorecard import (
    HUNDRED,
    FigureName,
    Judgement,
    Scorecard,
    total,
)


class Kept(StrEnum):
    """Why a limit stays as it is."""

    ON_TARGET = "the limit is what the scorecard says, or nearly"
    WAITS = "this limit waits for approval already"
    NOT_AN_AMOUNT = "the limit is no amount above zero: a person sets the first one"
    ENDED = "the limit has ended"
    CHANGED_LATELY = "the limit was changed lately"
    SHORT_HISTORY = "too short a history"
    NOT_IN_LEDGER = "the ledger does not know the account in this currency"
    CLOSED = "the account is closed"
    HELD = "no raise for an account that is suspended or on hold"


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A limit to be proposed, in minor units; points in hundredths, 0 to 10,000."""

    account_id: str
    currency: str
    limit_now_minor: int
    limit_minor: int
    valid_until: date | None
    points: int
    criteria: tuple[Judgement, ...]
    turnover_minor: int
    """Of as many months as `months` says."""
    months: int
    verification: str = ""

    @property
    def limit(self) -> CreditLimit:
        """As it is proposed: it ends when the one in force does."""
        return CreditLimit.of(self.limit_minor, valid_until=self.valid_until)

    def reason(self, scorecard: str, as_of: date) -> str:
        """In words, for whoever approves it."""
        judged = ", ".join(map(criterion_text, self.criteria))
        turnover = money.format(self.turnover_minor, self.currency, group=True)
        return (
            f"scorecard {scorecard}, {as_of}: {decimal(self.points)} points ({judged}); "
            f"{turnover} {self.currency} bought in {self.months} months"
        )


def decide(
    account: Account,
    behaviour: Behaviour | None,
    score: Verification | None,
    card: Scorecard,
    as_of: date,
) -> Move | Kept:
    """The move that the scorecard proposes, or why there is none. `score`: the latest."""
    now = account.limit.amount_minor
    kept = _kept_by_service(account, card, as_of)
    kept = kept or _kept_by_ledger(account, behaviour, card, as_of)
    if kept is not None:
        return kept
    assert now is not None
    assert behaviour is not None
    assert behaviour.first_issue_date is not None
    months = min(months_since(behaviour.first_issue_date, as_of), MONTHS)
    oldest = as_of - timedelta(days=card.score_days_max)
    fresh = score if score is not None and score.date >= oldest else None
    judged = card.judge(_figures(behaviour, now, fresh))
    points = total(judged)
    target = card.target(points, behaviour.turnover_minor, months, account.currency)
    limit = card.step(now, target)
    if limit is None:
        return Kept.ON_TARGET
    if limit > now and (account.status is not AccountStatus.ACTIVE or account.holds):
        return Kept.HELD
    move = Move(
        account_id=account.account_id,
        currency=account.currency,
        limit_now_minor=now,
        limit_minor=limit,
        valid_until=account.limit.valid_until,
        points=points,
        criteria=judged,
        turnover_minor=behaviour.turnover_minor,
        months=months,
        verification="" if fresh is None else fresh.reference,
    )
    if any(waiting.limit == move.limit for waiting in account.proposals):
        return Kept.WAITS
    return move


def _kept_by_service(account: Account, card: Scorecard, as_of: date) -> Kept | None:
    limit, approval = account.limit, account.limit_approval
    lately = as_of - timedelta(days=card.limit.days_between)
    if account.status is AccountStatus.CLOSED:
        return Kept.CLOSED
    if limit.kind is not LimitKind.AMOUNT or not limit.amount_minor:
        return Kept.NOT_AN_AMOUNT
    if limit.valid_until is not None and limit.valid_until < as_of:
        return Kept.ENDED
    changed = None if approval is None else approval.approve_time
    if changed is not None and changed.date() > lately:
        return Kept.CHANGED_LATELY
    return None


def _kept_by_ledger(
    account: Account, behaviour: Behaviour | None, card: Scorecard, as_of: date
) -> Kept | None:
    if behaviour is None or behaviour.currency != account.currency:
        return Kept.NOT_IN_LEDGER
    first = behaviour.first_issue_date
    if first is None or months_before(as_of, card.history_months_min) < first:
        return Kept.SHORT_HISTORY
    if not behaviour.turnover_minor and not behaviour.owed_minor:
        return Kept.SHORT_HISTORY
    return None


def _figures(
    behaviour: Behaviour, limit_minor: int, score: Verification | None
) -> dict[FigureName, int | None]:
    points = None if score is None else score.score
    open_share = behaviour.open_minor * HUNDRED * HUNDRED
    return {
        "days_late": behaviour.days_late,
        "late_share": behaviour.late_share,
        "trend": behaviour.trend,
        "disputed_share": behaviour.disputed_share,
        "utilisation": (2 * open_share + limit_minor) // (2 * limit_minor),
        "score": None if points is None else points * HUNDRED,
    }


def latest_score(found: Sequence[Verification | None], as_of: date) -> Verification | None:
    """Of those up to a day the latest one that says a score."""
    scored = (one for one in found if one and one.score is not None and one.date <= as_of)
    return max(scored, key=lambda one: (one.date, one.reference), default=None)


def decimal(hundredths: int) -> str:
    """Hundredths as people read them."""
    whole, rest = divmod(abs(hundredths), HUNDRED)
    return f"{'-' if hundredths < 0 else ''}{whole}.{rest:02}"


_UNITS: dict[FigureName, str] = {
    "days_late": " d",
    "late_share": " %",
    "trend": " pp",
    "disputed_share": " %",
    "utilisation": " %",
    "score": "",
}


def figure_text(one: Judgement) -> str:
    """A criterion's figure with its unit."""
    if one.value is None:
        return "-"
    text = str(one.value // HUNDRED) if one.figure == "score" else decimal(one.value)
    return text + _UNITS[one.figure]


def criterion_text(one: Judgement) -> str:
    """A criterion with what it got, for people."""
    return f"{one.figure.replace('_', ' ')} {figure_text(one)}: {one.points}"
