"""The standard health service.

SERVING from the first call on, NOT_SERVING once the server begins to stop.
"""

from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from creditgate.server.drain import Drain

_Context = grpc.aio.ServicerContext[Any, Any]
_Status = health_pb2.HealthCheckResponse

SERVICE = health.SERVICE_NAME


class Health(health_pb2_grpc.HealthServicer):
    """One status for all services.

    Unlike the packaged servicer, it ends watches when the server stops: these would hold it up for
    the whole time of grace.
    """

    def __init__(self, drain: Drain, services: list[str]) -> None:
        self._drain = drain
        self._services = frozenset(["", SERVICE, *services])

    def _status(self, service: str) -> _Status:
        if service not in self._services:
            return _Status(status=_Status.SERVICE_UNKNOWN)
        return _Status(status=_Status.NOT_SERVING if self._drain.begun else _Status.SERVING)

    async def Check(  # noqa: N802 - the contract's name
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> _Status:
        """The status now; NOT_FOUND for a service that is not served."""
        if request.service not in self._services:
            await context.abort(
                grpc.StatusCode.NOT_FOUND, f"no service {request.service!r} is served here"
            )
        return self._status(request.service)

    async def Watch(  # noqa: N802 - the contract's name
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> None:
        """The status now and, once the server begins to stop, the last one."""
        await context.write(self._status(request.service))
        await self._drain.wait()
        await context.write(self._status(request.service))
