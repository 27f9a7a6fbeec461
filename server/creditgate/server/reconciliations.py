"""Reconciliations that were told of: those that found anything are told on."""

import logging
from typing import Final

from creditgate.server.logs import log
from creditgate.v1 import ledger_pb2

PATH: Final = "/creditgate.v1.LedgerService/RecordReconciliation"


def tell(raw: bytes, reply: bytes, actor: str) -> bytes:
    """Log a reconciliation that found something, once it is durable, and not again for a repeat.

    That line is an alert: it is no call's own, so no budget of lines holds it back.
    """
    answer = ledger_pb2.RecordReconciliationResponse.FromString(reply)
    request = ledger_pb2.RecordReconciliationRequest.FromString(raw)
    found = request.reconciliation
    unclear = found.accounts_unsettled + found.accounts_unreadable
    if answer.replayed or not (found.accounts_differing or unclear):
        return reply
    log(
        logging.ERROR if found.accounts_differing else logging.WARNING,
        "ledger and service do not agree" if found.accounts_differing else "not all was compared",
        source=request.source,
        position=found.position,
        accounts_compared=found.accounts_compared,
        accounts_differing=found.accounts_differing,
        accounts_unsettled=found.accounts_unsettled,
        accounts_unreadable=found.accounts_unreadable,
        journal_seq=answer.journal_seq,
        actor=actor,
    )
    return reply
