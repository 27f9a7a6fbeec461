"""Transport security over a real socket, and what a server off loopback asks for."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from creditgate.client import (
    AccountUpsert,
    AsyncClient,
    Client,
    ClientOptions,
    CreditLimit,
    RetryPolicy,
    Tls,
    UnavailableError,
)
from tests.conftest import StartServer
from tests.support.credentials import Authority, token_line, write_lines
from tests.support.server import COMMAND, NotStartedError, ServerProcess

TOKEN = "cg_of_the_admin"


def port(server: ServerProcess) -> str:
    """The server's port, at the name that its certificate has."""
    return f"localhost:{server.address.rpartition(':')[2]}"


def options(tls: Tls | None, **more: Any) -> ClientOptions:
    # One attempt, and time enough for a slow machine to shake hands.
    retry = RetryPolicy(attempts_max=1)
    return ClientOptions(tls=tls, retry=retry, decision_timeout_s=30.0, **more)


def opens(server: ServerProcess, tls: Tls | None) -> bool:
    """Whether a new connection gets an answer: accounts are opened on it."""
    with Client(port(server), options(tls)) as client:
        try:
            client.upsert_accounts(
                [AccountUpsert(account_id="A", currency="USD", limit=CreditLimit.of(100))]
            )
        except UnavailableError:
            return False
    return True


def test_a_server_with_a_certificate_talks_in_secret_alone(
    start_server: StartServer, tmp_path: Path
) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    certificate, key = authority.issue("server")
    server = start_server(tls_certificate=certificate, tls_key=key)
    assert opens(server, Tls(ca=authority.ca))
    assert not opens(server, Tls(ca=other.ca))
    assert not opens(server, None)


def test_mutual_tls_lets_in_who_has_a_certificate(
    start_server: StartServer, tmp_path: Path
) -> None:
    authority, clients = Authority(tmp_path), Authority(tmp_path, "clients")
    certificate, key = authority.issue("server")
    server = start_server(tls_certificate=certificate, tls_key=key, tls_client_ca=clients.ca)
    mine, my_key = clients.issue("till-7")
    theirs, their_key = authority.issue("stranger")
    assert opens(server, Tls(ca=authority.ca, certificate=mine, key=my_key))
    assert not opens(server, Tls(ca=authority.ca))
    assert not opens(server, Tls(ca=authority.ca, certificate=theirs, key=their_key))


def test_certificates_change_while_the_server_runs(
    start_server: StartServer, tmp_path: Path
) -> None:
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    certificate, key = old.issue("server")
    server = start_server(tls_certificate=certificate, tls_key=key)
    with Client(port(server), options(Tls(ca=old.ca))) as early:
        early.upsert_accounts([AccountUpsert(account_id="A", currency="USD")])
        key.write_text("no key")
        while "certificates not read again" not in server.stderr_text():
            assert opens(server, Tls(ca=old.ca))
        new.issue("server")
        while not opens(server, Tls(ca=new.ca)):
            pass
        assert not opens(server, Tls(ca=old.ca))
        early.get_position("A")  # an open connection goes on


def test_every_client_connects_with_certificate_and_token(
    start_server: StartServer, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server")
    mine, my_key = authority.issue("client")
    tokens = write_lines(tmp_path / "tokens", [token_line("ada", "admin", TOKEN)])
    server = start_server(
        listen="0.0.0.0:0", tls_certificate=certificate, tls_key=key, tls_client_ca=authority.ca,
        access_tokens=tokens,
    )  # fmt: skip
    token_file = tmp_path / "token"
    token_file.write_text(f"{TOKEN}\n")
    rows = tmp_path / "accounts.csv"
    rows.write_text("account_id,currency,limit_kind,limit_amount\nA,USD,amount,10.00\n")
    told = f"""
[client]
address = "{port(server)}"
tls_ca = "{authority.ca}"
tls_certificate = "{mine}"
tls_key = "{my_key}"
token_file = "{token_file}"
"""
    (tmp_path / "creditgate.toml").write_text(told)
    for command in (["load", "accounts", str(rows)], ["reserve", "A", "O-1", "1.00", "USD"]):
        done = subprocess.run(
            [COMMAND, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    flags: list[str | Path] = ["--tls-ca", authority.ca, "--tls-certificate", mine]
    flags += ["--tls-key", my_key]
    done = subprocess.run(
        [COMMAND, "position", "A", "--address", port(server), *flags],
        cwd="/", env={"CREDITGATE_TOKEN": TOKEN}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "9.00" in done.stdout
    tls = Tls(ca=authority.ca, certificate=mine, key=my_key)

    async def asks() -> str:
        told = options(tls, token_file=token_file)
        async with AsyncClient(port(server), told) as client:
            return (await client.get_position("A")).account_id

    assert asyncio.run(asks()) == "A"


def test_off_loopback_a_server_needs_a_certificate_and_credentials(
    start_server: StartServer, tmp_path: Path
) -> None:
    certificate, key = Authority(tmp_path).issue("server")
    tokens = write_lines(tmp_path / "tokens", [token_line("ada", "admin", TOKEN)])
    tls: dict[str, object] = {"tls_certificate": certificate, "tls_key": key}
    cases: list[tuple[dict[str, object], str]] = [
        ({}, "without transport security (tls_certificate, tls_key) and credentials"),
        (tls, "without credentials (access_tokens or access_keys)"),
        ({"access_tokens": tokens}, "without transport security (tls_certificate, tls_key):"),
        ({**tls, "access_tokens": tokens, "clock": "manual"}, "with clock = manual"),
    ]
    for given, missing in cases:
        with pytest.raises(NotStartedError) as caught:
            start_server(listen="0.0.0.0:0", **given)
        assert caught.value.exit_code == 2
        assert missing in caught.value.stderr


def test_insecure_is_said_loudly(start_server: StartServer) -> None:
    server = start_server(listen="0.0.0.0:0", insecure=True, log_level="error", log_format="json")
    assert opens(server, None)
    text = server.stderr_text()
    assert '"level":"error","event":"INSECURE: whoever reaches the port can move credit"' in text
    assert "transport security" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tls_certificate": "server.pem", "tls_key": "none"}, "tls_key = none: No such file"),
        ({"tls_certificate": "server.pem", "tls_key": "client.key"}, "tls_key = client.key"),
        ({"access_tokens": "server.pem"}, "Error: server.pem: line 1: invalid number"),
        ({"access_keys": "server.pem"}, "Error: server.pem: no key set: "),
        ({"access_tokens": "none"}, "Error: none: No such file"),
    ],
)
def test_a_file_that_cannot_be_used_ends_the_start(
    start_server: StartServer, tmp_path: Path, options: dict[str, str], said: str
) -> None:
    authority = Authority(tmp_path)
    authority.issue("server")
    authority.issue("client")
    given = {name: tmp_path / value for name, value in options.items()}
    with pytest.raises(NotStartedError) as caught:
        start_server(**given)
    assert caught.value.exit_code == 3
    assert said in caught.value.stderr.replace(f"{tmp_path}/", "")
    assert not (tmp_path / "server-0" / "store").exists()


def test_a_token_does_not_go_in_the_clear() -> None:
    for address in ("127.0.0.1:1", "localhost:1", "[::1]:1", "unix:/tmp/x", "ipv4:127.0.0.1:1"):
        Client(address, ClientOptions(token=TOKEN)).close()
    for address in ("10.0.0.1:1", "credit.example.com:1", "dns:///localhost.example.com:1"):
        with pytest.raises(ValueError, match="in the clear"):
            Client(address, ClientOptions(token=TOKEN))
        Client(address, ClientOptions(token=TOKEN, tls=Tls())).close()
    assert TOKEN not in repr(ClientOptions(token=TOKEN))
