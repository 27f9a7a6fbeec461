"""`creditgate sync ledger`, and the SQL that a ledger needs for it."""

import asyncio
import gc
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, TypedDict, Unpack

import click
import psycopg

from creditgate.client import AsyncClient, TransientError, logs
from creditgate.client.cli import Connection, Failure, connected
from creditgate.loaders.errors import FileError, LoadError
from creditgate.loaders.ledger import feeds
from creditgate.loaders.ledger import mapping as mappings
from creditgate.loaders.ledger.mapping import LedgerMapping
from creditgate.loaders.ledger.sender import BusyError
from creditgate.loaders.ledger.sync import LedgerSync
from creditgate.loaders.queue.database import StateError
from creditgate.loaders.queue.letters import LetterBox, LettersFullError
from creditgate.loaders.running import health
from creditgate.loaders.running.alone import alone
from creditgate.loaders.running.attempts import Attempts
from creditgate.loaders.running.logs import LOGGER, log
from creditgate.loaders.running.settings import SourceCommand, section
from creditgate.loaders.running.sources import Source
from creditgate.loaders.running.stopping import Stop, StoppedError

TABLES: Final = Path(__file__).with_name("tables.sql")

LEDGER_ENV: Final = "CREDITGATE_SYNC_LEDGER_LEDGER"


def _mapping(_ctx: click.Context, _param: click.Parameter, value: Path) -> LedgerMapping:
    try:
        return mappings.read(value)
    except FileError as error:
        raise click.BadParameter(str(error)) from error


mapping_option = click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=mappings.REFERENCE,
    envvar="CREDITGATE_SYNC_LEDGER_MAPPING",
    show_envvar=True,
    callback=_mapping,
    metavar="FILE",
    help="How the ledger's tables say what is synced.  [default: the reference ledger's]",
)
ledger_option = click.option(
    "--ledger",
    required=True,
    envvar=LEDGER_ENV,
    show_envvar=True,
    metavar="CONNINFO",
    help='The ledger\'s database, e.g. "host=db dbname=erp user=creditgate"; a password belongs '
    "into ~/.pgpass or PGPASSWORD.",
)
state_option = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("creditgate-sync"),
    show_default=True,
    help="Folder for a snapshot on its way and for dead letters; created when absent.",
)


class LedgerCommand(click.Command):
    """A command that reads the ledger which `creditgate sync ledger` follows. Where that is and
    how it is mapped need to be said once, in [sync.ledger]; a flag or the environment is stronger.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts the file's values beneath those of environment and flags. Raises UsageError."""
        _, found = section(self, ctx, args, "ledger")
        ctx.default_map = {name: found[name] for name in ("ledger", "mapping") if name in found}
        return super().parse_args(ctx, args)


GARBAGE_AFTER: Final = 100_000
"""Rows are many, live shortly and have no cycles: to look for some after every 700 objects, as is
usual, takes a tenth of the time of a first load."""


class _Options(TypedDict):
    """What the sync of a ledger takes on the command line, beside the connection."""

    ledger: str
    mapping: LedgerMapping
    state: Path
    once: bool


@click.command("ledger", cls=SourceCommand, short_help="Follow the ledger's database.")
@ledger_option
@mapping_option
@state_option
@click.option("--once", is_flag=True, help="End when all that is there now has been taken.")
@click.option(
    "--health-port", type=click.IntRange(0, 65_535), default=None,
    help="Serve /healthz and /metrics on 127.0.0.1 at this port; 0 chooses one.",
)  # fmt: skip
@connected
def follow(
    connection: Connection,
    *,
    health_port: int | None,
    **options: Unpack[_Options],
) -> None:
    """Keep the service in step with the ledger's database: a snapshot first, then every change.

    The database tells of its changes by triggers, which `creditgate sync install` makes. The server
    keeps how far it has been told; a stop at any moment loses nothing and doubles nothing, and the
    next start goes on. What cannot be taken goes to the dead letters: creditgate deadletter.

    Exit code: 0 stopped, or with --once all taken; 3 it needs a person, as the message says.
    """
    logs.set_up(LOGGER, "info", "auto")
    try:
        asyncio.run(_follow(connection, health_port, options))
    except StoppedError:
        log(logging.INFO, "stopped", source=options["mapping"].source)
    except psycopg.errors.UndefinedTable as error:
        raise Failure(f"{error}\nInstall the feeds first: creditgate sync install") from error
    except (LoadError, StateError, psycopg.Error, OSError) as error:
        raise Failure(str(error)) from error


async def _follow(connection: Connection, health_port: int | None, options: _Options) -> None:
    mapping = options["mapping"]
    source, stop = Source(mapping.source), Stop()
    stop.on_signals()
    gc.set_threshold(GARBAGE_AFTER)
    async with AsyncExitStack() as held:
        held.enter_context(alone(options["state"], "ledger"))
        letters = held.enter_context(LetterBox(options["state"]))
        client = AsyncClient(connection.client.address, connection.client.options)
        await held.enter_async_context(client)
        if health_port is not None:
            app = health.application([source])
            port = await held.enter_async_context(health.served(app, health.HOST, health_port))
            log(logging.INFO, "listening", health=f"http://{health.HOST}:{port}/healthz")
        sync = LedgerSync(client, mapping, options["state"], letters, source)
        await Attempts(source, stop).until_done(
            lambda: stop.unless_set(sync.run(options["ledger"], once=options["once"])), _passes
        )
    log(logging.INFO, "in step", source=source.name, position=sync.position, **source.figures())


def _passes(error: Exception) -> bool:
    """Whether it may pass by itself: either side away or busy, a disk full here or there."""
    away = (
        *(TransientError, BusyError, psycopg.OperationalError, psycopg.InterfaceError),
        # A standby that takes over, and sessions that an administrator ends.
        *(psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.IdleInTransactionSessionTimeout),
    )
    return isinstance(error, (*away, StateError, LettersFullError, OSError))


@click.command(
    "install", cls=LedgerCommand, short_help="Make the ledger's database tell of its changes."
)
@click.option(
    "--ledger",
    envvar=LEDGER_ENV,
    show_envvar=True,
    metavar="CONNINFO",
    help="The ledger's database.",
)
@mapping_option
@click.option(
    "--reference-tables", is_flag=True, help="Make the tables of the reference ledger first."
)
@click.option("--print", "printed", is_flag=True, help="Print the SQL and run nothing.")
def install(
    *, ledger: str | None, mapping: LedgerMapping, reference_tables: bool, printed: bool
) -> None:
    """Make an outbox in the ledger's database, and the triggers of a mapping that fill it.

    Whoever runs it owns the tables, or may at least put triggers on them. Run again after the
    mapping changed, it replaces the triggers and keeps what is in the outbox.
    """
    sql = feeds.installation(mapping)
    if reference_tables:
        sql = f"{TABLES.read_text()}\n{sql}"
    if printed:
        # Triggers are dropped and made again: what is posted in between would not be told of.
        click.echo(f"\\set ON_ERROR_STOP on\nBEGIN;\n{sql}\nCOMMIT;")
        return
    if ledger is None:
        raise click.UsageError("give --ledger CONNINFO, or --print")
    try:
        with psycopg.connect(ledger) as connection:
            connection.execute(sql.encode())
    except psycopg.Error as error:
        raise Failure(str(error)) from error
    click.echo(f"{len(mapping.feed)} feeds installed")
