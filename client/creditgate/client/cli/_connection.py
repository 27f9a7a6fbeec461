"""Where a command finds the server and how it shows what it got: options common to all commands."""

import functools
import getpass
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import click
import msgspec
from rich.console import Console

from creditgate.client import Client, ClientOptions, Tls, UnavailableError
from creditgate.client._options import ACTOR_BYTES_MAX, ADDRESS_DEFAULT
from creditgate.client.cli._parameters import SECONDS

EXIT_REFUSED = 1
EXIT_FAILED = 3
EXIT_INTERRUPTED = 130

# A person waits longer than a checkout does.
TIMEOUT_DEFAULT_S = 10.0

_PIPE_WIDTH = 10_000

CONFIG_DEFAULT = Path("creditgate.toml")

P = ParamSpec("P")


class ClientSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section [client] of the configuration file."""

    address: str | None = None
    actor: str | None = None
    timeout_s: float | None = None
    tls: bool = False
    tls_ca: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    token_file: str | None = None


class ConfigFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration file, which others share: what they read is not looked into here."""

    client: ClientSection = ClientSection()
    serve: dict[str, Any] = {}
    sync: dict[str, Any] = {}


class Connection:
    """What a command works with: the client, and how to show results."""

    def __init__(self, client: Client, *, json: bool) -> None:
        self.client = client
        self.json = json
        self.console = Console(highlight=False)
        if not self.console.is_terminal and "COLUMNS" not in os.environ:
            # Into a pipe or file nothing is wrapped, so that a line can be searched for.
            self.console.width = _PIPE_WIDTH

    def write_json(self, result: object) -> None:
        """Writes one result as one line of JSON."""
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        sys.stdout.flush()


class Failure(click.ClickException):
    """An error that ends the command: nothing was decided, or a row was refused."""

    exit_code = EXIT_FAILED


def connected(command: Callable[Concatenate[Connection, P], None]) -> Callable[..., None]:
    """Gives a command the options of a connection, and the open connection as first argument."""
    # click passes arguments by name, so that their types are the command's own affair.
    call: Callable[..., None] = command

    @click.option(
        "--config",
        envvar="CREDITGATE_CONFIG",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Configuration file (TOML); its section [client] holds for what is not given here.  "
        f"[default: ./{CONFIG_DEFAULT}, if there is one]",
    )
    @click.option(
        "--address",
        envvar="CREDITGATE_ADDRESS",
        show_envvar=True,
        help=f"HOST:PORT of the server.  [default: {ADDRESS_DEFAULT}]",
    )
    @click.option(
        "--actor",
        envvar="CREDITGATE_ACTOR",
        show_envvar=True,
        help="Who asks, for the journal.  [default: your login name]",
    )
    @click.option(
        "--timeout",
        "timeout_s",
        type=SECONDS,
        envvar="CREDITGATE_TIMEOUT",
        show_envvar=True,
        metavar="SECONDS",
        help=f"How long a call may take, retries included.  [default: {TIMEOUT_DEFAULT_S:g}]",
    )
    @_access_options
    @click.option("--json", is_flag=True, help="Write JSON, amounts in minor units.")
    @functools.wraps(command)
    def run(
        *,
        config: Path | None,
        address: str | None,
        actor: str | None,
        timeout_s: float | None,
        json: bool,
        **arguments: Any,
    ) -> None:
        section = read_section(config)
        access = {name: arguments.pop(name) for name in _ACCESS}
        address = address or section.address or ADDRESS_DEFAULT
        timeout_s = timeout_s or section.timeout_s or TIMEOUT_DEFAULT_S
        try:
            options = ClientOptions(
                actor=actor or section.actor or _login(),
                decision_timeout_s=timeout_s,
                bulk_timeout_s=timeout_s,
                **_access(section, access),
            )
            opened = Client(address, options)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        with opened as client:
            try:
                call(Connection(client, json=json), **arguments)
            except UnicodeEncodeError as error:
                raise click.UsageError(f"{error.object!r} is not valid UTF-8") from error
            except UnavailableError as error:
                raise Failure(_unreachable(address, error)) from error

    return run


_ACCESS = ("tls", "tls_ca", "tls_certificate", "tls_key", "token_file")

_TOKEN_ENV = "CREDITGATE_TOKEN"  # noqa: S105 - the name, no token


def _access_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a connection that is encrypted, and of who makes it."""
    files = {
        "token_file": f"File that holds a token; {_TOKEN_ENV} may hold it instead.",
        "tls_key": "PEM file of the key of --tls-certificate.",
        "tls_certificate": "PEM file of the certificate that a server may ask for.",
        "tls_ca": "PEM file of who may have signed the server's certificate; encrypts.",
    }
    for name, text in files.items():
        command = click.option(
            f"--{name.replace('_', '-')}",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            envvar=f"CREDITGATE_{name.upper()}",
            show_envvar=True,
            help=text,
        )(command)
    return click.option(
        "--tls",
        is_flag=True,
        envvar="CREDITGATE_TLS",
        show_envvar=True,
        help="Encrypt; a well-known authority has signed the server's certificate.",
    )(command)


def _access(section: ClientSection, given: dict[str, Any]) -> dict[str, Any]:
    """The credential and the encryption, as fields of ClientOptions. Raises ValueError."""

    def file(name: str) -> Path | None:
        path = given[name] or getattr(section, name)
        return None if path is None else Path(path)

    tls = Tls(ca=file("tls_ca"), certificate=file("tls_certificate"), key=file("tls_key"))
    encrypts = given["tls"] or section.tls or tls != Tls()
    fields: dict[str, Any] = {"tls": tls if encrypts else None}
    # No flag for the token itself: the list of processes would show it to everyone.
    token = os.environ.get(_TOKEN_ENV, "")
    if token and given["token_file"] is None:
        return {**fields, "token": token}
    return {**fields, "token_file": file("token_file")}


def read_section(file: Path | None) -> ClientSection:
    """Section [client] of a configuration file. Raises click.UsageError.

    `file`: None for `creditgate.toml` in the working directory, if there is one.
    """
    path = file or CONFIG_DEFAULT
    if file is None and not path.exists():
        return ClientSection()
    try:
        return msgspec.toml.decode(path.read_bytes(), type=ConfigFile).client
    except msgspec.ValidationError as error:
        known = ", ".join(ClientSection.__struct_fields__)
        raise click.UsageError(
            f"The configuration file {path} cannot be used: {error}. "
            f"Section [client] knows: {known}"
        ) from error
    except (msgspec.DecodeError, OSError, ValueError) as error:
        raise click.UsageError(f"The configuration file {path} cannot be used: {error}") from error


def _login() -> str:
    """The login name where it can stand in gRPC metadata, else nothing."""
    with suppress(OSError, KeyError, ImportError):
        name = getpass.getuser()
        if name.isascii() and name.isprintable() and len(name) <= ACTOR_BYTES_MAX:
            return name
    return ""


def _unreachable(address: str, error: UnavailableError) -> str:
    if error.reason:
        return f"The server at {address} is not available: {error}. Try again in a moment."
    lines = [
        f"The server at {address} cannot be reached: {error.message}",
        "Start one with `creditgate serve`, or name another with --address or CREDITGATE_ADDRESS.",
    ]
    if error.outcome_unknown and error.request_id:
        lines.append(
            "The connection broke before the answer came, so the call may have taken effect. The "
            f"same command with --request-id {error.request_id} gives the answer that stands."
        )
    return "\n".join(lines)


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that changes something: request id and channel."""
    command = click.option(
        "--request-id",
        metavar="ID",
        help="Repeat an earlier request to get its answer.  [default: a new id]",
    )(command)
    return click.option(
        "--channel", default="cli", show_default=True, help="Sales channel, for the journal."
    )(command)
