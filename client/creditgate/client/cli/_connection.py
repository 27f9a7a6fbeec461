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

from creditgate.client import Client, ClientOptions, UnavailableError
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


class ConfigFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration file, which the server shares: what it reads is not looked into here."""

    client: ClientSection = ClientSection()
    serve: dict[str, Any] = {}


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
        address = address or section.address or ADDRESS_DEFAULT
        timeout_s = timeout_s or section.timeout_s or TIMEOUT_DEFAULT_S
        try:
            options = ClientOptions(
                actor=actor or section.actor or _login(),
                decision_timeout_s=timeout_s,
                bulk_timeout_s=timeout_s,
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        with Client(address, options) as client:
            try:
                call(Connection(client, json=json), **arguments)
            except UnicodeEncodeError as error:
                raise click.UsageError(f"{error.object!r} is not valid UTF-8") from error
            except UnavailableError as error:
                raise Failure(_unreachable(address, error)) from error

    return run


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
