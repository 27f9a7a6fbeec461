"""The wheels hold all they should, and run from an environment with nothing else in it."""

import email
import importlib.metadata
import json
import os
import select
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    "audit": ROOT / "audit",
    "client": ROOT / "client",
    "core": ROOT / "core_rs/python",
    "loaders": ROOT / "loaders",
    "server": ROOT / "server",
}
LICENSE = ROOT / "LICENSE"
BUILD_TIMEOUT_S = 1200
TIMEOUT_S = 120
# A make that runs these tests must not lend its settings to the make that they run.
ENVIRON = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("MAKE", "MFLAGS", "PYTHON", "CREDITGATE"))
}
CALL = """
import sys
from creditgate.client import AccountUpsert, Client, CreditLimit

with Client(sys.argv[1]) as client:
    limit = CreditLimit.of(100_00)
    client.upsert_accounts([AccountUpsert(account_id="A-1", currency="EUR", limit=limit)])
    for order_id in ("O-1", "O-2"):
        print(client.check_and_reserve("A-1", order_id, 60_00, "EUR").decision)
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of each member, newly built, by the member's name."""
    folder = tmp_path_factory.mktemp("dist")
    # Stripping would link the core once more, for minutes, and changes nothing that is held here.
    command = ["make", "wheels", f"DIST={folder}", "STRIP="]
    subprocess.run(command, cwd=ROOT, env=ENVIRON, check=True, timeout=BUILD_TIMEOUT_S)
    return {path.name.split("-")[0].removeprefix("creditgate_"): path for path in folder.iterdir()}


class Environment:
    """A virtual environment with these wheels and what they say they need; nothing else."""

    def __init__(self, folder: Path, wheels: Iterable[Path]) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=TIMEOUT_S)
        purelib = self.run("python", "-c", "import sysconfig as s; print(s.get_path('purelib'))")
        copy_needs(wheels, Path(purelib.strip()))
        # Without an index: what a wheel needs must be here already, and pip checks that it is.
        self.run("python", "-m", "pip", "--isolated", "install", "-q", "--no-index", *wheels)

    def run(self, program: str, *arguments: str | Path) -> str:
        """Run a program of the environment, outside the repository; returns what it printed."""
        result = subprocess.run(
            [self.folder / "bin" / program, *arguments],
            cwd=self.folder,
            env=ENVIRON,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=TIMEOUT_S,
        )
        return result.stdout

    @contextmanager
    def serve(self) -> Iterator[str]:
        """A server on a new store; gives its address, and ends it as an operator would."""
        command = [str(self.folder / "bin/creditgate"), "serve", "--listen", "127.0.0.1:0"]
        command += ["--metrics", "", "--store", "store"]
        with subprocess.Popen(
            command, cwd=self.folder, env=ENVIRON, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stdout is not None
                assert select.select([server.stdout], [], [], TIMEOUT_S)[0], "no word from it"
                yield json.loads(server.stdout.readline())["address"]
                server.terminate()
                assert server.wait(TIMEOUT_S) == 0
            finally:
                server.kill()


def needs_of(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith("dist-info/METADATA")]
        lines = archive.read(metadata).decode().splitlines()
    return [line.removeprefix("Requires-Dist: ") for line in lines if "Requires-Dist: " in line]


def applying(needs: Iterable[str], extra: str = "") -> list[Requirement]:
    """Those that apply here, where this extra of what needs them was asked for."""
    requirements = map(Requirement, needs)
    return [it for it in requirements if it.marker is None or it.marker.evaluate({"extra": extra})]


def copy_needs(wheels: Iterable[Path], target: Path) -> None:
    """Copy what the wheels need, and what that needs, from this environment: no network."""
    pending = [need for wheel in wheels for need in applying(needs_of(wheel))]
    seen: set[tuple[str, str]] = set()
    while pending:
        need = pending.pop()
        asked = {(need.name, extra) for extra in ("", *need.extras)} - seen
        if not asked or need.name.startswith("creditgate-"):
            continue
        seen |= asked
        distribution = importlib.metadata.distribution(need.name)
        for _, extra in asked:
            pending += applying(distribution.requires or [], extra)
        for file in distribution.files or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (target / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target / file)


def test_wheels_hold_what_they_should(wheels: dict[str, Path]) -> None:
    assert wheels.keys() == SOURCES.keys()
    for member, wheel in wheels.items():
        abi3 = member == "core"
        assert ("-cp311-abi3-" if abi3 else "-py3-none-any") in wheel.name
        with zipfile.ZipFile(wheel) as archive:
            held = {name for name in archive.namelist() if not name.endswith("/")}
        assert ("creditgate/core/_core.abi3.so" in held) == abi3
        folder = SOURCES[member]
        sources = {
            str(path.relative_to(folder))
            for path in folder.glob("creditgate/**/*")
            if path.is_file() and path.suffix not in {".pyc", ".so"}
        }
        packaged = {name for name in held if ".dist-info/" not in name and ".so" not in name}
        assert packaged == sources, member


def test_wheels_say_what_they_are_and_may_be_used_for(wheels: dict[str, Path]) -> None:
    for member, wheel in wheels.items():
        with zipfile.ZipFile(wheel) as archive:
            names = {name.partition(".dist-info/")[2]: name for name in archive.namelist()}
            metadata = email.message_from_bytes(archive.read(names["METADATA"]))
            assert archive.read(names["licenses/LICENSE"]) == LICENSE.read_bytes(), member
        assert metadata["License-Expression"] == "Apache-2.0"
        assert "creditgate" in metadata["Summary"]
        assert "creditgate" in str(metadata.get_payload()), "the description"


@pytest.fixture(scope="module")
def whole(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("whole"), wheels.values())


def test_server_and_client_run_from_wheels(whole: Environment) -> None:
    with whole.serve() as address:
        assert whole.run("python", "-c", CALL, address).split() == ["APPROVED", "DECLINED"]


def test_commands_register_themselves(whole: Environment) -> None:
    commands = whole.run("creditgate", "--help")
    assert "serve" in commands
    assert "load" in commands
    assert "audit" in commands


def test_client_is_installed_without_the_core(wheels: dict[str, Path], tmp_path: Path) -> None:
    alone = Environment(tmp_path, [wheels["client"]])
    assert "serve" not in alone.run("creditgate", "--help").split()
    found = alone.run(
        "python",
        "-c",
        "import creditgate.client, importlib.util as u; print(u.find_spec('creditgate.core'))",
    )
    assert found.split() == ["None"]
