"""`creditgate store`: backup, restore, check and upgrade of a store on this machine."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import click

EXIT_DAMAGED: Final = 1
EXIT_NOT_DONE: Final = 3

Progress = Callable[[str, int, int], None]

store_option = click.option(
    "--store",
    type=click.Path(path_type=Path),
    default="creditgate-store",
    metavar="STORE",
    show_default=True,
    envvar="CREDITGATE_STORE",
    show_envvar=True,
    help="Folder of the store.",
)


class NotDone(click.ClickException):
    """It could not be done; the message says why."""

    exit_code = EXIT_NOT_DONE


@contextmanager
def working(label: str) -> Iterator[Progress]:
    """A progress bar on standard error; errors of the store as one line."""
    from creditgate.core import StoreError

    # The core is deep in its work: Ctrl-C ends the process, which every step here survives.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with click.progressbar(length=1, label=label, file=sys.stderr, width=30) as bar:

        def tell(step: str, done: int, total: int) -> None:
            bar.label = f"{label}: {step}"
            bar.length = max(total, 1)
            bar.pos = done
            bar.render_progress()

        try:
            yield tell
        except StoreError as error:
            failed: str | None = str(error)
        else:
            failed = None
    if failed is not None:
        raise NotDone(failed)


def _end(exit_code: int) -> NoReturn:
    click.get_current_context().exit(exit_code)


@click.group("store", short_help="Back up, restore, check, upgrade a store.")
def store() -> None:
    """Work on the folder of a store, on this machine.

    Exit code: 0 done, 1 something is wrong with the store, 2 wrong usage, 3 it could not be done.
    """


@store.command("backup", short_help="Copy a store, in use or not.")
@store_option
@click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")
def backup(store: Path, folder: Path) -> None:
    """Copy the store to FOLDER, which must be absent or empty; its server may go on serving.

    The copy holds all that was acknowledged when the command was started. FOLDER appears when the
    copy is whole. While the tables are read, pages that the server frees in them are not used
    again: they may grow by what changes meanwhile.
    """
    _copy(store, folder, "Backing up")


@store.command("restore", short_help="Copy a backup to where a store should be.")
@store_option
@click.argument("folder", type=click.Path(exists=True, path_type=Path), metavar="FOLDER")
def restore(store: Path, folder: Path) -> None:
    """Copy the backup in FOLDER to the store, which must be absent or empty, and check it."""
    _copy(folder, store, "Restoring")
    _check(store)


@store.command("check", short_help="Verify a whole store.")
@store_option
def check(store: Path) -> None:
    """Verify the whole journal, archive included, and hold the tables against it.

    Every digest, the chain, every text, every row of the tables and the sums of the counters. The
    store must not be in use: stop the server, or check a backup.
    """
    _check(store)


@store.command("upgrade", short_help="Make an older store one of this version.")
@store_option
def upgrade(store: Path) -> None:
    """Upgrade a store of an older format in place; the journal's chain stays as it is.

    Takes as much room as the journal for a time. Interrupted, run it again. The next start folds
    the tables anew.
    """
    from creditgate.core import store_upgrade

    with working("Upgrading") as tell:
        upgraded = store_upgrade(str(store), tell)
    if upgraded["from"] == upgraded["to"]:
        click.echo(f"{store} is of format {upgraded['to']}: there is nothing to do")
        return
    click.echo(f"{store} is now of format {upgraded['to']}: {upgraded['commits']} commits")


def _copy(source: Path, target: Path, label: str) -> None:
    from creditgate.core import store_copy

    with working(label) as tell:
        copied = store_copy(str(source), str(target), tell)
    size = f"{copied['bytes'] / 1e6:.1f} MB"
    click.echo(f"{target}: {copied['journal_seq']} entries in {copied['files']} files, {size}")


def _check(folder: Path) -> None:
    from creditgate.core import store_check

    with working("Checking") as tell:
        checked, findings = store_check(str(folder), tell)
    for name, value in checked.items():
        click.echo(f"{name:<20} {value}")
    for finding in findings:
        click.echo(f"wrong: {finding}")
    click.echo("damaged" if findings else "whole")
    if findings:
        _end(EXIT_DAMAGED)
