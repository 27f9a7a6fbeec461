"""`creditgate sync gateway`: receives payment events until it is told to stop."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Unpack

import click
import msgspec

from creditgate.client import AsyncClient, RetryPolicy, logs
from creditgate.client.cli import Connection, Failure, connected
from creditgate.loaders.gateway.forwarder import Forwarder
from creditgate.loaders.gateway.payments import Payments
from creditgate.loaders.gateway.receiver import Receiver
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

    secrets: Path
    wait_payment_s: int


@click.command("gateway", cls=SourceCommand, short_help="Receive payments from gateways.")
@serving.receiving
@click.option(
    "--secrets",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TOML file of the gateways and the secrets that they sign with.",
)
@click.option(
    "--wait-payment-s",
    type=click.IntRange(0, 30 * 86_400),
    default=600,
    show_default=True,
    help="How long a refund, reversal or failure waits for a payment that is not known.",
)
@connected
def gateway(connection: Connection, **options: Unpack[Options]) -> None:
    """Take signed payment events over HTTP and post them as ledger entries.

    A gateway delivers to POST /events/NAME, where NAME has a section in the file of secrets. An
    event is answered with 2xx once it is on disk, and posted once, however often it is delivered
    and whatever is killed meanwhile. What cannot be taken is kept: see `creditgate deadletter`.

    Once it accepts deliveries, one JSON line with its addresses goes to standard output; logs go to
    standard error. SIGTERM or SIGINT ends it after what it has received is posted, or at once when
    the server cannot be reached; the rest is posted after the next start.
    """
    serving.check_listen(options)
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
    state, secrets = options["state"], Secrets(options["secrets"], "gateways")
    async with AsyncExitStack() as opened:
        opened.enter_context(alone(state, "gateway"))
        database = opened.enter_context(Database(state))
        inbox = Inbox(database, held_max=options["held_max"])
        letters, payments = LetterBox(database), Payments(database)
        client = await opened.enter_async_context(AsyncClient(connection.client.address, asks))
        forwarders = {
            name: Forwarder(
                Source(name),
                client,
                end,
                inbox=inbox,
                letters=letters,
                payments=payments,
                wait_payment_s=options["wait_payment_s"],
            )
            for name in _sources(secrets, inbox)
        }
        receiver = Receiver(
            secrets,
            forwarders,
            Stakes(client),
            inbox=inbox,
            letters=letters,
            window_s=options["window_s"],
            body_max_bytes=options["body_max_bytes"],
        )
        running = [asyncio.create_task(one.run()) for one in forwarders.values()]
        for task in running:
            # Should one fail, a supervisor is to start all of it anew.
            task.add_done_callback(lambda _task: stop.set())
        try:
            sources = [one.source for one in forwarders.values()]
            await serving.serve(options, receiver.application(), sources, stop)
        finally:
            end.set()
            await asyncio.gather(*running)
    log(logging.INFO, "stopped")


def _sources(secrets: Secrets, inbox: Inbox) -> list[str]:
    """Also of gateways that have left the file, as long as anything of theirs waits."""
    waiting = [source for source in inbox.sources() if source.startswith("gateway:")]
    return list(dict.fromkeys([*(f"gateway:{name}" for name in secrets.names), *waiting]))
