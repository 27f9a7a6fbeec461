"""Reconciliations that were told of: those that found anything are told on."""

import logging
from typing import Any, Final

from creditgate.core import METHODS
from creditgate.server.bridge import Bridge
from creditgate.server.calls import CallRecorder, Context
from creditgate.server.drain import Drain
from creditgate.server.errors import CallError
from creditgate.server.logs import log
from creditgate.v1 import ledger_pb2

PATH: Final = "/creditgate.v1.LedgerService/RecordReconciliation"
_NUMBER: Final = METHODS[PATH]


class RecordReconciliation:
    """Has the core keep a reconciliation, and logs one that found something.

    That line is an alert: it is no call's own, so no budget of lines holds it back.
    """

    def __init__(self, bridge: Bridge, drain: Drain, recorder: CallRecorder) -> None:
        self._bridge = bridge
        self._drain = drain
        self._recorder = recorder

    async def handle(self, raw: bytes, context: Context) -> Any:
        """Serve one call."""
        try:
            with self._recorder.call(context, raw) as call:
                call.caller = self._recorder.caller_of(context)
                self._drain.enter()
                try:
                    timeout_s = context.time_remaining()
                    reply = await self._bridge.call(_NUMBER, raw, call.caller, timeout_s)
                finally:
                    self._drain.leave()
        except CallError as error:
            await self._recorder.refuse(context, error)
        _tell(raw, reply, self._recorder.name_of(call.caller))
        return reply


def _tell(raw: bytes, reply: bytes, actor: str) -> None:
    """Only once it is durable, and not again for a repeat."""
    answer = ledger_pb2.RecordReconciliationResponse.FromString(reply)
    request = ledger_pb2.RecordReconciliationRequest.FromString(raw)
    found = request.reconciliation
    unclear = found.accounts_unsettled + found.accounts_unreadable
    if answer.replayed or not (found.accounts_differing or unclear):
        return
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
