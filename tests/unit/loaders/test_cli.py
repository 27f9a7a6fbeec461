"""`creditgate load` on the command line, as far as it needs no server."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from creditgate.client.cli import main
from creditgate.loaders import rows


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["load", *map(str, arguments)])


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.csv"
    path.write_text("account_id,currency\nA1,EUR\nA2,EUR\n")
    return path


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("accounts", rows.ACCOUNTS),
        ("segments", rows.SEGMENTS),
        ("limits", rows.LIMITS),
        ("entries", rows.ENTRIES),
        ("terms", rows.TERMS),
        ("assignments", rows.ASSIGNMENTS),
        ("verifications", rows.VERIFICATIONS),
        ("scores", rows.SCORES),
        ("flags", rows.FLAGS),
        ("rates", rows.RATES),
    ],
)
def test_help_names_every_column(command: str, kind: rows.RowKind[object]) -> None:
    text = " ".join(invoke(command, "--help").output.split())
    required = text.partition("Required columns: ")[2].partition("Further columns: ")[0]
    further = text.partition("Further columns: ")[2]
    assert [column for column in kind.required if column not in required] == []
    optional = set(kind.columns) - set(kind.required)
    assert [column for column in optional if column not in further] == []


def test_a_dry_run_needs_no_server(accounts: Path) -> None:
    result = invoke("accounts", accounts, "--dry-run", "--address", "127.0.0.1:1")
    assert result.exit_code == 0, result.output
    assert "dry run, nothing sent" in result.output


def dry_run(path: Path, stderr: int) -> None:
    """`creditgate load accounts --dry-run` as a process, which asks where its stderr goes."""
    environment = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR"}}
    subprocess.run(
        [Path(sys.executable).with_name("creditgate"), "load", "accounts", path, "--dry-run"],
        check=True, stdout=subprocess.DEVNULL, stderr=stderr, env={**environment, "TERM": "xterm"},
    )  # fmt: skip


def test_progress_is_shown_on_a_terminal(accounts: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        dry_run(accounts, theirs)
        shown = os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "accounts.csv" in shown
    assert "100%" in shown


def test_progress_is_not_shown_elsewhere(accounts: Path, tmp_path: Path) -> None:
    said = tmp_path / "stderr"
    with said.open("w") as stderr:
        dry_run(accounts, stderr.fileno())
    assert said.read_text() == ""


def test_rejected_rows_are_told_by_the_exit_code(accounts: Path, tmp_path: Path) -> None:
    with accounts.open("a") as file:
        file.write("A3,euro\n")
    rejected = tmp_path / "bad.csv"
    result = invoke("accounts", accounts, "--dry-run", "--dead-letters", rejected)
    assert result.exit_code == 1
    assert "FIELD_INVALID currency" in result.output
    assert str(rejected) in result.output
    assert len(rejected.read_text().splitlines()) == 2
    assert not (tmp_path / "accounts.csv.rejected.csv").exists()


def test_a_dry_run_shows_rejected_rows_and_leaves_a_loads_alone(
    accounts: Path, tmp_path: Path
) -> None:
    of_a_load = tmp_path / "accounts.csv.rejected.csv"
    of_a_load.write_text("of a load\n")
    with accounts.open("a") as file:
        file.write("A3,euro\nA1,EUR\n")
    result = invoke("accounts", accounts, "--dry-run")
    assert result.exit_code == 1
    assert "line 4: FIELD_INVALID: currency 'euro': must be" in result.output
    assert "line 5: DUPLICATE_ROW: account_id 'A1': " in result.output
    assert of_a_load.read_text() == "of a load\n"


def test_json_tells_the_same(accounts: Path) -> None:
    result = invoke("accounts", accounts, "--dry-run", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "file": "accounts.csv",
        "result": "dry run, nothing sent",
        "read": 2,
        "valid": 2,
        "rejected": 0,
        "rejections": [],
        "not_answered": 0,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("accounts", "none.csv"), "'none.csv' does not exist"),
        (("accounts",), "Missing argument 'FILE'"),
        (("prices", "x.csv"), "No such command 'prices'"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], message: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_a_wrong_header_is_wrong_usage(accounts: Path) -> None:
    result = invoke("entries", accounts)
    assert result.exit_code == 2
    assert "required column 'entry_id' is missing" in result.output


def test_a_source_is_an_id(accounts: Path) -> None:
    result = invoke("entries", accounts, "--source", "x" * 65)
    assert result.exit_code == 2
    assert "must be at most 64 bytes" in result.output


def test_an_actor_that_cannot_be_sent(accounts: Path) -> None:
    result = invoke("accounts", accounts, "--actor", "é")
    assert result.exit_code == 2
    assert "actor is 'é'" in result.output


def test_a_server_that_is_not_there_stops_the_load(accounts: Path) -> None:
    result = invoke("accounts", accounts, "--address", "127.0.0.1:1", "--timeout", "0.2")
    assert result.exit_code == 3
    assert "not answered" in result.output
    assert "Start a server with `creditgate serve`" in result.output
    assert "run the load again" in result.output
