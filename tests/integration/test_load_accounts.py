"""Accounts, segments and limits from files, on a real server."""

import asyncio
import csv
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from creditgate.client import AsyncClient, Client, CreditLimit, LimitLevel, LimitSource
from creditgate.client.cli import main
from creditgate.loaders import load
from creditgate.loaders.dead_letters import default_path
from creditgate.loaders.load import FileLoad
from creditgate.loaders.tally import Tally
from tests.support.server import ServerProcess

Make = Callable[[AsyncClient, Path], FileLoad[Any]]
Run = Callable[[Make, str], Tally]

LIMITS = "account_id,currency,limit_kind,limit_amount,limit_valid_until"


@pytest.fixture
def run(server: ServerProcess, tmp_path: Path) -> Run:
    """Loads text as a file."""

    def load_text(make: Make, text: str) -> Tally:
        path = tmp_path / "rows.csv"
        path.write_text(text)

        async def load_file() -> Tally:
            async with AsyncClient(server.address) as client:
                return await make(client, path).run()

        return asyncio.run(load_file())

    return load_text


def rejections(tmp_path: Path) -> list[tuple[str, str, str, str]]:
    with default_path(tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [(row["line"], row["field"], row["value"], row["reason"]) for row in rows]


ACCOUNTS = """\
account_id,display_name,currency,parent_account_id,segment_id,limit_kind,limit_amount,\
limit_valid_until,max_order_amount
G,Gruppe Süd,EUR,,,amount,100000.00,,
G1,"Bäcker, Ost",EUR,G,shops,inherit,,,
G2,,EUR,G,,amount,0,2099-12-31,250.50
N,,JPY,,,no_credit,,,
U,,USD,,,unlimited,,,
"""


def test_accounts_and_segments(run: Run, client: Client) -> None:
    segments = "segment_id,currency,limit_kind,limit_amount\nshops,EUR,amount,500\n"
    assert run(load.segments, segments).outcomes == {"created": 1}
    tally = run(load.accounts, ACCOUNTS)
    assert (tally.read, tally.loaded, tally.outcomes["created"]) == (5, 5, 5)

    child = client.get_account("G1")
    assert (child.display_name, child.parent_account_id) == ("Bäcker, Ost", "G")
    position = client.get_position("G1")
    assert position.limit_source is LimitSource.SEGMENT
    assert position.effective_limit == CreditLimit.of(500_00)
    second = client.get_account("G2")
    assert second.limit == CreditLimit.of(0, valid_until=date(2099, 12, 31))
    assert second.max_order_amount_minor == 250_50
    assert client.get_account("N").limit == CreditLimit.no_credit()
    assert client.get_account("U").limit == CreditLimit.unlimited()

    before = list(client.list_accounts())
    assert run(load.segments, segments).outcomes == {"unchanged": 1}
    again = run(load.accounts, ACCOUNTS)
    assert again.outcomes == {"unchanged": 5}
    assert list(client.list_accounts()) == before


def test_shared_limits_of_groups(run: Run, client: Client) -> None:
    columns = "account_id,currency,parent_account_id,limit_kind,shared_limit_kind,"
    accounts = columns + (
        "shared_limit_amount\nG,EUR,,unlimited,amount,100.50\nG1,EUR,G,unlimited,,\n"
    )
    assert run(load.accounts, accounts).outcomes == {"created": 2}
    assert client.get_account("G").shared_limit_minor == 100_50
    position = client.get_position("G1")
    assert (position.available_minor, position.bound_by) == (100_50, LimitLevel("G"))
    assert run(load.accounts, accounts).outcomes == {"unchanged": 2}
    limits = "account_id,currency,limit_kind,shared_limit_kind\nG,EUR,unlimited,unlimited\n"
    assert run(load.limits, limits).outcomes == {"updated": 1}
    assert client.get_position("G1").available_minor is None
    segments = "segment_id,currency,cap_kind,cap_amount\nshops,EUR,amount,40\n"
    assert run(load.segments, segments).outcomes == {"created": 1}
    run(load.accounts, "account_id,currency,segment_id\nG1,EUR,shops\n")
    assert client.get_position("G1").bound_by == LimitLevel(segment_id="shops")


def test_absent_cells_keep_what_the_account_has(run: Run, client: Client) -> None:
    run(
        load.accounts,
        "account_id,currency,display_name,limit_kind,limit_amount\nA,EUR,N,amount,5\n",
    )
    tally = run(load.accounts, "account_id,currency,display_name,limit_kind\nA,EUR,New,\n")
    assert tally.outcomes == {"updated": 1}
    account = client.get_account("A")
    assert (account.display_name, account.limit) == ("New", CreditLimit.of(500))


def test_refused_rows_leave_the_others_alone(run: Run, client: Client, tmp_path: Path) -> None:
    run(load.accounts, "account_id,currency\nOLD,USD\n")
    tally = run(
        load.accounts,
        "account_id,currency,segment_id,parent_account_id\n"
        "A1,EUR,,\n"
        "A2,EUR,nowhere,\n"
        "A3,EUR,,nobody\n"
        "A4,EUR,,OLD\n"
        "OLD,EUR,,\n"
        "A6,euro,,\n"
        "A7,EUR,,A1\n",
    )
    assert (tally.read, tally.loaded, tally.rejected) == (7, 2, 5)
    assert rejections(tmp_path) == [
        ("3", "segment_id", "nowhere", "SEGMENT_NOT_FOUND"),
        ("4", "parent_account_id", "nobody", "ACCOUNT_NOT_FOUND"),
        ("5", "parent_account_id", "OLD", "PARENT_CURRENCY_MISMATCH"),
        ("6", "currency", "EUR", "CURRENCY_FIXED"),
        ("7", "currency", "euro", "FIELD_INVALID"),
    ]
    assert [account.account_id for account in client.list_accounts()] == ["OLD", "A1", "A7"]


def test_more_accounts_than_one_request_holds(run: Run, client: Client) -> None:
    # Each account's parent is the row before, also across requests, seven deep.
    lines = [f"A{i},EUR,{f'A{i - 1}' if i % 7 else ''}" for i in range(2_500)]
    text = "\n".join(["account_id,currency,parent_account_id", *lines, ""])
    assert run(load.accounts, text).outcomes == {"created": 2_500}
    assert client.get_account("A2498").parent_account_id == "A2497"
    assert sum(1 for _ in client.list_accounts(page_size=1_000)) == 2_500


def test_limits_change_accounts_that_exist(run: Run, client: Client, tmp_path: Path) -> None:
    run(load.accounts, "account_id,currency\nA,EUR\nB,JPY\nC,EUR\n")
    text = (
        f"{LIMITS}\n"
        "A,EUR,amount,1000.50,2099-01-31\n"
        "NEW,EUR,amount,5,\n"
        "B,EUR,amount,5,\n"
        "NEW,EUR,unlimited,,\n"
        "C,EUR,no_credit,,\n"
    )
    tally = run(load.limits, text)
    assert tally.outcomes == {"updated": 2}
    assert rejections(tmp_path) == [
        ("3", "account_id", "NEW", "ACCOUNT_NOT_FOUND"),
        ("4", "currency", "EUR", "CURRENCY_FIXED"),
        ("5", "account_id", "NEW", "DUPLICATE_ROW"),
    ]
    assert client.get_account("A").limit == CreditLimit.of(1000_50, valid_until=date(2099, 1, 31))
    assert client.get_account("C").limit == CreditLimit.no_credit()
    assert [account.account_id for account in client.list_accounts()] == ["A", "B", "C"]

    before = list(client.list_accounts())
    assert run(load.limits, text).outcomes == {"unchanged": 2}
    assert list(client.list_accounts()) == before


def test_a_file_that_names_an_account_twice_changes_nothing_when_loaded_again(
    run: Run, client: Client
) -> None:
    run(load.accounts, "account_id,currency\nA,EUR\n")
    text = "account_id,currency,limit_kind,limit_amount\nA,EUR,amount,2000\nA,EUR,amount,1500\n"
    assert run(load.limits, text).outcomes == {"updated": 1}
    again = run(load.limits, text)
    assert (again.outcomes, again.rejected) == ({"unchanged": 1}, 1)
    assert client.get_account("A").limit == CreditLimit.of(2000_00)


def test_an_interrupted_load_says_how_far_it_came(server: ServerProcess, tmp_path: Path) -> None:
    pipe = tmp_path / "endless"
    os.mkfifo(pipe)
    # Whoever runs the tests in the background has SIGINT ignored, and so would the command.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = f"{heard}; from creditgate.client.cli import main; main()"
    started = subprocess.Popen(
        [sys.executable, "-c", command, "load", "accounts", pipe, "--address", server.address],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with started:
        with suppress(BrokenPipeError), pipe.open("w") as rows:
            rows.write("account_id,currency\n")
            for number in range(2_000_000):
                rows.write(f"A{number},EUR\n")
                # More than a pipe holds: the load is well under way.
                if number == 20_000:
                    started.send_signal(signal.SIGINT)
        out, err = started.communicate()
    assert started.returncode == 130
    assert "endless: stopped" in out
    counts = re.findall(r"(read|created|not answered) *│ *([\d,]+)", out)
    found = {name: int(count.replace(",", "")) for name, count in counts}
    assert 0 < found["created"] <= found["read"]
    assert "loading the file again does no harm" in err
    assert "Traceback" not in err


def command(server: ServerProcess, *arguments: str | Path) -> Result:
    runner = CliRunner()
    return runner.invoke(main, ["load", *map(str, arguments), "--address", server.address])


def test_the_command(server: ServerProcess, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text("account_id,currency\nA,EUR\nB,EUR\n")
    dry = command(server, "accounts", path, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert list(client.list_accounts()) == []
    done = command(server, "accounts", path)
    assert done.exit_code == 0, done.output
    assert [account.account_id for account in client.list_accounts()] == ["A", "B"]

    entries = tmp_path / "entries.csv"
    entries.write_text(
        "entry_id,account_id,kind,amount,currency\n"
        "1,A,opening_balance,12.34,EUR\n"
        "2,X,opening_balance,1,EUR\n"
    )
    mixed = command(server, "entries", entries, "--source", "erp")
    assert mixed.exit_code == 1, mixed.output
    assert "ACCOUNT_NOT_FOUND account_id" in mixed.output
    assert client.get_position("A").outstanding_minor == 12_34
