"""`creditgate audit`: keys, checkpoints and the proof that a journal is what was written."""

import base64
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from creditgate.audit.exporting import Csv, JsonLines, Writer
from creditgate.audit.signed import (
    Checkpoint,
    SignedError,
    new_key,
    private_key,
    public_keys,
    statement_bytes,
    write_durably,
)
from creditgate.audit.trimming import TrimError, trim
from creditgate.audit.verifying import Verified, is_in_use, statement_files, verify
from creditgate.client import TransientError
from creditgate.client.cli import TIME, Connection, connected

EXIT_DAMAGED: Final = 1
EXIT_NOT_DONE: Final = 3

_ERASE_TIMEOUT_S: Final = 3_600

_EXISTING: Final = click.Path(exists=True, path_type=Path)

archive_option = click.option(
    "--archive",
    "archives",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Files of the journal that are not in STORE any more; may be given again.",
)
key_option = click.option(
    "--key",
    "keys",
    multiple=True,
    type=_EXISTING,
    metavar="PUBLIC",
    help="Public half of a key that may have signed; may be given again.",
)


class NotDone(click.ClickException):
    """It could not be done; the message says why."""

    exit_code = EXIT_NOT_DONE


@click.group("audit", short_help="Prove and export what was done.")
def audit() -> None:
    """Prove that a journal is what was written, and export what it says.

    Exit code: 0 done, 1 something is wrong with the journal, 2 wrong usage, 3 it could not be done.
    """


@audit.command("keygen", short_help="Make a key that signs checkpoints.")
@click.argument("key", type=click.Path(path_type=Path), metavar="KEY")
def keygen(key: Path) -> None:
    """Make a key: its private half in the file KEY, for the server alone, its public in KEY.pub."""
    with refusals():
        public = new_key(key)
    click.echo(f"{key}: the private half, for `creditgate serve --checkpoint-key`")
    click.echo(f"{public}: the public half, for `creditgate audit verify --key`")


@audit.command("checkpoint", short_help="Get a signed checkpoint of now.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER")
@connected
def checkpoint(connection: Connection, folder: Path) -> None:
    """Have the server sign where its journal stands, and keep that in FOLDER."""
    found = connection.client.get_checkpoint()
    kept = Checkpoint(
        epoch=found.epoch,
        seq=found.journal_seq,
        time=_micros(found.time),
        digest=found.digest.hex(),
        signature=base64.b64encode(found.signature).decode(),
    )
    path = folder / f"checkpoint-{kept.seq:020}.json"
    with refusals():
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(path, statement_bytes(kept))
    click.echo(f"{path}: entry {kept.seq}")


def _micros(time: datetime | None) -> int:
    return (
        0 if time is None else (time - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    )


@audit.command("export", short_help="Write what was done as CSV or JSON Lines.")
@click.option("--account", default="", metavar="ID", help="Of this account.  [default: of all]")
@click.option(
    "--since",
    type=TIME,
    metavar="TIME",
    help="From this day or moment on (ISO 8601, UTC unless it names a zone).",
)
@click.option(
    "--after-seq",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="From the entry after this one on.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="CSV, one record to a line, or JSON Lines, one entry to a line.",
)
@click.option("--follow", is_flag=True, help="Go on with what is done from now on.")
@connected
def export(
    connection: Connection,
    *,
    account: str,
    since: datetime | None,
    after_seq: int,
    form: str,
    follow: bool,
) -> None:
    """Write every change to standard output: who, when, why, through which channel, before, after.

    The server adds its journal up from the beginning to know what was before, and stands back
    behind orders while it does; the first line may take its time.
    """
    writer: Writer = Csv(sys.stdout) if form == "csv" else JsonLines(sys.stdout)
    read_seq = after_seq
    parts = connection.client.stream_changes(
        account_id=account, since=since, after_seq=after_seq, follow=follow
    )
    try:
        for part in parts:
            writer.write(part.changes)
            sys.stdout.flush()
            read_seq = part.journal_seq
    except TransientError as error:
        message = f"{error}\nGo on from where this ends with --after-seq {read_seq}."
        raise NotDone(message) from error


@audit.command("erase", short_help="Erase a person's data beside the chain.")
@click.argument("account", metavar="ACCOUNT")
@click.argument("reason", metavar="REASON")
@click.option("--channel", default="cli", show_default=True, help="For the journal.")
@click.option("--request-id", metavar="ID", help="Repeat an earlier request.  [default: a new id]")
@connected
def erase(
    connection: Connection, account: str, reason: str, *, channel: str, request_id: str | None
) -> None:
    """Erase the name of ACCOUNT, and the reasons of every entry about it.

    The entries stay, and with them the chain; REASON says who asked for it and by what right, and
    is journalled with the erasure. The server looks through all texts of its store.
    """
    found = connection.client.erase_texts(
        account, reason, channel=channel, request_id=request_id, timeout_s=_ERASE_TIMEOUT_S
    )
    if connection.json:
        connection.write_json(found)
        return
    click.echo(f"{account}: texts of {found.entries_erased} entries erased")


@audit.command("erase-entries", short_help="Erase the reasons of entries about no account.")
@click.argument("reason", metavar="REASON")
@click.option(
    "--entry",
    "seqs",
    multiple=True,
    required=True,
    type=click.IntRange(min=1),
    metavar="SEQ",
    help="Where it stands in the journal; may be given again.",
)
@click.option("--channel", default="cli", show_default=True, help="For the journal.")
@click.option("--request-id", metavar="ID", help="Repeat an earlier request.  [default: a new id]")
@connected
def erase_entries(
    connection: Connection,
    reason: str,
    *,
    seqs: tuple[int, ...],
    channel: str,
    request_id: str | None,
) -> None:
    """Erase the reasons of entries that are about no account, as delegations.

    Where they stand, `creditgate audit export` tells. REASON is the erasure's own, as it is of
    `audit erase`, which takes those about an account.
    """
    found = connection.client.erase_texts(
        reason=reason, journal_seqs=seqs, channel=channel, request_id=request_id
    )
    if connection.json:
        connection.write_json(found)
        return
    click.echo(f"texts of {found.entries_erased} entries erased")


@audit.command("verify", short_help="Find any edit, deletion or reordering.")
@click.argument(
    "store", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="STORE"
)
@archive_option
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=_EXISTING,
    metavar="FILE",
    help="A signed checkpoint, or a folder of them; may be given again.",
)
@key_option
def verify_command(
    store: Path, archives: tuple[Path, ...], checkpoints: tuple[Path, ...], keys: tuple[Path, ...]
) -> None:
    """Verify the journal in STORE: the folder of a stopped server, a backup, or a copy.

    Every digest, the chain, that no entry is missing, and every text; with checkpoints that were
    kept elsewhere, that the chain goes through each of them. What is wrong is named by its kind and
    the first entry that is at fault.
    """
    if not (store / "journal").is_dir() and not statement_files([store], "commits-*.mdb"):
        raise click.UsageError(f"{store}: not a store: it has no folder named journal")
    trimmed = statement_files([*archives, store / "archive"], "trimmed-*.json")
    if not keys and (checkpoints or any(path.exists() for path in trimmed)):
        raise click.UsageError(
            "signed files need --key: the public half of what signed checkpoints, or statements "
            "on trimmed files"
        )
    if is_in_use(store):
        raise NotDone(f"{store} is in use: stop the server, or verify a backup of it")
    with refusals(), progress_bar("Verifying") as tell:
        found = verify(store, archives, checkpoints, public_keys(keys), progress=tell)
    for name, value in _facts(found):
        click.echo(f"{name:<20} {value}")
    for fault in found.faults:
        click.echo(f"wrong: {fault.fault}: {fault}")
    click.echo("damaged" if found.faults else "whole")
    if found.faults:
        click.get_current_context().exit(EXIT_DAMAGED)


@audit.command("trim", short_help="Remove old files of the archive, keep the proof.")
@click.argument(
    "store", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="STORE"
)
@click.option(
    "--checkpoint",
    "checkpoints",
    required=True,
    multiple=True,
    type=_EXISTING,
    metavar="FILE",
    help="A signed checkpoint, or a folder of them; may be given again.",
)
@key_option
@click.option(
    "--sign", "signer", required=True, type=_EXISTING, metavar="KEY", help="Private half of a key."
)
@click.option("--before", type=TIME, metavar="TIME", help="Only files that end before this.")
def trim_command(
    store: Path,
    checkpoints: tuple[Path, ...],
    keys: tuple[Path, ...],
    *,
    signer: Path,
    before: datetime | None,
) -> None:
    """Remove the oldest files of STORE/archive that a checkpoint vouches for; the server is down.

    The whole journal is verified first. In place of each file stands a signed statement, with
    which `verify` still proves the rest of the chain. What a start of the server needs stays.
    """
    before_us = None if before is None else _micros(before)
    with refusals(), progress_bar("Verifying") as tell:
        removed = trim(
            store,
            checkpoints,
            public_keys(keys),
            private_key(signer),
            before_us=before_us,
            progress=tell,
        )
    for statement in removed:
        entries = f"entries {statement.first_seq} to {statement.last_seq}"
        click.echo(f"{statement.file}: {entries} removed")
    click.echo(f"{len(removed)} files removed")


def _facts(found: Verified) -> Iterator[tuple[str, object]]:
    chain = found.chain
    yield "entries", chain.seq
    yield "commits", chain.commits
    yield "head of the chain", chain.head.hex()
    yield "texts", found.texts
    yield "texts erased", found.texts_erased
    if chain.crossed:
        yield "files trimmed", len(chain.crossed)
    if not found.passed:
        yield "checkpoints", "none: nothing vouches for the end of the journal"
        return
    last = found.passed[-1]
    yield "checkpoints", len(found.passed)
    if found.inside:
        yield "of trimmed entries", f"{len(found.inside)}, with nothing left to hold them against"
    yield "vouched for", f"up to entry {last.seq} of {moment(last.time)}"
    yield "not vouched for", f"{max(chain.seq - last.seq, 0)} entries after it"


def moment(time_us: int) -> str:
    """A time of the journal for people, in UTC."""
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@contextmanager
def refusals() -> Iterator[None]:
    """Errors of files as one line."""
    try:
        yield
    except (SignedError, TrimError, OSError) as error:
        raise NotDone(str(error)) from error


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, fed with what is done and all there is."""
    with click.progressbar(length=1, label=label, file=sys.stderr, width=30) as bar:

        def tell(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.pos = done
            bar.render_progress()

        yield tell
