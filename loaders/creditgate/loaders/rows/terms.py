"""Payment terms, and whose they are."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

import msgspec

from creditgate.client import NonWorkingDay, Terms, TermsAssignment
from creditgate.client import terms as words
from creditgate.loaders.fields import Days, Id, Words, invalid, typed
from creditgate.loaders.rows.kind import RowKind

NonWorkingDayName = Literal["keep", "next", "previous"]

ParsedT = TypeVar("ParsedT")


class TermsRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Named payment terms, all of them: an absent cell is nothing."""

    terms_id: Id
    due: Words
    discounts: Words | None = None
    discount_grace_days: Days | None = None
    grace_days: Days | None = None
    calendar_id: Id | None = None
    non_working_day: NonWorkingDayName | None = None


class AssignmentRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terms for a segment, an account, or a contract of an account."""

    terms_id: Id
    segment_id: Id | None = None
    account_id: Id | None = None
    contract_id: Id | None = None


def terms_message(cells: Mapping[str, str]) -> Terms:
    """Raises RowError."""
    row = typed(cells, TermsRow)
    day = row.non_working_day
    if (row.calendar_id is None) and day in {"next", "previous"}:
        raise invalid("non_working_day", str(day), "needs a calendar_id")
    if row.calendar_id is not None and day is None:
        raise invalid("non_working_day", "", "must not be empty with a calendar_id")
    return Terms(
        terms_id=row.terms_id,
        instalments=_in_words("due", row.due, words.parse_instalments),
        discounts=_in_words("discounts", row.discounts or "", words.parse_discounts),
        discount_grace_days=row.discount_grace_days or 0,
        grace_days=row.grace_days or 0,
        calendar_id=row.calendar_id or "",
        non_working_day=None if day is None else NonWorkingDay[day.upper()],
    )


def _in_words(field: str, text: str, parse: Callable[[str], ParsedT]) -> ParsedT:
    try:
        return parse(text)
    except ValueError as error:
        raise invalid(field, text, str(error).removeprefix(f"{text!r} ")) from error


def assignment_message(cells: Mapping[str, str]) -> TermsAssignment:
    """Raises RowError."""
    row = typed(cells, AssignmentRow)
    if (row.segment_id is None) == (row.account_id is None):
        rule = "must be empty where an account_id is given, and else not"
        raise invalid("segment_id", row.segment_id or "", rule)
    if row.contract_id is not None and row.account_id is None:
        raise invalid("contract_id", row.contract_id, "needs an account_id")
    return TermsAssignment(
        terms_id=row.terms_id,
        segment_id=row.segment_id or "",
        account_id=row.account_id or "",
        contract_id=row.contract_id or "",
    )


TERMS = RowKind(TermsRow, terms_message, {"instalments": "due"}, ("terms_id",))
ASSIGNMENTS = RowKind(
    AssignmentRow, assignment_message, {}, ("account_id", "contract_id", "segment_id")
)
