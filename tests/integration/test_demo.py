"""`make demo`, as a newcomer runs it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

from demo import rules
from demo.cluster import is_installed
from demo.errors import DemoError

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PATIENCE_S = 300

ACCOUNTS = """\
account_id,currency,limit_kind,limit_amount
A,EUR,amount,100.00
B,EUR,no_credit,
"""
ENTRIES = """\
entry_id,account_id,kind,amount,currency,invoice_id
1,A,opening_balance,40.00,EUR,I0
2,GONE,opening_balance,1.00,EUR,
"""
ORDERS = """\
time,channel,action,account_id,currency,order_id,amount,invoice_id,allow_partial
08:00:00,web,order,A,EUR,O1,50.00,,no
08:00:01,pos,order,B,EUR,O2,1.00,,no
08:00:02,pos,ship,B,EUR,O2,1.00,,no
09:00:00,dock,ship,A,EUR,O1,30.00,I1,no
09:10:00,web,change,A,EUR,O1,45.00,,no
09:20:00,web,cancel,A,EUR,O1,,,no
09:30:00,web,cancel,A,EUR,O1,5.00,,no
10:00:00,ledger,invoice,A,EUR,O1,30.00,I1,no
10:00:01,pos,order,GONE,EUR,O3,1.00,,no
10:00:02,dock,ship,GONE,EUR,O3,,,no
10:00:03,dock,ship,A,EUR,O1,,,no
"""


CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("CREDITGATE_")}


def demo(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "demo", *map(str, arguments)],
        check=False, capture_output=True, text=True, timeout=PATIENCE_S, cwd=ROOT,
        env=CLEAN | variables,
    )  # fmt: skip


def running(folder: Path) -> list[str]:
    """The command lines of all processes that name the folder."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it may have ended since
            lines.append(file.read_bytes().replace(b"\0", b" ").decode())
    return [line for line in lines if str(folder) in line]


def cells(output: str) -> list[list[str]]:
    """The rows of all tables in the output."""
    lines = (re.sub("[┃┡┏┗┠]", "│", line) for line in output.splitlines())
    return [[cell.strip() for cell in line.strip("│ ").split("│")] for line in lines if "│" in line]


def test_the_sample_day() -> None:
    done = demo()
    assert done.returncode == 0, done.stdout + done.stderr
    out = done.stdout
    assert re.search(r"all [\d,]+ counters of 165 accounts are equal", out), out
    for reason in (
        "ACCOUNT_SUSPENDED",
        "NO_CREDIT_LIMIT",
        "LIMIT_EXPIRED",
        "MAX_ORDER_AMOUNT_EXCEEDED",
        "INSUFFICIENT_CREDIT",
    ):
        assert any(row[0] == reason for row in cells(out)), out
    total = next(row for row in cells(out) if row[0] == "all" and row[1] == "2,400")
    assert all(int(count.replace(",", "")) > 0 for count in total[1:])
    assert re.search(r"due 20\d\d-\d\d-\d\d under 2/10 net 30; [\d.,]+ less if paid by 20", out), (
        out
    )
    assert "p50" in out
    assert "p99" in out
    shown = re.search(r"▸ An order that each common rule.*?\n\n", README.read_text(), re.DOTALL)
    assert shown
    printed = iter(out.splitlines())
    for line in shown[0].replace("…\n", "").splitlines():
        assert any(found.rstrip() == line for found in printed), f"README.md shows {line!r}\n{out}"
    assert "\x1b" not in out, "no escape codes where there is no terminal"
    assert done.stderr == ""


def test_an_order_that_its_rule_lets_through_ends_the_demo(tmp_path: Path) -> None:
    lenient = rules.POLICY.read_text().replace('"5000.00 USD"', '"6000.00 USD"')
    with pytest.raises(DemoError) as caught:
        asyncio.run(rules.play(Console(quiet=True), tmp_path, lenient))
    assert str(caught.value).splitlines()[1:] == ["maximum-order: APPROVED"]


def test_files_of_ones_own(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    texts = {"accounts.csv": ACCOUNTS, "entries.csv": ENTRIES, "orders.csv": ORDERS}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    temporary = tmp_path_factory.mktemp("temporary")
    done = demo("--data", tmp_path, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = cells(done.stdout)
    assert ["web", "1", "1", "·", "·"] in rows
    assert ["pos", "2", "·", "1", "1"] in rows
    assert ["all", "3", "1", "1", "1"] in rows
    assert ["NO_CREDIT_LIMIT", "1", "1"] in rows
    assert ["ACCOUNT_NOT_FOUND", "1", "1"] in rows
    assert ["ship", "refused: NOTHING_OPEN", "1"] in rows
    assert "NOTHING_OPEN: all that was reserved" in done.stdout
    assert re.search(r"duration_ms +[\d.]+\n", done.stdout)
    assert ["ship", "done", "1"] in rows
    assert ["change", "approved", "1"] in rows
    assert ["ship", "left out: its order was not taken", "2"] in rows
    assert ["cancel", "refused: RELEASE_EXCEEDS_OPEN", "1"] in rows
    assert ["invoice", "done", "1"] in rows
    # 40 before; the order's 30 were shipped and billed, its other 15 cancelled.
    assert ["EUR before", "40.00", "0.00", "0.00", "40.00"] in rows
    assert ["EUR after", "70.00", "0.00", "0.00", "70.00"] in rows
    assert "line 3: ACCOUNT_NOT_FOUND: " in done.stdout
    [kept] = temporary.iterdir()
    assert f"Rejected rows are kept in {kept}\n" in done.stdout
    assert [path.name for path in kept.iterdir()] == ["entries.csv.rejected.csv"]
    assert "counters of 3 accounts are equal" in done.stdout
    # The folder is the user's: nothing was written there.
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(texts)


@pytest.mark.parametrize(
    ("send", "number"),
    [
        (os.killpg, signal.SIGINT),
        (os.kill, signal.SIGINT),
        (os.kill, signal.SIGTERM),
        (os.kill, signal.SIGHUP),
    ],
    ids=["Ctrl-C", "SIGINT", "SIGTERM", "SIGHUP"],
)
def test_a_demo_that_is_ended_leaves_nothing_behind(
    tmp_path: Path, send: Callable[[int, int], None], number: int
) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "demo"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, cwd=ROOT, env={**CLEAN, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        process_group=0,
    )  # fmt: skip
    with started:
        assert started.stdout is not None
        assert any("Playing" in line for line in started.stdout)
        assert len(running(tmp_path)) == 1, "the server"
        send(started.pid, number)
        assert "Traceback" not in started.stdout.read()
        assert started.wait(PATIENCE_S) == 1
    assert running(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text", "code", "message"),
    [
        ("orders.csv", None, 1, "{} has no orders.csv"),
        ("orders.csv", "time,channel\n", 1, "{}/orders.csv: required column 'action' is missing"),
        (
            "orders.csv",
            ORDERS + "25:00:00,web,order,A,EUR,O,1,,no\n",
            1,
            "{}/orders.csv: 1 row breaks a rule: line 13: FIELD_INVALID: time '25:00:00'",
        ),
        (
            "orders.csv",
            ORDERS.partition("\n")[0] + "\n",
            2,
            "{}/orders.csv holds no events: there is nothing to play",
        ),
        ("accounts.csv", "id\n", 1, "{}/accounts.csv: unknown column 'id'"),
    ],
)
def test_files_that_cannot_be_played(
    tmp_path: Path, name: str, text: str | None, code: int, message: str
) -> None:
    texts = {"accounts.csv": ACCOUNTS, "entries.csv": ENTRIES, "orders.csv": ORDERS, name: text}
    for file_name, content in texts.items():
        if content is not None:
            (tmp_path / file_name).write_text(content)
    done = demo("--data", tmp_path)
    assert done.returncode == code
    assert "The demo ended early" in done.stdout
    assert message.format(tmp_path) in " ".join(done.stdout.split())


@pytest.mark.skipif(not is_installed(), reason="PostgreSQL 15 is not installed")
def test_a_ledger_is_kept_in_step() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo.ledger"], cwd=ROOT, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False, env=os.environ | {"COLUMNS": "100"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line.strip("│ ") for line in done.stdout.splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in line.split("│")] for line in told]
    assert [row[:2] for row in cells] == [
        ["900.00 of 1,000.00 USD are owed", "DECLINED INSUFFICIENT_CREDIT"],
        ["the invoice is paid", "APPROVED"],
        ["a bureau files a flag", "DECLINED BUREAU_SUSPENSION"],
        ["the flag is lifted", "APPROVED"],
    ]
    assert "Reconciled: 1,999 accounts, 9,000 open items, 0 differences." in done.stdout
