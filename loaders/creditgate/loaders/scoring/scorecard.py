"""The scorecard: from figures of payment behaviour to points, and from points to a limit.

    points  = sum of weight x points of the criterion's band, over 100
    target  = mean monthly turnover x months of the grade that the points reach, at most amount_max
    limit   = target, at most one step from the limit in force, rounded towards it

Days late weighted by amount are the "days beyond terms" of the credit bureaus (Experian's DBT, the
base of Dun & Bradstreet's Paydex). A limit as a multiple of mean monthly turnover is what
credit insurers call the requirement method: a customer needs what it buys from one payment to the
next, which is its terms and the days that it is wont to pay late. The bands, weights and grades of
scorecard.toml are a start, for a company to put its own experience in place of.

All figures are whole numbers, of hundredths: of days, of percent, of points. Amounts are minor
units. No step uses floats, so the same data always gives the same limit.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from creditgate.client import MoneyError, money
from creditgate.loaders.errors import FileError

REFERENCE: Final = Path(__file__).with_name("scorecard.toml")

HUNDRED: Final = 100
POINTS_MAX: Final = 100
_DIGITS_MAX: Final = 9
_MONTHS_MAX: Final = 60

FigureName: TypeAlias = Literal[
    "days_late", "late_share", "trend", "disputed_share", "utilisation", "score"
]
Figures: TypeAlias = Mapping[FigureName, int | None]
"""In hundredths; None: there is nothing to go by."""


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The points of figures up to one, which is included; None: of all that are above."""

    points: int
    up_to: Decimal | None = None


class Criterion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one figure is judged."""

    figure: FigureName
    weight: int
    missing: int
    bands: tuple[Band, ...]

    def points(self, figure: int | None) -> int:
        """0 to 100."""
        if figure is None:
            return self.missing
        for band in self.bands:
            if band.up_to is None or figure <= band.up_to * HUNDRED:
                return band.points
        raise AssertionError("the last band has no end")


class Grade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many months of turnover from so many points on."""

    points_min: int
    months: Decimal


class LimitRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a limit moves."""

    raise_percent_max: int
    cut_percent_max: int
    change_percent_min: int
    days_between: int
    digits: int
    amount_max: tuple[str, ...] = ()


class Judgement(msgspec.Struct, frozen=True):
    """One criterion of one account: its figure, and what it got for it."""

    figure: FigureName
    value: int | None
    points: int
    weight: int


class Scorecard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole scorecard file, see docs/scorecard.md."""

    name: str
    history_months_min: int
    score_days_max: int
    criterion: tuple[Criterion, ...]
    grade: tuple[Grade, ...]
    limit: LimitRules

    def judge(self, figures: Figures) -> tuple[Judgement, ...]:
        """What an account gets for each criterion."""
        return tuple(
            Judgement(one.figure, value, one.points(value), one.weight)
            for one in self.criterion
            for value in (figures[one.figure],)
        )

    def target(self, points: int, turnover_minor: int, months: int, currency: str) -> int:
        """The limit by points (in hundredths) and the turnover of so many months, before steps."""
        grade = next(grade for grade in self.grade if points >= grade.points_min * HUNDRED)
        amount = turnover_minor * int(grade.months * HUNDRED) // (HUNDRED * months)
        return min(amount, _most(self.limit.amount_max).get(currency, money.AMOUNT_MINOR_MAX))

    def step(self, now: int, target: int) -> int | None:
        """The limit in place of the one in force (above zero), or None where that stays."""
        rules = self.limit
        if target > now:
            moved = min(target, now + now * rules.raise_percent_max // HUNDRED)
        else:
            moved = max(target, now - now * rules.cut_percent_max // HUNDRED)
        rounded = _rounded(moved, rules.digits, up=moved < now)
        # Rounded past the limit in force, or up to it, it is no move.
        if (rounded > now) != (target > now) or (rounded < now) != (target < now):
            return None
        small = abs(rounded - now) * HUNDRED < now * rules.change_percent_min
        return None if small else rounded


def total(judged: Sequence[Judgement]) -> int:
    """The points of all criteria together, in hundredths, 0 to 10,000."""
    return sum(one.points * one.weight for one in judged)


def read(path: Path) -> Scorecard:
    """The scorecard of a file. Raises FileError that names each key at fault."""
    try:
        tables = tomllib.loads(path.read_bytes().decode(), parse_float=Decimal)
        scorecard = msgspec.convert(tables, Scorecard)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: {error}") from error
    found = list(_problems(scorecard))
    if found:
        raise FileError("\n".join(f"{path}: {problem}" for problem in found))
    return scorecard


def _problems(card: Scorecard) -> Iterator[str]:
    if not card.name or len(card.name) > 40 or not card.name.isprintable():
        yield f"name is {card.name!r}: must be 1 to 40 printable characters"
    yield from _out_of("history_months_min", card.history_months_min, 1, 12)
    yield from _out_of("score_days_max", card.score_days_max, 1, 3_660)
    figures = [one.figure for one in card.criterion]
    for index, one in enumerate(card.criterion):
        where = f"criterion {one.figure!r}"
        if one.figure in figures[:index]:
            yield f"{where}: appears twice"
        yield from _out_of(f"{where}: weight", one.weight, 1, 100)
        yield from _out_of(f"{where}: missing", one.missing, 0, POINTS_MAX)
        yield from _band_problems(where, one.bands)
    weights = sum(one.weight for one in card.criterion)
    if weights != HUNDRED:
        known = ", ".join(get_args(FigureName))
        yield f"criterion: weights must add up to 100, not {weights}; figures are {known}"
    yield from _grade_problems(card.grade)
    yield from _limit_problems(card.limit)


def _out_of(key: str, value: Decimal | int, least: int, most: int) -> Iterator[str]:
    if not least <= value <= most:
        yield f"{key} is {value}: must be {least} to {most}"
    elif value * HUNDRED % 1:
        yield f"{key} is {value}: must have at most two decimals"


def _band_problems(where: str, bands: Sequence[Band]) -> Iterator[str]:
    if not bands or bands[-1].up_to is not None:
        yield f"{where}: bands: the last one must have no up_to, so that every figure has points"
    before: Decimal | None = None
    for index, band in enumerate(bands, start=1):
        key = f"{where}: bands: {index}"
        yield from _out_of(f"{key}: points", band.points, 0, POINTS_MAX)
        if band.up_to is None:
            if index < len(bands):
                yield f"{key}: up_to is missing: only the last band has none"
            continue
        yield from _out_of(f"{key}: up_to", band.up_to, -1_000_000, 1_000_000)
        if before is not None and band.up_to <= before:
            yield f"{key}: up_to is {band.up_to}: must be above that of the band before, {before}"
        before = band.up_to


def _grade_problems(grades: Sequence[Grade]) -> Iterator[str]:
    if not grades or grades[-1].points_min != 0:
        yield "grade: the last one must be from points_min 0, so that all points have a grade"
    for index, grade in enumerate(grades, start=1):
        key = f"grade: {index}"
        yield from _out_of(f"{key}: points_min", grade.points_min, 0, POINTS_MAX)
        yield from _out_of(f"{key}: months", grade.months, 0, _MONTHS_MAX)
        if index > 1 and grade.points_min >= grades[index - 2].points_min:
            yield f"{key}: points_min is {grade.points_min}: must be below that of the grade before"


def _limit_problems(rules: LimitRules) -> Iterator[str]:
    yield from _out_of("limit.raise_percent_max", rules.raise_percent_max, 0, 1_000)
    yield from _out_of("limit.cut_percent_max", rules.cut_percent_max, 0, 100)
    yield from _out_of("limit.change_percent_min", rules.change_percent_min, 1, 100)
    yield from _out_of("limit.days_between", rules.days_between, 1, 366)
    yield from _out_of("limit.digits", rules.digits, 1, _DIGITS_MAX)
    currencies = set()
    for text in rules.amount_max:
        try:
            currency, amount = _amount(text)
        except (MoneyError, ValueError) as error:
            yield f"limit.amount_max is {text!r}: {error}"
            continue
        if amount <= 0:
            yield f"limit.amount_max is {text!r}: must be above zero"
        if currency in currencies:
            yield f"limit.amount_max is {text!r}: {currency} appears twice"
        currencies.add(currency)


@cache
def _most(amounts: tuple[str, ...]) -> Mapping[str, int]:
    return dict(map(_amount, amounts))


def _amount(text: str) -> tuple[str, int]:
    """A currency and minor units. Raises ValueError, of which MoneyError is one."""
    amount, _, currency = text.partition(" ")
    if not currency:
        raise ValueError("must be an amount and its currency, like 10000.00 USD")
    return currency, money.parse(amount, currency)


def _rounded(amount: int, digits: int, *, up: bool) -> int:
    """So many significant digits of an amount that is not below zero."""
    unit: int = 10 ** max(len(str(amount)) - digits, 0)
    return -(-amount // unit) * unit if up else amount // unit * unit
