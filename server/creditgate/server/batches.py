"""A stream of batches of orders, for clients that want order after order without a call each."""

import asyncio
from contextlib import suppress
from typing import Any, Final, TypeAlias

import grpc

from creditgate.server.bridge import BATCH_METHOD, Bridge
from creditgate.server.calls import CallRecorder, Context
from creditgate.server.drain import Drain
from creditgate.server.errors import CallError

STREAM_PATH: Final = "/creditgate.v1.CreditDecisionService/StreamCheckAndReserve"

WINDOW: Final = 8
"""Requests of one stream that are read and not yet answered; the next one is not read before."""

_ROOM_PAUSE_S: Final = 0.005
"""How long a stream for which the core has no room waits before it looks again."""

_Answer: TypeAlias = asyncio.Future[bytes]


class StreamCheckAndReserve:
    """Decides a stream of batches, several at a time, and answers them in their order."""

    def __init__(self, bridge: Bridge, drain: Drain, recorder: CallRecorder) -> None:
        self._bridge = bridge
        self._drain = drain
        self._recorder = recorder

    async def handle(self, _requests: Any, context: Context) -> None:
        """Serve one call. Each request is answered once it is durable."""
        try:
            with self._recorder.call(context) as call:
                call.streaming = True
                call.figures = {"answered": 0}
                call.caller = self._recorder.caller_of(context)
                self._drain.enter()
                try:
                    await self._answer_all(call.caller, call.figures, context)
                finally:
                    self._drain.leave()
        except CallError as error:
            await self._recorder.refuse(context, error)

    async def _answer_all(self, caller: str, figures: dict[str, int], context: Context) -> None:
        window = asyncio.Semaphore(WINDOW)
        answers: asyncio.Queue[_Answer | None] = asyncio.Queue()
        reader = asyncio.create_task(self._read_all(caller, window, answers, context))
        try:
            while (answer := await answers.get()) is not None:
                await context.write(await answer)
                figures["answered"] += 1
                window.release()
            await reader  # it has ended: with its error, if it had one
        finally:
            reader.cancel()
            # Looked at, so that asyncio does not warn of it.
            reader.add_done_callback(lambda task: task.cancelled() or task.exception())
            _forget(answers)

    async def _read_all(
        self,
        caller: str,
        window: asyncio.Semaphore,
        answers: asyncio.Queue[_Answer | None],
        context: Context,
    ) -> None:
        """Hand requests to the core as they come; puts what will answer each, and None at last."""
        try:
            while True:
                await window.acquire()
                # As in a stream of entries: a stopping server reads no more, and answers the rest.
                raw: Any = await self._drain.unless_begun(context.read())
                if raw is grpc.aio.EOF:
                    return
                await self._bridge.pace(caller, raw)
                # Looked for beforehand: a batch that was refused and came again would be decided
                # after those behind it. The call's deadline ends this wait like any other.
                while not self._bridge.has_room(raw):
                    await asyncio.sleep(_ROOM_PAUSE_S)  # nobody tells of room
                    # Other streams of the caller may have asked meanwhile.
                    await self._bridge.pace(caller, raw)
                # As it came: the request of one batch.
                timeout_s = context.time_remaining()
                answers.put_nowait(self._bridge.call(BATCH_METHOD, raw, caller, timeout_s))
        finally:
            answers.put_nowait(None)


def _forget(answers: asyncio.Queue[_Answer | None]) -> None:
    """Let go of answers that nobody will be told."""
    with suppress(asyncio.QueueEmpty):
        while True:
            answer = answers.get_nowait()
            if answer is not None and not answer.cancel() and not answer.cancelled():
                answer.exception()  # looked at, as above
