"""Payment terms in words: read as they are written, and refused with what they must be."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditgate.client import (
    DateTable,
    DateTableRow,
    DayOfMonth,
    DayTable,
    DayTableRow,
    DueRule,
    EndOfMonth,
    NetDays,
    TermsDiscount,
    TermsInstalment,
    terms,
)
from creditgate.client._terms_results import terms_from
from creditgate.v1 import terms_pb2
from tests.unit.client.conftest import Run
from tests.unit.client.scripted import ScriptedServer

days = st.integers(0, 3_660)
months = st.integers(0, 120)
month_days = st.integers(1, 31)
dates = st.dates(date(1970, 1, 1))
rules = st.one_of(
    st.builds(NetDays, days),
    st.builds(EndOfMonth, months, days),
    st.builds(DayOfMonth, month_days, months),
    st.builds(
        DayTable,
        st.lists(st.builds(DayTableRow, month_days, months, month_days), min_size=1).map(tuple),
    ),
    st.builds(
        DateTable,
        st.lists(st.builds(DateTableRow, dates, dates, dates), min_size=1).map(tuple),
        days,
    ),
)


@given(rules)
def test_a_rule_is_read_as_it_is_written(rule: DueRule) -> None:
    assert terms.parse_due(terms.format_due(rule)) == rule


@given(st.lists(st.tuples(st.integers(1, 10_000), rules)))
def test_discounts_are_read_as_they_are_written(pairs: list[tuple[int, DueRule]]) -> None:
    discounts = tuple(TermsDiscount(bp, rule) for bp, rule in pairs)
    assert terms.parse_discounts(terms.format_discounts(discounts)) == discounts


@given(st.lists(st.integers(1, 9_999), unique=True, max_size=4), st.lists(rules, min_size=5))
def test_instalments_are_read_as_they_are_written(cuts: list[int], due: list[DueRule]) -> None:
    edges = [0, *sorted(cuts), 10_000]
    shares = [last - first for first, last in pairwise(edges)]
    parts = tuple(TermsInstalment(rule, share) for share, rule in zip(shares, due, strict=False))
    assert terms.parse_instalments(terms.format_instalments(parts)) == parts


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("net 30", NetDays(30)),
        ("  NET   30 ", NetDays(30)),
        ("eom", EndOfMonth(0, 0)),
        ("eom 10", EndOfMonth(0, 10)),
        ("eom+1", EndOfMonth(1, 0)),
        ("eom+1 10", EndOfMonth(1, 10)),
        ("day 15", DayOfMonth(15, 1)),
        ("day 31+2", DayOfMonth(31, 2)),
        ("table 15:31+0 31:15", DayTable((DayTableRow(15, 0, 31), DayTableRow(31, 1, 15)))),
    ],
)
def test_rules_in_words(text: str, rule: DueRule) -> None:
    assert terms.parse_due(text) == rule


@pytest.mark.parametrize(
    "text",
    ["", "30", "net", "net -1", "net 1.5", "eom +1", "day", "table", "table 15", "dates net 30",
     "dates 2026-01-01..2026-01-31 net 30", "net 30; net 60"],
)  # fmt: skip
def test_what_is_no_rule_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be like net 30, eom 10"):
        terms.parse_due(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("50% net 30; net 60", "is not an instalment"),
        ("50% net 30; 49.99% net 60", "not 99.99 %"),
        ("50.001% net 30; 49.999% net 60", "is not an instalment"),
        ("100% soon", "is no due date"),
        ("dates 2026-02-30..2026-03-01:2026-04-01 net 30", "'2026-02-30' is not a date"),
    ],
)
def test_instalments_that_are_none(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        terms.parse_instalments(text)


def test_two_ten() -> None:
    assert terms.parse_discounts("2/10; 0.5% net 20") == (
        TermsDiscount(200, NetDays(10)),
        TermsDiscount(50, NetDays(20)),
    )
    assert terms.parse_discounts(" ") == ()
    for text in ("2", "2%", "/10", "2/ten"):
        with pytest.raises(ValueError, match="is not a discount"):
            terms.parse_discounts(text)


def test_a_rule_of_a_newer_server_is_shown_as_one() -> None:
    found = terms_from(terms_pb2.Terms(instalments=[terms_pb2.TermsInstalment(share_bp=10_000)]))
    assert terms.format_instalments(tuple(found.instalments)) == "a rule of a newer server"


def test_the_command_sends_what_the_words_mean(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer("UpsertTerms", terms_pb2.UpsertTermsResponse(results=[{"outcome": 1}]))
    result = run(
        "terms", "set", "T", "eom 10", "--discounts", "2/10", "--grace", "5", "--calendar", "DE"
    )
    assert (result.exit_code, result.stdout) == (0, "CREATED T\n")
    (sent,) = terms_pb2.UpsertTermsRequest.FromString(scripted.calls[0].request).terms
    assert sent.instalments[0].due.end_of_month.days == 10
    assert (sent.discounts[0].rate_bp, sent.grace_days) == (200, 5)
    assert sent.non_working_day == terms_pb2.NON_WORKING_DAY_NEXT
    for arguments in (["set", "T", "soon"], ["assign", "T"], ["quote", "1.00", "USD"]):
        assert run("terms", *arguments).exit_code == 2
    assert len(scripted.calls) == 1
