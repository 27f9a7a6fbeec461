"""AuditService: its calls, and what it answers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from creditgate.client._common import Decision, decision_from
from creditgate.client._wire import (
    Call,
    Lane,
    Listing,
    Page,
    Watch,
    method_path,
    new_request_id,
    parser,
    time_or_none,
    unary,
    zoned,
)
from creditgate.v1 import audit_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["AuditService"]

Plain: TypeAlias = dict[str, Any]
"""A record of the contract by the names of its fields, ready to be written as JSON: absent fields
and empty messages are None, times ISO 8601, choices their names without the common beginning."""


class RecordChange(msgspec.Struct, frozen=True, kw_only=True):
    """One record before and after an entry of the journal, in full."""

    account_id: str
    """Whose it is; empty where it is no account's."""
    kind: str
    """`account`, `counters`, `reservation`, `segment`, `terms`, `calendar`, `assignment`,
    `policy`, `case`, `delegation`, `rate`, `utilisation`, `adjustments` or `reconciliation`."""
    before: Plain | None
    """None: there was none before."""
    after: Plain | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the journal: who did what, when, why, through which channel, and what it
    changed."""

    journal_seq: int
    time: datetime | None
    actor: str
    channel: str
    reason: str
    reason_erased: bool
    """A reason was given, and erased since."""
    command: str
    request_id: str
    """Of a ledger entry its entry_id."""
    account_id: str
    """The account that was named; empty where none was, or several."""
    decision: Decision | None
    """Of an order; None for anything else."""
    records: tuple[RecordChange, ...]
    source: str
    """Of a ledger entry, of a source that was moved or reconciled, or of adjustments that are
    proposed."""


class ChangesProgress(msgspec.Struct, frozen=True):
    """A part of a stream of changes; may be empty at the end of the journal."""

    changes: Sequence[Change]
    journal_seq: int
    """Up to where the journal was read."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where the chain of the journal stood, signed. docs/audit.md says how to verify it."""

    format: int
    epoch: int
    journal_seq: int
    time: datetime | None
    digest: bytes
    signature: bytes


class ErasureResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure did."""

    entries_erased: int
    """Entries whose texts were erased; of an account at most 100,000 at a time."""
    journal_seq: int
    replayed: bool


def list_changes(
    *,
    account_id: str = "",
    since: datetime | None = None,
    after_seq: int = 0,
    page_size: int = 0,
    timeout_s: float | None = None,
) -> Listing[Change]:
    """What was done, oldest first, read page by page as it is needed.

    Of one account or of all (""); not before `since`, and not up to the entry `after_seq`. The
    server adds the journal up from its beginning to know what was before: the first change may take
    its time. `page_size` 0 is the server's 100, at most 1,000; `timeout_s` holds for one page.
    """
    first = zoned("since", since)

    def page(token: str) -> Call[Page[Change]]:
        request = pb.ListChangesRequest(
            account_id=account_id,
            since=first,
            after_seq=after_seq,
            page_size=page_size,
            page_token=token,
        )
        return unary(
            method_path(_SERVICE, "ListChanges"),
            request,
            pb.ListChangesResponse,
            lambda got: Page(_changes(got.changes), got.next_page_token),
            lane=Lane.BULK,
            timeout_s=timeout_s,
        )

    return Listing(page)


def stream_changes(
    *,
    account_id: str = "",
    since: datetime | None = None,
    after_seq: int = 0,
    follow: bool = False,
    timeout_s: float | None = None,
) -> Watch[ChangesProgress]:
    """The same as a stream, to the end of the journal; with `follow`, on from there without end.

    When it breaks (UnavailableError), go on with the `journal_seq` of what came last as
    `after_seq`.
    """
    request = pb.StreamChangesRequest(
        account_id=account_id, since=zoned("since", since), after_seq=after_seq, follow=follow
    )
    return Watch(
        method_path(_SERVICE, "StreamChanges"),
        request.SerializeToString(),
        parser(
            pb.StreamChangesResponse,
            lambda got: ChangesProgress(_changes(got.changes), got.journal_seq),
        ),
        timeout_s,
    )


def get_checkpoint(*, timeout_s: float | None = None) -> Call[Checkpoint]:
    """Where the chain stands now, signed.

    Raises PreconditionError (CHECKPOINTS_OFF) where the server has no key.
    """
    return unary(
        method_path(_SERVICE, "GetCheckpoint"),
        pb.GetCheckpointRequest(),
        pb.GetCheckpointResponse,
        lambda got: Checkpoint(
            format=got.checkpoint.format,
            epoch=got.checkpoint.epoch,
            journal_seq=got.checkpoint.journal_seq,
            time=time_or_none(got.checkpoint, "time"),
            digest=got.checkpoint.digest,
            signature=got.checkpoint.signature,
        ),
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def erase_texts(
    account_id: str = "",
    reason: str = "",
    *,
    journal_seqs: Sequence[int] = (),
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ErasureResult]:
    """Erases what people wrote about an account: its name, and the reasons of entries about it.

    Or the reasons of entries that are about no account, as delegations: `journal_seqs` names at
    most 1,000, and no account is given. `reason`, who asked for it and by what right, is required.
    For an account the server looks through all texts of its store: a large one takes its time.
    Raises NotFoundError (ACCOUNT_NOT_FOUND, ENTRY_NOT_FOUND).
    """
    return unary(
        method_path(_SERVICE, "EraseTexts"),
        pb.EraseTextsRequest(
            request_id=request_id or new_request_id(),
            account_id=account_id,
            journal_seqs=journal_seqs,
            reason=reason,
            channel=channel,
        ),
        pb.EraseTextsResponse,
        lambda got: ErasureResult(
            entries_erased=got.entries_erased, journal_seq=got.journal_seq, replayed=got.replayed
        ),
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def _changes(messages: Sequence[pb.Change]) -> tuple[Change, ...]:
    return tuple(_change(message) for message in messages)


def _change(message: pb.Change) -> Change:
    return Change(
        journal_seq=message.journal_seq,
        time=time_or_none(message, "time"),
        actor=message.actor,
        channel=message.channel,
        reason=message.reason,
        reason_erased=message.reason_erased,
        command=message.command,
        request_id=message.request_id,
        account_id=message.account_id,
        decision=decision_from(message.decision) if message.decision else None,
        records=tuple(_record_change(record) for record in message.records),
        source=message.source,
    )


def _record_change(message: pb.RecordChange) -> RecordChange:
    kind = message.after.WhichOneof("of") or message.before.WhichOneof("of") or ""
    before, after = (
        _plain(getattr(record, kind)) if kind and record.WhichOneof("of") else None
        for record in (message.before, message.after)
    )
    return RecordChange(account_id=message.account_id, kind=kind, before=before, after=after)


def _plain(message: Message) -> Plain:
    """Every field of a message by name."""
    return {field.name: _plain_field(message, field) for field in message.DESCRIPTOR.fields}


def _plain_field(message: Message, field: Any) -> Any:
    if field.has_presence and not message.HasField(field.name):
        return None
    value = getattr(message, field.name)
    if field.is_repeated:
        return [_plain_value(field, part) for part in value]
    return _plain_value(field, value)


def _plain_value(field: Any, value: Any) -> Any:
    if isinstance(value, Timestamp):
        return value.ToDatetime(tzinfo=UTC).isoformat()
    if isinstance(value, Message):
        return _plain(value)
    if field.enum_type is not None:
        names = field.enum_type.values_by_number
        common = names[0].name.removesuffix("UNSPECIFIED")
        return names[value].name.removeprefix(common) if value in names else str(value)
    return value
