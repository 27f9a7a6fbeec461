"""The root of the command: what is installed, exit codes, errors for people."""

import re
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

import click

from creditgate.client import CreditgateError
from creditgate.client.cli import (
    account,
    case,
    clock,
    conditions,
    decision,
    entry,
    ledger,
    limits,
    order,
    policy,
    position,
    rates,
    reservation,
    terms,
)
from creditgate.client.cli._connection import EXIT_INTERRUPTED, EXIT_REFUSED, Failure

COMMANDS_GROUP = "creditgate.commands"

_NEGATIVE = re.compile(r"-[0-9.]")

# Commands of ours that are not part of this package, and the package that has them.
_ELSEWHERE = {
    "access": "creditgate-server",
    "audit": "creditgate-audit",
    "deadletter": "creditgate-loaders",
    "load": "creditgate-loaders",
    "payment-history": "creditgate-loaders",
    "quality": "creditgate-loaders",
    "recalc": "creditgate-loaders",
    "reconcile": "creditgate-loaders",
    "repair": "creditgate-loaders",
    "serve": "creditgate-server",
    "store": "creditgate-server",
    "sync": "creditgate-loaders",
}

# The backspace tells click to leave the lines after it as they are.
_HELP = """\
Credit decisions for orders, from the command line.

Amounts are decimals of their currency, such as 125.00; with --json they are integers in minor
units, one JSON object to a line.

Settings come from a TOML file (section [client] of ./creditgate.toml, or of --config), then the
environment (CREDITGATE_ADDRESS, CREDITGATE_ACTOR, CREDITGATE_TIMEOUT and more), then options; the
later is stronger. A server that asks who calls gets the token of --token-file or CREDITGATE_TOKEN.

\b
Exit codes:
  0    done; an order was approved, in part where that was allowed
  1    an order was declined, or referred to a person
  2    the command line is wrong
  3    an error: nothing was decided, or a row was refused
  130  interrupted
"""


class Root(click.Group):
    """A group whose commands also come from other packages; a broken one leaves the rest alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plugins = {
            point.name: point
            for point in entry_points(group=COMMANDS_GROUP)
            if point.name not in self.commands
        }
        self._broken: dict[str, str] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands that work."""
        own = super().list_commands(ctx)
        return sorted([*own, *(name for name in self._plugins if self._load(name) is not None)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name. Raises Failure for one that is installed but broken."""
        command = super().get_command(ctx, cmd_name) or self._load(cmd_name)
        if command is None and cmd_name in self._broken:
            raise Failure(
                f"The command {cmd_name!r} is installed but cannot be loaded: "
                f"{self._broken[cmd_name]}"
            )
        if command is None and cmd_name in _ELSEWHERE:
            package = _ELSEWHERE[cmd_name]
            raise click.UsageError(
                f"The command {cmd_name!r} is part of a package that is not installed: "
                f"install {package}.",
                ctx,
            )
        return command

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names what is broken after everything else."""
        super().format_epilog(ctx, formatter)
        if self._broken:
            with formatter.section("Warning: installed, but cannot be loaded"):
                formatter.write_dl(sorted(self._broken.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command and turns errors into sentences and exit codes."""
        try:
            return super().invoke(ctx)
        except CreditgateError as error:
            raise Failure(str(error)) from error
        except click.NoSuchOption as error:
            if not _NEGATIVE.match(error.option_name):
                raise
            raise click.UsageError(
                f"{error.format_message()} Put -- before a negative amount, and options before it.",
                error.ctx,
            ) from error
        except click.ClickException as error:
            if error.exit_code != EXIT_REFUSED:
                raise
            # click's own code for any error would read as a declined order.
            raise Failure(error.format_message()) from error
        except (KeyboardInterrupt, click.Abort):
            ctx.exit(EXIT_INTERRUPTED)

    def _load(self, name: str) -> click.Command | None:
        point = self._plugins.get(name)
        if point is None or name in self._broken:
            return None
        try:
            command = point.load()
        except Exception as error:  # noqa: BLE001 - whatever is wrong there, the rest must work
            self._broken[name] = f"{_owner(point)}: {type(error).__name__}: {error}"
            return None
        if not isinstance(command, click.Command):
            self._broken[name] = f"{_owner(point)}: {point.value} is not a click command"
            return None
        return command


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module


@click.group(
    cls=Root,
    commands=[
        account.account,
        account.segment,
        case.case,
        clock.clock,
        conditions.hold,
        conditions.rolling_limit,
        conditions.temporary_limit,
        decision.decision,
        limits.limit,
        limits.verification,
        entry.entry,
        ledger.ledger,
        order.adjust,
        order.capture,
        order.check,
        order.confirm,
        order.release,
        order.reserve,
        policy.policy,
        position.position,
        reservation.reservation,
        rates.rates,
        terms.terms,
    ],
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(version("creditgate-client"), prog_name="creditgate")
def main() -> None:
    """The command itself; what it says of itself stands in `_HELP`."""
