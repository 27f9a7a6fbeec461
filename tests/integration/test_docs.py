"""What the documentation shows as code does what it says."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from creditgate.audit.signed import new_key
from creditgate.client import Client
from creditgate.client.cli import main
from creditgate.loaders.queue.letters import LetterBox
from tests.conftest import StartServer
from tests.support.gateway import GatewayProcess
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]

# These name tools of others, too.
OTHERS_OPTIONS = {"performance", "schedule"}
PAGES = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))


def snippet(document: str) -> str:
    """The only Python example of a document."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    return str(code)


def run(code: str) -> str:
    """What a program prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def creditgate(server: ServerProcess, *arguments: str, folder: Path | None = None) -> str:
    """What the command prints, run against the server; a decline is no failure."""
    command = [str(Path(sys.executable).parent / "creditgate"), *arguments]
    command += ["--address", server.address]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, cwd=folder,
        env=os.environ | {"COLUMNS": "100"},
    )  # fmt: skip
    assert done.returncode == 0 or done.stdout.startswith(("DECLINED", "REFERRED")), done.stderr
    return done.stdout


def console_file(name: str) -> str:
    """The file that the README's console session shows."""
    (text,) = re.findall(rf"\$ cat {name}\n(.*?)\n\$", (ROOT / "README.md").read_text(), re.DOTALL)
    return f"{text}\n"


def test_the_examples_of_readme_and_journal_work(server: ServerProcess, tmp_path: Path) -> None:
    for kind, name in [("accounts", "accounts.csv"), ("entries", "opening.csv")]:
        (tmp_path / name).write_text(console_file(name))
        creditgate(server, "load", kind, str(tmp_path / name))
    creditgate(server, "reserve", "C1001", "ORDER-1", "125.00", "USD")
    creditgate(server, "position", "C1001")
    assert run(snippet("README.md").replace("127.0.0.1:50051", server.address)) == "shipped 12500"
    assert server.terminate() == 0
    told = run(snippet("docs/journal.md").replace("STORE", str(server.store)))
    assert told == "5 entries, whole"


def test_the_audit_that_compliance_reads_does_what_it_says(
    start_server: StartServer, tmp_path: Path
) -> None:
    """As the policy's; the server is stopped before its store is verified."""
    new_key(tmp_path / "audit-key")
    server = start_server(checkpoint_key=tmp_path / "audit-key")
    for name in ("audit-key", "audit-key.pub"):
        (tmp_path / name).rename(tmp_path / f"{name}.used")
    (tmp_path / "creditgate-store").symlink_to(server.store)
    sessions = re.findall(r"```console\n(.*?)```", (ROOT / "docs/audit.md").read_text(), re.DOTALL)
    commands = "".join(sessions).split("$ creditgate ")[1:]
    assert len(commands) > 5
    for shown in commands:
        command, *lines = shown.splitlines()
        if "audit verify" in command:
            server.terminate()
            (tmp_path / "audit-key.pub.used").rename(tmp_path / "audit-key.pub")
        done = subprocess.run(
            [str(Path(sys.executable).parent / "creditgate"), *shlex.split(command)],
            capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path,
            env=os.environ | {"COLUMNS": "200", "CREDITGATE_ADDRESS": server.address},
        )  # fmt: skip
        printed = iter(done.stdout.splitlines())
        for line in lines:
            assert any(found.rstrip() == line for found in printed), f"{line!r} of: {command}"


def test_whose_limits_they_are_is_as_it_says(server: ServerProcess, tmp_path: Path) -> None:
    """As the policy's; the files that the page shows stand in the working directory."""
    page = (ROOT / "docs/limits.md").read_text()
    (toml,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "limits.toml").write_text(toml)
    (nightly,) = re.findall(r"\$ cat nightly.csv\n(.*?)\n\$", page, re.DOTALL)
    (tmp_path / "nightly.csv").write_text(f"{nightly}\n")
    sessions = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    commands = "".join(sessions).split("$ creditgate ")[1:]
    assert len(commands) > 10
    for shown in commands:
        command, *lines = shown.splitlines()
        done = subprocess.run(
            [str(Path(sys.executable).parent / "creditgate"), *shlex.split(command)],
            capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path,
            env=os.environ | {"COLUMNS": "100", "CREDITGATE_ADDRESS": server.address},
        )  # fmt: skip
        assert done.returncode == 0 or done.stdout.startswith("DECLINED"), done.stderr
        printed = iter(done.stdout.splitlines())
        for line in filter(None, lines):
            if line.startswith("$ cat"):
                break
            assert any(found.rstrip() == line for found in printed), f"{line!r} of: {command}"


@pytest.mark.parametrize("page", ["approvals", "currencies", "loading", "policy", "terms"])
def test_what_finance_reads_does_what_it_says(
    server: ServerProcess, page: str, tmp_path: Path
) -> None:
    """Every line that the page shows is printed, in that order; other lines may be between."""
    text = (ROOT / "docs" / f"{page}.md").read_text()
    for name, file in re.findall(r"```toml\n# (\S+)\n(.*?)```", text, re.DOTALL):
        (tmp_path / name).write_text(file)
    for name, file in re.findall(r"```(?:csv|json) (\S+)\n(.*?)```", text, re.DOTALL):
        (tmp_path / name).write_text(file)
    sessions = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    commands = "".join(sessions).split("$ creditgate ")[1:]
    assert len(commands) > 5
    for shown in commands:
        command, *lines = shown.splitlines()
        shell = creditgate(server, *shlex.split(command), folder=tmp_path)
        printed = iter(shell.splitlines())
        for line in lines:
            assert any(found.rstrip() == line for found in printed), f"{line!r} of: {command}"


PLACES = {"/var/lib/creditgate": "state", "/srv/drop": "drop"}
"""Folders that the pages of the receivers name, and those of the test."""


class ShownReceiver(GatewayProcess):
    """A receiver as its page starts it: with the options and the secrets that it shows."""

    def __init__(self, page: str, name: str, folder: Path, server: str) -> None:
        self.command, self.path = name, {"gateway": "events", "feeds": "flags"}[name]
        (self.secrets_text,) = re.findall(r"```toml secrets.toml\n(.*?)```", page, re.DOTALL)
        (shown,) = re.findall(rf"^creditgate sync {name} (.+)$", page, re.MULTILINE)
        super().__init__(folder, server)
        words = shlex.split(in_folder(shown, folder))
        options = dict(zip(words[::2], words[1::2], strict=True))
        ours = {"address": server, "listen": "127.0.0.1:0", "health-port": 0}
        self._options = {key.removeprefix("--"): value for key, value in options.items()} | ours

    @property
    def secret(self) -> str:
        """What deliveries are signed with."""
        (secret,) = re.findall(r'secrets = \["(\w+)"\]', self.secrets_text)
        return str(secret)


def in_folder(shown: str, folder: Path) -> str:
    for place, name in PLACES.items():
        shown = shown.replace(place, str(folder / name))
    return shown


def is_shown(server: ServerProcess, page: str, folder: Path) -> None:
    """Runs the page's only session; every line of it is printed, in that order."""
    (session,) = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    commands = session.split("$ creditgate ")[1:]
    assert commands
    for shown in commands:
        command, *lines = in_folder(shown, folder).splitlines()
        printed = iter(creditgate(server, *shlex.split(command)).splitlines())
        for line in lines:
            assert any(found.rstrip() == line for found in printed), f"{line!r} of: {command}"


def test_a_gateway_is_connected_as_its_page_says(server: ServerProcess, tmp_path: Path) -> None:
    page = (ROOT / "docs/gateway.md").read_text()
    (event,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    with ShownReceiver(page, "gateway", tmp_path, server.address) as shop:
        assert shop.deliver(event.encode(), shop.secret).content["status"] == "accepted"
        with LetterBox(tmp_path / "state/gateway") as letters:
            eventually(lambda: bool(letters.list()))
        assert shop.terminate() == 0
    is_shown(server, page, tmp_path)
    # As the page goes on: once the account is there, the event is posted.
    server.api.open_account("C1001", 100_000)
    state = tmp_path / "state/gateway"
    creditgate(server, "deadletter", "replay", "gateway:shop", "evt_1", "--state", str(state))
    assert "-125.00 USD" in creditgate(server, "position", "C1001")


def test_a_bureau_is_connected_as_its_page_says(server: ServerProcess, tmp_path: Path) -> None:
    page = (ROOT / "docs/feeds.md").read_text()
    (record,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (file,) = re.findall(r"```csv flags.csv\n(.*?)```", page, re.DOTALL)
    server.api.open_account("C1001", 100_000)
    (tmp_path / "drop").mkdir()
    with ShownReceiver(page, "feeds", tmp_path, server.address) as feeds:
        assert feeds.deliver(record.encode(), feeds.secret, "radar").content["status"] == "accepted"
        (tmp_path / "drop/.flags.csv").write_text(file)
        (tmp_path / "drop/.flags.csv").rename(tmp_path / "drop/flags.csv")
        with Client(server.address) as client:
            for position in client.watch_positions(["C1001"], timeout_s=60):
                if len(position.holds) == 2:
                    break
        assert feeds.terminate() == 0
    is_shown(server, page, tmp_path)
    assert [path.name for path in (tmp_path / "drop/done").iterdir()] == ["flags.csv"]


def options_of(command: click.Command, context: click.Context) -> Iterator[str]:
    """Every option of a command and of those below it."""
    yield from context.help_option_names
    for param in command.params:
        yield from param.opts
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from options_of(found, context)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in OTHERS_OPTIONS])
def test_every_option_that_a_page_names_is_one(page: str) -> None:
    known = set(options_of(main, click.Context(main)))
    named = re.findall(r"(?<![\w-])--[a-z][a-z-]*", (ROOT / "docs" / f"{page}.md").read_text())
    assert set(named) <= known
