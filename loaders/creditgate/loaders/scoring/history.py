"""How customers have paid: twelve months of behaviour for each account, out of a spool.

What is judged are invoices that fell due in the twelve months before a day, that day excluded. An
invoice is owed in so far as no credit memo or correction took it back; a part of it that is not
paid on that day counts as late until then, also where it was written off. What was refunded, a
payment below zero, was never paid either: it is taken from the late parts first. So, of an account,
with every sum over its invoices, in minor units:

    days late       sum of (late part x days it was late) / sum of owed
    late share      sum of late parts / sum of owed
    trend           late share of the last three months - that of the nine before
    disputed share  sum of what was disputed, at most what is owed / sum of owed
    open            what is owed of all invoices, not paid and not written off
    turnover        what no credit memo or correction took back of the invoices issued in the twelve
                    months up to that day: an invoice that was entered by mistake is no turnover

Days and shares are rounded to hundredths (of a day, of a percent), a half upwards; what there is
nothing of to divide by is None.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

import duckdb

MONTHS: Final = 12
RECENT_MONTHS: Final = 3
_ROWS_AT_ONCE: Final = 1_000


class Behaviour(NamedTuple):
    """One account on one day; days, shares and trend in hundredths, amounts in minor units."""

    account_id: str
    currency: str
    invoices: int
    """How many fell due and were judged."""
    owed_minor: int
    days_late: int | None
    late_share: int | None
    trend: int | None
    disputed_share: int | None
    open_minor: int
    turnover_minor: int
    first_issue_date: date | None


# Sums beyond 64 bits: DuckDB adds in 128, and so must products be.
_BY_INVOICE = """
CREATE TABLE judged AS
WITH paid AS (
    SELECT i.invoice_id,
        sum(s.amount) FILTER (s.kind = 'payment' AND s.amount > 0) AS paid,
        -sum(s.amount) FILTER (s.kind = 'payment' AND s.amount < 0) AS refunded,
        sum(s.amount) FILTER (s.kind = 'payment' AND s.amount > 0 AND s.settled_on > i.due_date)
            AS late,
        sum(s.amount::HUGEINT * (s.settled_on - i.due_date))
            FILTER (s.kind = 'payment' AND s.amount > 0 AND s.settled_on > i.due_date) AS late_days,
        sum(s.amount) FILTER (s.kind = 'credit') AS credited,
        sum(s.amount) FILTER (s.kind = 'write_off') AS written_off
    FROM settlements AS s JOIN invoices AS i USING (invoice_id)
    GROUP BY i.invoice_id
), disputed AS (
    SELECT invoice_id, sum(amount) AS disputed FROM disputes GROUP BY invoice_id
), sums AS (
    SELECT i.account_id, i.issue_date, i.due_date,
        greatest(i.amount - coalesce(credited, 0), 0) AS bought,
        coalesce(paid, 0) AS paid, coalesce(refunded, 0) AS refunded,
        coalesce(late, 0) AS late, coalesce(late_days, 0) AS late_days,
        coalesce(written_off, 0) AS written_off, coalesce(disputed, 0) AS disputed
    FROM invoices AS i
    LEFT JOIN paid USING (invoice_id) LEFT JOIN disputed USING (invoice_id)
), owed AS (
    SELECT account_id, issue_date, due_date, bought, written_off, disputed,
        bought + greatest(refunded - paid, 0) AS owed,
        greatest(paid - refunded, 0) AS paid,
        late - least(late, refunded) AS late,
        -- Each late part by as many days as they had in the mean.
        late_days - (
            late_days // greatest(late, 1) * least(late, refunded)
            + late_days % greatest(late, 1) * least(late, refunded) // greatest(late, 1)
        ) AS late_days
    FROM sums
)
SELECT account_id, issue_date, due_date, bought, greatest(owed, paid) AS owed,
    late + CASE WHEN due_date < $day THEN rest ELSE 0 END AS late,
    late_days + CASE WHEN due_date < $day THEN rest * ($day - due_date) ELSE 0 END AS late_days,
    least(disputed, greatest(owed, paid)) AS disputed,
    greatest(rest - written_off, 0) AS open
FROM (SELECT *, greatest(owed - paid, 0) AS rest FROM owed)
"""

_BY_ACCOUNT = """
CREATE TABLE behaviour AS
WITH sums AS (
    SELECT account_id,
        count(*) FILTER (due_date >= $first AND due_date < $day AND owed > 0) AS invoices,
        sum(owed) FILTER (due_date >= $first AND due_date < $day) AS owed,
        sum(late) FILTER (due_date >= $first AND due_date < $day) AS late,
        sum(late_days) FILTER (due_date >= $first AND due_date < $day) AS late_days,
        sum(disputed) FILTER (due_date >= $first AND due_date < $day) AS disputed,
        sum(owed) FILTER (due_date >= $recent AND due_date < $day) AS recent_owed,
        sum(late) FILTER (due_date >= $recent AND due_date < $day) AS recent_late,
        sum(owed) FILTER (due_date >= $first AND due_date < $recent) AS early_owed,
        sum(late) FILTER (due_date >= $first AND due_date < $recent) AS early_late,
        sum(open) AS open,
        sum(bought) FILTER (issue_date > $first) AS turnover,
        min(issue_date) AS first_issue_date
    FROM judged GROUP BY account_id
)
SELECT account_id, currency, coalesce(invoices, 0) AS invoices, coalesce(owed, 0) AS owed,
    hundredths(late_days, owed) AS days_late,
    hundredths(late * 100, owed) AS late_share,
    hundredths(recent_late * 100, recent_owed) - hundredths(early_late * 100, early_owed) AS trend,
    hundredths(disputed * 100, owed) AS disputed_share,
    coalesce(open, 0) AS open, coalesce(turnover, 0) AS turnover, first_issue_date
FROM accounts LEFT JOIN sums USING (account_id)
"""

_HUNDREDTHS = """
CREATE MACRO hundredths(part, whole) AS
    CASE WHEN whole > 0 THEN (part * 200 + whole) // (whole * 2) END
"""


def analyse(db: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Makes the table of behaviour, one row an account, from the spool's tables."""
    days = {
        "day": as_of,
        "first": months_before(as_of, MONTHS),
        "recent": months_before(as_of, RECENT_MONTHS),
    }
    db.execute(_HUNDREDTHS)
    db.execute(_BY_INVOICE, {"day": as_of})
    db.execute(_BY_ACCOUNT, days)


def behaviours(db: duckdb.DuckDBPyConnection, account_id: str = "") -> Iterator[Behaviour]:
    """All accounts by their ids, or one."""
    condition = "WHERE account_id = ? " if account_id else ""
    query = f"SELECT * FROM behaviour {condition}ORDER BY account_id"  # noqa: S608
    found = db.execute(query, [account_id] if account_id else [])
    while rows := found.fetchmany(_ROWS_AT_ONCE):
        yield from map(Behaviour._make, rows)


def behaviours_of(
    db: duckdb.DuckDBPyConnection, account_ids: Sequence[str]
) -> dict[str, Behaviour]:
    """These accounts, as far as the ledger knows them."""
    query = "SELECT * FROM behaviour WHERE account_id IN (SELECT unnest(?))"
    rows = db.execute(query, [list(account_ids)]).fetchall()
    return {row[0]: Behaviour._make(row) for row in rows}


def months_before(day: date, months: int) -> date:
    """The same day so many months before, or the last of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    first = date(year, month + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return min(first + timedelta(days=day.day - 1), last)


def months_since(first: date, day: date) -> int:
    """Months that have begun since a day: 1 on that day itself."""
    whole = (day.year - first.year) * 12 + day.month - first.month
    return whole + (1 if day.day >= first.day else 0)
