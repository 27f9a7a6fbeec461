"""Options of `creditgate sync ...`: the file, above it the environment, above that the flags."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from creditgate.client.cli import main
from creditgate.loaders.running.settings import SourceCommand
from creditgate.loaders.sync_cli import sync


@click.command("test", cls=SourceCommand)
@click.option("--window-s", type=click.IntRange(1, 100), default=7)
@click.option("--listen", default="here")
@click.option("--config", envvar="CREDITGATE_CONFIG", default=None)
@click.option("--address", envvar="CREDITGATE_ADDRESS", default="there")
def command(window_s: int, listen: str, config: str | None, address: str) -> None:
    """Says what it was told."""
    click.echo(f"{window_s} {listen} {address}")


def run(folder: Path, *arguments: str, **environment: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner(env=environment).invoke(command, arguments)


def test_the_later_source_wins(tmp_path: Path) -> None:
    assert run(tmp_path).output == "7 here there\n"
    (tmp_path / "creditgate.toml").write_text(
        '[client]\naddress = "x"\n[sync.test]\nwindow_s = 20\nlisten = "file"\n'
        "[sync.other]\na = 1\n"
    )
    assert run(tmp_path).output == "20 file there\n"
    (tmp_path / "other.toml").write_text("[sync.test]\nwindow_s = 30\n")
    assert run(tmp_path, "--config", "other.toml").output == "30 here there\n"
    assert run(tmp_path, CREDITGATE_CONFIG="other.toml").output == "30 here there\n"
    environment = {"CREDITGATE_SYNC_TEST_WINDOW_S": "40"}
    assert run(tmp_path, **environment).output == "40 file there\n"
    assert run(tmp_path, "--window-s", "50", **environment).output == "50 file there\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sync.test]\nwindow = 3\n", "sync.test.window: unknown key; known are: window_s, listen"),
        ("[sync.test]\naddress = 'x'\n", "sync.test.address: unknown key"),
        ("[sync.test]\nwindow_s = 101\n", "101 is not in the range"),
        ("[sync]\ntest = 3\n", "must have a section [sync.test]"),
        ("sync = 3\n", "must have a section [sync.test]"),
        ("nonsense", "not TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "creditgate.toml").write_text(text)
    result = run(tmp_path)
    assert (result.exit_code, said in " ".join(result.output.split())) == (2, True), result.output


def test_what_is_wrong_elsewhere_is_refused(tmp_path: Path) -> None:
    unknown = run(tmp_path, CREDITGATE_SYNC_TEST_WINDOW="3")
    assert unknown.exit_code == 2
    assert (
        "CREDITGATE_SYNC_TEST_WINDOW: unknown; known are: CREDITGATE_SYNC_TEST_" in unknown.output
    )
    missing = run(tmp_path, "--config", "none.toml")
    assert (missing.exit_code, "No such file" in missing.output) == (2, True)


@pytest.mark.parametrize(
    ("listen", "said"),
    [
        ("0.0.0.0:0", "only a loopback address is accepted"),
        ("shop:80", "must be HOST:PORT"),
        ("127.0.0.1:70000", "must be HOST:PORT"),
    ],
)
def test_a_receiver_listens_where_it_may(tmp_path: Path, listen: str, said: str) -> None:
    (tmp_path / "secrets.toml").touch()
    options = ["--state", str(tmp_path / "s"), "--secrets", str(tmp_path / "secrets.toml")]
    result = CliRunner().invoke(sync, ["gateway", *options, "--listen", listen])
    assert (result.exit_code, said in " ".join(result.output.split())) == (2, True), result.output
    assert not (tmp_path / "s").exists()


def test_feeds_that_would_take_nothing_are_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(sync, ["feeds", "--state", str(tmp_path / "s")])
    assert (result.exit_code, "--secrets, --drop or both" in result.output) == (2, True)


@pytest.mark.parametrize(
    "words",
    [["sync", "ledger"], ["sync", "install"], ["reconcile"], ["recalc"], ["quality"],
     ["payment-history"]],
)  # fmt: skip
def test_where_the_ledger_is_stands_in_file_environment_or_flag(
    tmp_path: Path, words: list[str]
) -> None:
    def asks(said: str, *arguments: str, **environment: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            result = CliRunner(env=environment).invoke(main, [*words, *arguments])
        assert said in " ".join(result.output.split()), result.output

    file, mapping = tmp_path / "creditgate.toml", tmp_path / "ours.toml"
    mapping.write_text("nonsense")
    environment = {"CREDITGATE_SYNC_LEDGER_LEDGER": "of_environment"}
    file.write_text("[sync.ledger]\nledger = 'of_file'\nmapping = 'ours.toml'\nonce = true\n")
    asks("ours.toml: Expected '='")
    file.write_text("[sync.ledger]\nledger = 'of_file'\n")
    asks("ours.toml: Expected '='", CREDITGATE_SYNC_LEDGER_MAPPING="ours.toml")
    # None of these says where a database is, so each is refused with what it is.
    asks('missing "=" after "of_file"')
    asks('missing "=" after "of_environment"', **environment)
    asks('missing "=" after "of_flag"', "--ledger", "of_flag", **environment)
