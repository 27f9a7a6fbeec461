import os
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from creditgate.server import streams
from creditgate.server.addresses import is_loopback, split_address
from creditgate.server.cli import serve
from creditgate.server.config import OPTIONS, Config, ConfigError, load


def refusal(
    file: Path | None = None,
    environment: dict[str, str] | None = None,
    flags: dict[str, str | None] | None = None,
) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file, environment or {}, flags or {})
    return str(caught.value)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_without_any_source_every_option_has_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None, {"CREDITGATE_ADDRESS": "the client's", "PATH": ""}, {}) == Config()


def test_flags_win_over_the_environment_and_that_over_the_file(toml: Path) -> None:
    toml.write_text(
        '[client]\nactor = "me"\n[serve]\nqueue_depth_max = 1\nstore = "file"\nclock = "manual"\n'
    )
    environment = {
        "CREDITGATE_SERVE_QUEUE_DEPTH_MAX": "2",
        "CREDITGATE_SERVE_STORE": "environment",
    }
    config = load(toml, environment, {"queue_depth_max": "3", "store": None})
    assert (config.queue_depth_max, config.store, config.clock) == (3, "environment", "manual")


def test_the_file_in_the_working_directory_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("creditgate.toml").write_text("[serve]\ndrain_grace_s = 77\n")
    assert load(None, {}, {}).drain_grace_s == 77


def test_what_is_unknown_is_refused(toml: Path) -> None:
    toml.write_text("[serve]\nqueue_dept_max = 1\n")
    assert f"{toml}: serve.queue_dept_max: unknown key; known are: store, " in refusal(toml)
    for line in ("store = 'x'", "[server]"):
        toml.write_text(line + "\n")
        assert "unknown; options stand in the section [serve]" in refusal(toml)
    toml.write_text("serve = 5\n")
    assert f"{toml}: serve = 5: must be a section [serve]" in refusal(toml)
    assert "environment: CREDITGATE_SERVE_STOER: unknown" in refusal(
        environment={"CREDITGATE_SERVE_STOER": "x"}
    )


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("queue_depth_max = 0", "queue_depth_max = 0: must be an integer from 1 to 1000000"),
        ("queue_depth_max = 1000001", "= 1000001: must be an integer from 1 to 1000000"),
        ('queue_depth_max = "5"', "= '5': must be an integer from 1 to 1000000"),
        ("queue_depth_max = 5.0", "= 5.0: must be an integer"),
        ("queue_depth_max = true", "= True: must be an integer"),
        ("journal_map_size_bytes = 1048577", "a multiple of 4096"),
        ('clock = "wall"', "clock = 'wall': must be one of system, manual"),
        ('store = ""', "store = '': must be text, not empty"),
        ("store = 5", "store = 5: must be text, not empty"),
        ('listen = "127.0.0.1"', "listen = '127.0.0.1': must be HOST:PORT"),
        ('listen = "example.com:1"', "must be localhost or an IP address"),
        ('insecure = "yes"', "insecure = 'yes': must be true or false"),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused(toml: Path, line: str, rule: str) -> None:
    toml.write_text(f"[serve]\n{line}\n")
    message = refusal(toml)
    assert message.startswith(f"{toml}: serve.")
    assert rule in message


def test_text_is_converted_for_the_environment_and_flags_only(toml: Path) -> None:
    assert load(None, {"CREDITGATE_SERVE_DRAIN_GRACE_S": "0"}, {}).drain_grace_s == 0
    assert "environment: CREDITGATE_SERVE_DRAIN_GRACE_S = '1s': must be" in refusal(
        environment={"CREDITGATE_SERVE_DRAIN_GRACE_S": "1s"}
    )
    assert "--drain-grace-s = '': must be" in refusal(flags={"drain_grace_s": ""})


def test_a_file_that_cannot_be_read_is_refused(toml: Path, tmp_path: Path) -> None:
    assert refusal(toml) == f"{toml}: no such file"
    assert "Is a directory" in refusal(tmp_path)
    toml.write_text("store = \n")
    assert f"{toml}: not TOML: " in refusal(toml)
    toml.write_bytes(b"store = '\xff'\n")
    assert f"{toml}: not TOML: " in refusal(toml)


@pytest.mark.parametrize(
    ("address", "host", "port", "loopback"),
    [
        ("127.0.0.1:50051", "127.0.0.1", 50051, True),
        ("127.9.9.9:0", "127.9.9.9", 0, True),
        ("localhost:65535", "127.0.0.1", 65535, True),
        ("[::1]:7", "::1", 7, True),
        ("0.0.0.0:1", "0.0.0.0", 1, False),
        ("[::]:1", "::", 1, False),
        ("192.168.0.1:1", "192.168.0.1", 1, False),
        ("[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", 1, False),
    ],
)
def test_addresses(address: str, host: str, port: int, loopback: bool) -> None:
    assert split_address(address) == (host, port)
    assert is_loopback(address) == loopback


@pytest.mark.parametrize(
    "address",
    [
        "", ":1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:٣", "example.com:1",
        "localhost.example.com:1", "[::1]", "unix:/tmp/x",
    ],
)  # fmt: skip
def test_all_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"must be"):
        split_address(address)


TLS = {"tls_certificate": "c", "tls_key": "k"}


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"listen": "0.0.0.0:1"}, "listen = 0.0.0.0:1: .* whoever reaches .* could move credit"),
        ({"listen": "0.0.0.0:1", **TLS}, r"without credentials \(access_tokens or access_keys\)"),
        ({"listen": "[::]:1", "access_keys": "k"}, "without transport security"),
        ({"listen": "0.0.0.0:1", **TLS, "access_keys": "k", "clock": "manual"}, "clock = manual"),
        ({"listen": "0.0.0.0:1", "insecure": "true", "clock": "manual"}, "clock = manual"),
        ({"metrics": "0.0.0.0:1"}, "metrics = 0.0.0.0:1: .* read the figures"),
        ({"metrics": "0.0.0.0:1", **TLS, "access_keys": "k"}, "metrics = 0.0.0.0:1: "),
        ({"tls_certificate": "c"}, "tls_certificate = c: needs tls_key too"),
        ({"tls_key": "k"}, "tls_key = k: needs tls_certificate too"),
        ({"tls_client_ca": "a"}, "tls_client_ca = a: needs tls_certificate too"),
        ({"access_issuer": "i", "access_tokens": "t"}, "access_issuer = i: needs access_keys too"),
        ({"access_audience": "a"}, "access_audience = a: needs access_keys too"),
        ({"access_rate_per_s": "1"}, "they need access_tokens or access_keys too"),
        ({"access_in_flight_max": "1"}, "they need access_tokens or access_keys too"),
        ({"access_burst": "1", "access_tokens": "t"}, "access_burst = 1: needs access_rate_per_s"),
    ],
)
def test_what_does_not_go_together_is_refused(flags: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        load(None, {}, flags)


def test_others_are_let_in_by_a_guarded_server_or_one_that_was_told_to() -> None:
    load(None, {}, {"listen": "0.0.0.0:1", **TLS, "access_tokens": "t"})
    load(None, {}, {"listen": "0.0.0.0:1", "metrics": "0.0.0.0:2", "insecure": "true"})
    load(None, {}, {"clock": "manual", "access_keys": "k"})


def test_who_is_known_has_so_many_calls_in_flight_unless_told_otherwise() -> None:
    assert not load(None, {}, {}).limits_callers
    config = load(None, {}, {"access_tokens": "t"})
    assert config.limits_callers
    assert streams.WATCHES_MAX < config.access_in_flight_max < config.queue_depth_max // 4
    told = {"access_tokens": "t", "access_in_flight_max": "0"}
    assert not load(None, {}, told).limits_callers


def test_every_default_obeys_its_own_rule() -> None:
    for option in OPTIONS.values():
        assert msgspec.convert(option.default, option.convert_to) == option.default


def test_help_explains_every_option() -> None:
    result = CliRunner().invoke(serve, ["--help"], terminal_width=100_000)
    assert result.exit_code == 0
    for option in OPTIONS.values():
        for part in (option.flag, option.env, option.description, option.rule, f"{option.group}:"):
            assert part in result.output, (option.name, part)


@pytest.mark.parametrize(
    ("arguments", "named", "source"),
    [
        ([], "environment: CREDITGATE_SERVE_LISTEN = 'env'", {}),
        (["--listen", "flag"], "environment: CREDITGATE_SERVE_LISTEN = 'env'", {}),
        (["--config", "own.toml"], "own.toml: serve.listen = 'own'", {}),
        ([], "own.toml: serve.listen = 'own'", {"CREDITGATE_CONFIG": "own.toml"}),
        (["--config", "none.toml"], "none.toml: no such file", {}),
    ],
)
def test_the_command_reads_all_its_sources(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    named: str,
    source: dict[str, str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.toml").write_text('[serve]\nlisten = "own"\n')
    environment = {key: None for key in os.environ if key.startswith("CREDITGATE_")}
    told = {"CREDITGATE_SERVE_LISTEN": "env", **source}
    result = CliRunner(env={**environment, **told}).invoke(serve, arguments)
    assert result.exit_code == 2
    assert named in result.output


def test_the_command_refuses_before_it_starts_anything(tmp_path: Path) -> None:
    store = tmp_path / "store"
    environment = {key: None for key in os.environ if key.startswith("CREDITGATE_")}
    result = CliRunner(env=environment).invoke(
        serve, ["--store", str(store), "--queue-depth-max", "none"]
    )
    assert result.exit_code == 2
    assert "--queue-depth-max = 'none': must be an integer from 1 to 1000000" in result.output
    assert not store.exists()
