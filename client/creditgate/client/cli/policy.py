"""`creditgate policy ...`: versions of what orders are held to."""

from importlib.metadata import entry_points
from pathlib import Path

import click

from creditgate.client import PolicyResult
from creditgate.client.cli._connection import Connection, Failure, connected, request_options
from creditgate.client.cli._output import amount, table, time_text

COMMANDS_GROUP = "creditgate.policy"

_FILE = click.argument(
    "file", type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)
)


class _Group(click.Group):
    """A group whose commands also come from packages that are not part of this one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands that are installed."""
        return sorted([*super().list_commands(ctx), *entry_points(group=COMMANDS_GROUP).names])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for point in entry_points(group=COMMANDS_GROUP, name=cmd_name):
            command: click.Command = point.load()
            return command
        return None


@click.group(cls=_Group)
def policy() -> None:
    """Credit policy: check and put a version, activate it, show what is in force."""


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Failure(f"{file} is not UTF-8: {error.reason} at byte {error.start}") from error


def _refuse_mistakes(conn: Connection, file: Path, text: str) -> None:
    problems = conn.client.check_policy(text)
    if not problems:
        return
    for problem in problems:
        click.echo(f"{file}:{problem.line}: {problem.message}", err=True)
    count = f"{len(problems)} mistakes" if len(problems) > 1 else "1 mistake"
    raise Failure(f"{file} has {count}: it is no policy as a whole")


@policy.command()
@_FILE
@connected
def check(conn: Connection, *, file: Path) -> None:
    """Says everything that is wrong with FILE, each with its line. Changes nothing."""
    _refuse_mistakes(conn, file, _read(file))
    if not conn.json:
        conn.console.print(f"{file} may be put", markup=False)


@policy.command()
@_FILE
@click.argument("reason")
@request_options
@connected
def put(conn: Connection, *, file: Path, reason: str, request_id: str | None, channel: str) -> None:
    """Keeps FILE as the next version, to be activated by another person.

    REASON is for the audit trail.
    """
    text = _read(file)
    _refuse_mistakes(conn, file, text)
    result = conn.client.put_policy(text, reason, request_id=request_id, channel=channel)
    _show(conn, result, f"version {result.version} is put; another person activates it")


@policy.command()
@click.argument("version", type=click.IntRange(1))
@click.argument("reason")
@request_options
@connected
def activate(
    conn: Connection, *, version: int, reason: str, request_id: str | None, channel: str
) -> None:
    """Brings VERSION into force, from the very next order on. Not by the person who put it.

    REASON is for the audit trail.
    """
    result = conn.client.activate_policy(version, reason, request_id=request_id, channel=channel)
    _show(conn, result, f"version {result.version} is in force")


@policy.command()
@click.argument("version", type=click.IntRange(0))
@click.argument("reason")
@request_options
@connected
def shadow(
    conn: Connection, *, version: int, reason: str, request_id: str | None, channel: str
) -> None:
    """Tries VERSION beside the one in force; 0 ends it. `policy differences` shows what of it.

    Every order is decided under both; what VERSION decides is counted, and nothing else comes of
    it. REASON is for the audit trail.
    """
    result = conn.client.shadow_policy(version, reason, request_id=request_id, channel=channel)
    said = f"version {version} is tried" if version else "no version is tried any more"
    _show(conn, result, said)


@policy.command()
@connected
def differences(conn: Connection) -> None:
    """Shows what the version that is tried would have decided otherwise."""
    found = conn.client.get_shadow()
    if conn.json:
        conn.write_json(found)
        return
    if not found.version:
        conn.console.print("no version is tried")
        return
    since = f" since {time_text(found.since)}" if found.since else ""
    conn.console.print(f"version {found.version}: {found.orders} orders{since}", markup=False)
    rows = (
        [
            row.was.value,
            row.now.value,
            row.rule.value,
            str(row.orders),
            amount(row.amount_minor, row.currency),
        ]
        for row in found.differences
    )
    columns = ["decided", "would be", "rule", "orders", "amount"]
    conn.console.print(table(conn.console, columns, rows, numbers=columns[3:]))


@policy.command()
@click.argument("version", type=click.IntRange(1), required=False)
@connected
def show(conn: Connection, *, version: int | None) -> None:
    """Shows the text of VERSION, or of the one in force."""
    found = conn.client.get_policy(version or 0)
    if conn.json:
        conn.write_json(found)
        return
    conn.console.print(f"# version {found.version}, {found.status.value}", markup=False)
    if found.text:
        conn.console.print(found.text.rstrip("\n"), markup=False, soft_wrap=True)


@policy.command("list")
@connected
def list_(conn: Connection) -> None:
    """Lists all versions that were put, oldest first."""
    found = conn.client.list_policies()
    if conn.json:
        for row in found:
            conn.write_json(row)
        return
    rows = (
        [
            str(row.version),
            row.status.value,
            row.put_by,
            time_text(row.put_time),
            row.activated_by,
            time_text(row.activate_time) if row.activate_time else "",
        ]
        for row in found
    )
    columns = ["version", "status", "put by", "put", "activated by", "activated"]
    conn.console.print(table(conn.console, columns, rows, numbers=columns[:1]))


def _show(conn: Connection, result: PolicyResult, said: str) -> None:
    if conn.json:
        conn.write_json(result)
    else:
        conn.console.print(said, markup=False)
