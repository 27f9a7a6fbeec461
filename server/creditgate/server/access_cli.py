"""`creditgate access`: the tokens that a server takes."""

import hashlib
import os
import secrets
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from creditgate.server.config import OPTIONS

ID_BYTES_MAX: Final = 64

# 256 random bits; the letters in front tell a scanner of leaked secrets what it has found.
_PREFIX: Final = "cg_"
_TOKEN_BYTES: Final = 32


@click.group("access", short_help="Make tokens for those who call.")
def access() -> None:
    """Work on the file of tokens that `creditgate serve --access-tokens FILE` reads.

    Each line of the file is one token: its SHA-256, whose it is, their role, and until when it
    holds. A running server takes up a change within a second. To revoke a token, delete its line;
    to change one without a gap, make another for the same name first.
    """


def _identifier(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and (
        not 1 <= len(value.encode()) <= ID_BYTES_MAX or not value.isprintable()
    ):
        raise click.BadParameter(f"{value!r}: must be 1 to {ID_BYTES_MAX} bytes of plain text")
    return value


@access.command("token", short_help="Make a token, show it once, write down its hash.")
@click.argument("name", callback=_identifier)
@click.option(
    "--role",
    required=True,
    metavar="ROLE",
    help="What NAME may do: as order_entry, pos, loader, credit_analyst, finance, supervisor, "
    "auditor or admin.",
)
@click.option(
    "--channel", callback=_identifier, help="The sales channel of a pos, the only one it may name."
)
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The last day (UTC) on which it holds.  [default: no end]",
)
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    default="creditgate-tokens.jsonl",
    metavar="FILE",
    show_default=True,
    envvar=OPTIONS["access_tokens"].env,
    show_envvar=True,
    help="The file of tokens; created when absent.",
)
def token(name: str, role: str, channel: str | None, expires: datetime | None, file: Path) -> None:
    """Make a token for NAME and append its hash to the file.

    The token goes to standard output and is kept nowhere: who loses it gets another. NAME stands in
    the journal for all that is done with it. An identity may have several tokens, of one role.
    """
    from creditgate.core import ROLES, Access, AccessError

    if role not in ROLES:
        raise click.UsageError(f"--role {role}: must be one of {', '.join(ROLES)}")
    made = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    day = None if expires is None else expires.date()
    line = _line(name, role, channel, day, made)
    earlier = _read(file)
    if earlier and not earlier.endswith(b"\n"):
        line = b"\n" + line
    with tempfile.NamedTemporaryFile() as draft:
        draft.write(earlier + line)
        draft.flush()
        try:
            # The core reads it as the server will: what is wrong is said before it is in force.
            Access(tokens=draft.name)
        except AccessError as error:
            raise click.UsageError(str(error).replace(draft.name, str(file))) from None
    _append(file, line)
    click.echo(made)


def _line(name: str, role: str, channel: str | None, expires: date | None, made: str) -> bytes:
    fields: dict[str, Any] = {"name": name, "role": role}
    if channel is not None:
        fields["channel"] = channel
    if expires is not None:
        fields["expires"] = expires.isoformat()
    fields["sha256"] = hashlib.sha256(made.encode()).hexdigest()
    return msgspec.json.encode(fields) + b"\n"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from None


def _append(file: Path, line: bytes) -> None:
    """Append down to the disk; a new file is for its owner alone."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(line)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from None
