"""`creditgate sync`: what keeps the service in step with other systems, until it is stopped."""

import click

from creditgate.loaders.feeds.cli import feeds
from creditgate.loaders.gateway.cli import gateway
from creditgate.loaders.ledger import cli as ledger_cli


@click.group("sync", short_help="Stay in step with other systems.")
def sync() -> None:
    """Take what other systems say, as they say it, until SIGTERM or SIGINT.

    Each command keeps what it has received and what it could not take in the folder of --state, and
    goes on from there when it is started again. Options stand in the configuration file (TOML, a
    section such as [sync.gateway]; the key is the flag's name with underscores), the environment
    (CREDITGATE_SYNC_GATEWAY_...) and flags; a later one wins. Anything unknown is refused.
    """


sync.add_command(feeds)
sync.add_command(gateway)
sync.add_command(ledger_cli.follow)
sync.add_command(ledger_cli.install)
