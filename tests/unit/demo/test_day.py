"""The demo's files: generated the same each time, read with every mistake named."""

import io
from collections import Counter
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from rich.console import Console

from creditgate.client import AccountStatus, CreditLimit, LimitSource, Position
from creditgate.loaders.tally import REJECTED_SHOWN_MAX
from demo import events, positions, report, sample
from demo.errors import DemoError
from demo.play import DayLog

HEADER = "time,channel,action,account_id,currency,order_id,amount,invoice_id,allow_partial"


def read(tmp_path: Path, *lines: str) -> list[events.Event]:
    path = tmp_path / "orders.csv"
    path.write_text("\n".join([HEADER, *lines, ""]))
    return events.read(path)


def test_the_sample_is_the_same_each_time(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        sample.write(folder)
    names = sorted(path.name for path in one.iterdir())
    assert names == [
        "accounts.csv",
        "assignments.csv",
        "entries.csv",
        "orders.csv",
        "segments.csv",
        "terms.csv",
    ]
    assert [(one / n).read_bytes() for n in names] == [(two / n).read_bytes() for n in names]
    sample.write(two, seed=sample.SEED + 1)
    assert (one / "orders.csv").read_bytes() != (two / "orders.csv").read_bytes()


def test_the_sample_day_is_in_order_and_of_every_kind(tmp_path: Path) -> None:
    sample.write(tmp_path)
    day = events.read(tmp_path / "orders.csv")
    assert {event.action for event in day} == set(get_args(events.Action))
    by_order: dict[tuple[str, str], list[str]] = {}
    for event in day:
        if event.order_id:
            by_order.setdefault(event.thread, []).append(event.action)
    assert len(by_order) == sample.ORDERS
    assert all(actions[0] == "order" for actions in by_order.values())
    assert all(Counter(actions)["order"] == 1 for actions in by_order.values())
    # Skewed, as in trade: the busiest tenth of the accounts places a third of the orders or more.
    orders = Counter(event.account_id for event in day if event.action == "order")
    busiest = sum(count for _, count in orders.most_common(sample.ACCOUNTS // 10))
    assert busiest * 3 > sample.ORDERS


def test_events_are_sorted_by_time_and_equal_times_keep_their_order(tmp_path: Path) -> None:
    day = read(
        tmp_path,
        "12:00:00,web,order,A,EUR,O2,5,,",
        "11:59:59,pos,order,A,EUR,O1,5.50,,yes",
        "12:00:00,web,cancel,A,EUR,O2,,,",
    )
    assert [event.line for event in day] == [3, 2, 4]
    assert (day[0].amount_minor, day[0].allow_partial) == (550, True)
    assert day[2].amount_minor is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("12:00,web,order,A,EUR,O1,5,,", "line 2: FIELD_INVALID: time '12:00': must be a time"),
        ("12:00:00,web,buy,A,EUR,O1,5,,", "line 2: FIELD_INVALID: action 'buy': must be one"),
        ("12:00:00,web,order,A,EUR,O1,,,", "amount '': must not be empty with action order"),
        ("12:00:00,web,change,A,EUR,,5,,", "order_id '': must not be empty with action change"),
        ("12:00:00,web,invoice,A,EUR,,5,,", "invoice_id '': must not be empty with action"),
        ("12:00:00,web,order,A,JPY,O1,0.5,,", "amount '0.5': JPY has 0 decimals"),
        ("12:00:00,web,order,A,EUR,O1,5,,maybe", "allow_partial 'maybe': must be one of no, yes"),
        ("12:00:00,web,order,A,EUR,O1,0,,", "amount '0': must be above zero with action order"),
        ("12:00:00,web,ship,A,EUR,O1,-1,,", "amount '-1': must be above zero with action ship"),
        ("12:00:00,web,change,A,EUR,O1,-1,,", "amount '-1': must not be negative with action"),
        ("12:00:00,web,order,A,EUR,O1,5", "the row has 7 cells, the header 9"),
        ("12:00:00,,order,A,EUR,O1,5,,", "channel '': must not be empty"),
    ],
)
def test_a_wrong_event_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DemoError) as caught:
        read(tmp_path, line)
    assert message in str(caught.value)


def test_all_wrong_events_are_named_at_once(tmp_path: Path) -> None:
    wrong = [f"12:00:00,web,order,A,EUR,O{i},0,," for i in range(REJECTED_SHOWN_MAX + 3)]
    with pytest.raises(DemoError) as caught:
        read(tmp_path, "12:00:00,web,order,A,EUR,O,5,,", *wrong)
    first, *told, more = str(caught.value).splitlines()
    assert first == f"{tmp_path / 'orders.csv'}: 23 rows break a rule:"
    assert told[0].startswith("  line 3: FIELD_INVALID: amount '0': ")
    assert (len(told), more) == (REJECTED_SHOWN_MAX, "  and 3 more")


def test_an_order_may_be_changed_to_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "12:00:00,web,change,A,EUR,O1,0,,")[0].amount_minor == 0


POSITION = Position(
    account_id="A",
    currency="EUR",
    status=AccountStatus.ACTIVE,
    effective_limit=CreditLimit.of(10_000),
    limit_source=LimitSource.ACCOUNT,
    outstanding_minor=1,
    captured_minor=2,
    reserved_minor=3,
    exposure_minor=6,
    available_minor=9_994,
    journal_seq=7,
    shared=(),
    bound_by=None,
    holds=(),
    temporary_limits=(),
    rolling_limit=None,
)


def test_every_counter_is_compared() -> None:
    other = {
        "currency": "USD",
        "status": AccountStatus.SUSPENDED,
        "effective_limit": CreditLimit.unlimited(),
        "limit_source": LimitSource.SEGMENT,
        "available_minor": None,
    }
    compared = [f for f in Position.__struct_fields__ if f not in {"account_id", "journal_seq"}]
    for name in compared:
        changed = msgspec.structs.replace(POSITION, **{name: other.get(name, -1)})
        found = list(positions.differences({"A": POSITION}, {"A": changed}))
        assert [(d.account_id, d.counter) for d in found] == [("A", name)]
    assert sorted(compared) == sorted(positions.COUNTERS)


def test_equal_positions_and_missing_accounts() -> None:
    later = msgspec.structs.replace(POSITION, journal_seq=8)
    assert list(positions.differences({"A": POSITION}, {"A": later})) == []
    for before, after in (({"A": POSITION}, {}), ({}, {"A": POSITION})):
        assert [d.counter for d in positions.differences(before, after)] == ["account"]


def test_amounts_are_whole_on_a_narrow_terminal() -> None:
    big = msgspec.structs.replace(
        POSITION,
        effective_limit=CreditLimit.of(9_999_999_999_99),
        exposure_minor=8_888_888_888_88,
        available_minor=1_111_111_111_11,
    )
    console = Console(width=80, file=io.StringIO())
    with console.capture() as shown:
        console.print(report.most_used({"A": big}))
    assert "8,888,888,888.88 │ 9,999,999,999.99 │ 1,111,111,111.11 │ 88 │ █" in shown.get()


def test_totals_are_by_currency() -> None:
    yen = msgspec.structs.replace(POSITION, account_id="J", currency="JPY", exposure_minor=-5)
    totals = positions.totals({"A": POSITION, "B": POSITION, "J": yen})
    assert list(totals) == ["EUR", "JPY"]
    assert (totals["EUR"].accounts, totals["EUR"].exposure_minor) == (2, 12)
    assert (totals["EUR"].reserved_minor, totals["JPY"].exposure_minor) == (6, -5)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, ["1", "1.0", "1.0", "1.0"]), (100, ["100", "50.0", "99.0", "100.0"])],
)
def test_latency_is_by_nearest_rank(count: int, expected: list[str]) -> None:
    log = DayLog()
    log.seconds["order"] = [i / 1_000 for i in range(count, 0, -1)]
    table = report.latency(log)
    assert [next(iter(column.cells)) for column in table.columns[1:]] == expected
