"""Payment terms, calendars and assignments from files, on a real server."""

import csv
import json
from datetime import date
from pathlib import Path

from click.testing import CliRunner, Result

from creditgate.client import Client, TermsSource
from creditgate.client.cli import main
from creditgate.loaders.dead_letters import default_path
from tests.support.server import ServerProcess

TERMS = """\
terms_id,due,discounts,discount_grace_days,grace_days,calendar_id,non_working_day
NET30,net 30,2/10,,5,DE-BY,next
THIRDS,33.33% net 30; 33.33% net 60; 33.34% net 90,,,,,
WRONG,soon,,,,,
ROLLS,net 30,,,,NOWHERE,next
NET30,net 60,,,,,
"""

ASSIGNMENTS = """\
terms_id,segment_id,account_id,contract_id
NET30,,A,
THIRDS,,A,frame
THIRDS,,B,
THIRDS,,A,
"""


def load(server: ServerProcess, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["load", *map(str, arguments), "--address", server.address])


def rejections(path: Path) -> list[tuple[str, str, str]]:
    with default_path(path).open(newline="") as file:
        return [(row["line"], row["field"], row["reason"]) for row in csv.DictReader(file)]


def test_terms_and_who_has_them_come_from_files(
    server: ServerProcess, client: Client, tmp_path: Path
) -> None:
    server.api.open_account("A", 100_000)
    years = ["--country", "DE", "--subdivision", "BY", "--years", "2026-2027"]
    done = load(server, "calendar", "DE-BY", *years)
    assert (done.exit_code, done.output.split(":")[0]) == (0, "CREATED DE-BY")
    (calendar,) = client.list_calendars()
    assert date(2026, 1, 6) in calendar.holidays
    assert load(server, "calendar", "DE-BY", *years).output.startswith("UNCHANGED DE-BY")

    terms = tmp_path / "terms.csv"
    terms.write_text(TERMS)
    assert load(server, "terms", terms).exit_code == 1
    assert rejections(terms) == [
        ("4", "due", "FIELD_INVALID"),
        ("5", "calendar_id", "CALENDAR_NOT_FOUND"),
        ("6", "terms_id", "DUPLICATE_ROW"),
    ]
    assert [row.terms_id for row in client.list_terms()] == ["NET30", "THIRDS"]
    assigned = tmp_path / "assignments.csv"
    assigned.write_text(ASSIGNMENTS)
    assert load(server, "assignments", assigned).exit_code == 1
    assert rejections(assigned) == [
        ("4", "account_id", "ACCOUNT_NOT_FOUND"),
        ("5", "account_id", "DUPLICATE_ROW"),
    ]
    listing = ["terms", "assignments", "--json", "--address", server.address]
    shown = CliRunner().invoke(main, listing)
    rows = [json.loads(line) for line in shown.output.splitlines()]
    whose = [(row["terms_id"], row["account_id"], row["contract_id"]) for row in rows]
    assert whose == [("NET30", "A", ""), ("THIRDS", "A", "frame")]
    # 30 days after the 2nd of December is New Year's Day, a holiday; then comes Saturday.
    found = client.quote_terms(100, account_id="A", invoice_date=date(2026, 12, 2))
    assert found is not None
    assert (found.due_date, found.source) == (date(2027, 1, 4), TermsSource.ACCOUNT)
    of_contract = client.get_terms_of("A", contract_id="frame")
    assert of_contract.terms is not None
    assert len(of_contract.terms.instalments) == 3


def test_a_calendar_that_is_wrong_changes_nothing(
    server: ServerProcess, client: Client, tmp_path: Path
) -> None:
    days = tmp_path / "days.csv"
    days.write_text("date\n2026-12-25\n2026-02-30\n")
    wrong = load(server, "calendar", "K", days, "--years", "2026")
    assert (wrong.exit_code, list(client.list_calendars())) == (2, [])
    assert "line 3" in wrong.output
    days.write_text("date\n2026-12-25\n")
    dry = load(server, "calendar", "K", days, "--years", "2026", "--dry-run")
    assert (dry.exit_code, dry.output) == (0, "2026-12-25 Fri\n")
    assert list(client.list_calendars()) == []
    assert load(server, "calendar", "K", days, "--years", "2026").exit_code == 0
    (calendar,) = client.list_calendars()
    assert (calendar.weekend, calendar.holidays) == ((6, 7), (date(2026, 12, 25),))
    hungary = ["HU", "--country", "HU", "--years", "2024"]
    assert "2024-08-03 Sat worked\n" in load(server, "calendar", *hungary, "--dry-run").output
    assert load(server, "calendar", *hungary).exit_code == 0
    assert date(2024, 8, 3) in list(client.list_calendars())[-1].workdays
    for arguments in (
        ["K", "--years", "2026"],
        ["K", days, "--country", "DE", "--years", "2026"],
        ["K", "--country", "XX", "--years", "2026"],
        ["K", days, "--years", "soon"],
    ):
        assert load(server, "calendar", *arguments).exit_code == 2
