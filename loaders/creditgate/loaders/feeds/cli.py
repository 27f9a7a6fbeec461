"""`creditgate sync feeds`: takes flags and scores until it is told to stop."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Unpack

import click
import msgspec

from creditgate.client import AsyncClient, RetryPolicy, logs
from creditgate.client.cli import Connection, Failure, connected
from creditgate.loaders.feeds.drop import Drop
from creditgate.loaders.feeds.forwarder import Forwarder
from creditgate.loaders.feeds.latest import Latest
from creditgate.loaders.feeds.receiver import Receiver
from creditgate.loaders.queue.database import Database, StateError
from creditgate.loaders.queue.inbox import Inbox
from creditgate.loaders.queue.letters import LetterBox
from creditgate.loaders.queue.stake import Stakes
from creditgate.loaders.receiving import serving
from creditgate.loaders.receiving.secrets import Secrets, SecretsError
from creditgate.loaders.running.alone import alone
from creditgate.loaders.running.logs import LOGGER, log
from creditgate.loaders.running.settings import SourceCommand
from creditgate.loaders.running.sources import Source
from creditgate.loaders.running.stopping import Stop


class Options(serving.Options):
    """The options of the command, beside its connection."""

    secrets: Path | None
    drop: Path | None


@click.command("feeds", cls=SourceCommand, short_help="Take flags and scores of bureaus.")
@serving.receiving
@click.option(
    "--secrets",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TOML file of the bureaus that deliver over HTTP and the secrets that they sign with.",
)
@click.option(
    "--drop",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder into which files of flags and scores are moved.",
)
@connected
def feeds(connection: Connection, **options: Unpack[Options]) -> None:
    """Take flags over HTTP, and flags and scores from files.

    A bureau that has a section in the file of secrets delivers to POST /flags/NAME. A file moved
    into the folder --drop whose name begins with flags or scores is taken whole, then moved to
    done/ there. A flag suspends new orders within a second; of records about the same flag, the one
    with the latest time stands. What cannot be taken is kept: see `creditgate deadletter`.

    Once it accepts deliveries, one JSON line with its addresses goes to standard output; logs go to
    standard error. SIGTERM or SIGINT ends it after what it has received is sent, or at once when
    the server cannot be reached; the rest is sent after the next start.
    """
    serving.check_listen(options)
    if options["secrets"] is None and options["drop"] is None:
        raise click.UsageError("--secrets, --drop or both must be given: nothing would be taken")
    logs.set_up(LOGGER, options["log_level"], options["log_format"])
    try:
        asyncio.run(_run(connection, options))
    except (StateError, SecretsError) as error:
        raise Failure(str(error)) from error


async def _run(connection: Connection, options: Options) -> None:
    """Raises StateError, SecretsError, Failure."""
    stop, end = Stop(), Stop()
    stop.on_signals()
    # Its own retries would hide from the breaker how things stand.
    asks = msgspec.structs.replace(connection.client.options, retry=RetryPolicy(attempts_max=1))
    state, file = options["state"], options["secrets"]
    secrets = None if file is None else Secrets(file, "bureaus")
    async with AsyncExitStack() as opened:
        opened.enter_context(alone(state, "feeds"))
        database = opened.enter_context(Database(state))
        inbox = Inbox(database, held_max=options["held_max"])
        letters, latest, turn = LetterBox(database), Latest(database), asyncio.Lock()
        client = await opened.enter_async_context(AsyncClient(connection.client.address, asks))
        forwarders = {
            name: Forwarder(
                Source(name), client, end, inbox=inbox, letters=letters, latest=latest, turn=turn
            )
            for name in _sources(secrets, options["drop"], inbox)
        }
        running = [asyncio.create_task(one.run()) for one in forwarders.values()]
        sources, taking = [one.source for one in forwarders.values()], list[asyncio.Task[None]]()
        if options["drop"] is not None:
            drop = Drop(options["drop"], forwarders, stop, inbox=inbox, letters=letters)
            sources.append(drop.source)
            taking.append(asyncio.create_task(drop.run()))
        for task in (*running, *taking):
            # Should one fail, a supervisor is to start all of it anew.
            task.add_done_callback(lambda _task: stop.set())
        application = None
        if secrets is not None:
            receiver = Receiver(
                secrets,
                forwarders,
                Stakes(client),
                inbox=inbox,
                letters=letters,
                window_s=options["window_s"],
                body_max_bytes=options["body_max_bytes"],
            )
            application = receiver.application()
        try:
            await serving.serve(options, application, sources, stop)
        finally:
            stop.set()
            await asyncio.gather(*taking, return_exceptions=True)
            end.set()
            await asyncio.gather(*running, *taking)
    log(logging.INFO, "stopped")


def _sources(secrets: Secrets | None, drop: Path | None, inbox: Inbox) -> list[str]:
    """Also of those that are not taken from any more, as long as anything of theirs waits."""
    bureaus = [f"bureau:{name}" for name in secrets.names] if secrets else []
    files = ["drop:flags", "drop:scores"] if drop else []
    waiting = [one for one in inbox.sources() if one.startswith(("bureau:", "drop:"))]
    return list(dict.fromkeys([*bureaus, *files, *waiting]))
