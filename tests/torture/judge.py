"""Holds what clients heard against what the auditor finds in the journal."""

from typing import Any

from creditgate.audit.books import Auditor
from creditgate.audit.records import Answer
from creditgate.v1 import common_pb2, ledger_pb2
from tests.torture.client import SOURCE, Sent


class BrokenPromise(Exception):  # noqa: N818 - what it is called when it happens
    """Something that was promised is not so; says what."""


def promised(what: str, said: object, found: object) -> None:
    """Raises BrokenPromise unless both are the same."""
    if said != found:
        raise BrokenPromise(f"{what}: the client was told {said}, the journal says {found}")


def judge(books: Auditor, sent: Sent, answer: Any) -> None:
    """An acknowledged answer must be in the journal, word for word. Raises BrokenPromise."""
    _JUDGES[sent.method](books, sent.request, answer)


def _journalled(books: Auditor, request_id: str, result: Any) -> Any:
    """The outcome of a request, once its verdict is the one that was told."""
    found = books.answers.get((request_id, 0))
    if found is None:
        raise BrokenPromise(f"request {request_id}: acknowledged and not in the journal: {result}")
    promised(f"request {request_id}: sequence", result.journal_seq, found.seq)
    time_us = result.decide_time.ToMicroseconds()
    promised(f"request {request_id}: time", time_us, found.time)
    return found


def _verdict(what: str, result: Any, verdict: list[Any]) -> None:
    decision, reasons, fitting, available = verdict
    name = common_pb2.Decision.Name(result.decision).removeprefix("DECISION_").lower()
    promised(f"{what}: decision", name, decision)
    told = [
        [common_pb2.ReasonCode.Name(r.code).removeprefix("REASON_CODE_"), r.observed, r.threshold]
        for r in result.reasons
    ]
    promised(f"{what}: reasons", told, reasons)
    for field, found in (("fitting_amount_minor", fitting), ("available_minor", available)):
        said = getattr(result, field) if result.HasField(field) else None
        promised(f"{what}: {field}", said, found)


def _reserved(what: str, answer: Any, outcome: list[Any]) -> None:
    verdict, reservation, amount, expires_at = outcome
    _verdict(what, answer.result, verdict)
    promised(f"{what}: amount", answer.approved_amount_minor, amount)
    said = answer.reservation_id
    promised(f"{what}: reservation", said, "" if reservation is None else str(reservation))
    promised(f"{what}: expiry", answer.expire_time.ToMicroseconds(), expires_at)


def _order(books: Auditor, request: Any, answer: Any) -> None:
    found = _journalled(books, request.request_id, answer.result)
    _reserved(f"request {request.request_id}", answer, found.outcome["reserved"])


def _batch(books: Auditor, request: Any, answer: Any) -> None:
    if not request.all_or_none:
        for item, result in zip(request.items, answer.results, strict=True):
            if result.HasField("error"):
                raise BrokenPromise(f"an item without fault was refused: {result.error}")
            _order(books, item, result.response)
        return
    first = answer.results[0].response
    found: Answer = _journalled(books, request.request_id, first.result)
    outcomes = found.outcome["reserved_all"]
    for number, (result, outcome) in enumerate(zip(answer.results, outcomes, strict=True)):
        _reserved(f"request {request.request_id} item {number}", result.response, outcome)


def _change(books: Auditor, request: Any, answer: Any) -> None:
    what = f"request {request.request_id}"
    found = _journalled(books, request.request_id, answer.result)
    verdict, view, amount, breach = found.outcome["changed"]
    _verdict(what, answer.result, verdict)
    told = answer.reservation
    said = [
        told.reservation_id, told.account_id, told.order_id, told.currency, told.open_minor,
        told.captured_minor, told.released_minor, told.expired_minor,
        told.expire_time.ToMicroseconds(), told.create_time.ToMicroseconds(),
    ]  # fmt: skip
    promised(f"{what}: reservation", said, [str(view[0]), *view[1:]])
    for field in ("captured_amount_minor", "released_amount_minor"):
        if field in answer.DESCRIPTOR.fields_by_name:
            promised(f"{what}: {field}", getattr(answer, field), amount)
    promised(f"{what}: breach", getattr(answer, "breach", False), breach)


def _posted(books: Auditor, request: Any, answer: Any) -> None:
    for entry, result in zip(request.entries, answer.results, strict=True):
        if result.HasField("error"):
            raise BrokenPromise(f"entry {entry.entry_id} was refused: {result.error}")
        if result.outcome == ledger_pb2.ENTRY_OUTCOME_POSTED:
            found = books.postings.get((SOURCE, entry.entry_id))
            if found is None:
                raise BrokenPromise(f"entry {entry.entry_id}: acknowledged, not in the journal")
            promised(f"entry {entry.entry_id}: sequence", result.journal_seq, found.seq)


_JUDGES = {
    "CheckAndReserve": _order,
    "BatchCheckAndReserve": _batch,
    "Adjust": _change,
    "Capture": _change,
    "Release": _change,
    "PostEntries": _posted,
}
