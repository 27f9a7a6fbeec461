"""The nightly jobs do their work as cron would start them."""

import fcntl
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from creditgate.client import Client, EntryKind, LedgerEntry
from creditgate.loaders.ledger import mapping
from creditgate.loaders.scoring import scorecard
from tests.support.books import Books
from tests.support.ledger import SyncProcess
from tests.support.server import ServerProcess

CRONTAB = Path(__file__).parents[2] / "deploy/creditgate.crontab"
TIMEOUT_S = 120

_SETTING = re.compile(r"(\w+)=(.*)")
_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
"""Minute, hour, day of the month, month, weekday."""

CUSTOMER = """
INSERT INTO customers (account_id, display_name, currency) VALUES ('A', 'Acme', 'USD');
INSERT INTO limits (account_id, limit_kind, limit_amount, reviewed_on)
    VALUES ('A', 'amount', 1000, current_date);
INSERT INTO invoices (invoice_id, account_id, currency, amount, issue_date, due_date)
    SELECT 'I-' || n, 'A', 'USD', 400 + n, current_date - 30 * n, current_date - 30 * n + 30
    FROM generate_series(1, 12) AS n;
"""


class Job(NamedTuple):
    """One line: when, as whom, what."""

    times: tuple[str, ...]
    user: str
    command: str

    @property
    def minute_of_day(self) -> int:
        minute, hour = map(int, self.times[:2])
        return 60 * hour + minute


def read(text: str) -> tuple[dict[str, str], dict[str, Job]]:
    """The settings and the jobs of a system's crontab, these by the creditgate command."""
    settings: dict[str, str] = {}
    jobs: dict[str, Job] = {}
    for line in filter(None, text.splitlines()):
        if line.startswith("#"):
            continue
        if setting := _SETTING.fullmatch(line):
            settings[setting[1]] = setting[2].strip('"')
            continue
        *times, user, command = line.split(maxsplit=6)
        assert len(times) == len(_FIELDS), line
        for field, (least, most) in zip(times, _FIELDS, strict=True):
            assert field == "*" or least <= int(field) <= most, line
        assert re.fullmatch(r"[a-z][a-z0-9-]*", user), line
        assert command.startswith("flock -n "), line
        # Cron ends the command there and gives it the rest as its input.
        assert "%" not in command, line
        name = re.search(r" creditgate (\w+) ", command)
        assert name is not None, line
        assert name[1] not in jobs, line
        jobs[name[1]] = Job(tuple(times), user, command)
    return settings, jobs


SETTINGS, JOBS = read(CRONTAB.read_text())


class Night:
    """What cron makes of the file, with files and folders, ledger and server of the test."""

    def __init__(self, books: Books, server: ServerProcess, folder: Path) -> None:
        config = folder / "creditgate.toml"
        config.write_text(f'[client]\naddress = "{server.address}"\n')
        ours = {
            "CREDITGATE_CONFIG": config,
            "LEDGER": books.conninfo,
            "MAPPING": mapping.REFERENCE,
            "SCORECARD": scorecard.REFERENCE,
            "PATH": f"{Path(sys.executable).parent}:{SETTINGS['PATH']}",
        }
        folders = {name: folder / name.lower() for name in ("STATE", "LOGS", "REPORTS")}
        for path in folders.values():
            path.mkdir()
        self.state, self.logs, self.reports = folders.values()
        self._environment = SETTINGS | {k: str(v) for k, v in (ours | folders).items()}

    def run(self, name: str) -> str:
        """What cron would send by mail."""
        done = subprocess.run(
            [SETTINGS["SHELL"], "-c", JOBS[name].command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=TIMEOUT_S, env={"HOME": str(self.state)} | self._environment, cwd=self.state,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def night(books: Books, server: ServerProcess, tmp_path: Path) -> Night:
    """A customer of a year in the ledger, and in the service what the ledger says."""
    books.execute(CUSTOMER)
    SyncProcess(books, server, tmp_path).once()
    folder = tmp_path / "night"
    folder.mkdir()
    return Night(books, server, folder)


def test_the_jobs_come_one_after_the_other_outside_the_hour_that_clocks_skip() -> None:
    assert list(JOBS) == ["quality", "recalc", "reconcile"]
    starts = [job.minute_of_day for job in JOBS.values()]
    assert starts == sorted(set(starts))
    assert all(start >= 3 * 60 for start in starts)
    assert {job.times[2:] for job in JOBS.values()} == {("*", "*", "*")}
    assert {job.user for job in JOBS.values()} == {"creditgate"}


@pytest.mark.parametrize(
    "line",
    [
        "5 24 * * * creditgate flock -n x creditgate quality --json",
        "5 3 * * creditgate flock -n x creditgate quality --json",
        "5 3 * * * flock -n x creditgate quality --json",
        '5 3 * * * creditgate flock -n x creditgate quality --csv "$(date +%F).csv"',
    ],
)
def test_a_line_that_cron_would_not_take_is_noticed(line: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        read(line)


def test_every_job_does_its_work_and_is_silent(night: Night) -> None:
    for name in JOBS:
        assert night.run(name) == ""
    assert "<h1>" in (night.reports / "quality.html").read_text()
    assert (night.reports / "quality.csv").read_text().startswith("code,")
    assert (night.logs / "quality.jsonl").exists()
    assert '"accounts":1' in (night.logs / "recalc.jsonl").read_text()
    assert '"differences":[]' in (night.logs / "reconcile.jsonl").read_text()


def test_a_job_that_fails_says_so(night: Night, books: Books, server: ServerProcess) -> None:
    unknown = LedgerEntry(
        entry_id="D-1", account_id="A", kind=EntryKind.INVOICE, amount_minor=5, currency="USD",
        invoice_id="D-1",
    )  # fmt: skip
    with Client(server.address) as client:
        client.post_entries("elsewhere", [unknown])
    assert night.run("reconcile") == "reconcile: exit code 1\n"
    assert '"D-1"' in (night.logs / "reconcile.jsonl").read_text()
    books.execute("UPDATE invoices SET due_date = issue_date - 1 WHERE invoice_id = 'I-1'")
    assert night.run("quality") == "quality: exit code 1\n"
    server.terminate()
    said = night.run("recalc")
    assert "Connection refused" in said
    assert said.endswith("recalc: exit code 3\n")


def test_a_job_that_still_runs_is_not_started_again(night: Night) -> None:
    for name in JOBS:
        held = os.open(night.state / f"{name}.lock", os.O_RDONLY | os.O_CREAT)
        fcntl.flock(held, fcntl.LOCK_EX)
        assert night.run(name) == f"{name}: exit code 75\n"
        os.close(held)
    assert not list(night.reports.iterdir())
