"""How the sources of this process do: `/healthz` for people and probes, `/metrics` for Prometheus.

On 127.0.0.1 alone, because it tells of the business.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from creditgate.loaders.running.breaker import BreakerState
from creditgate.loaders.running.sources import Source

HOST = "127.0.0.1"


class _SourcesCollector(Collector):
    """The figures of the sources as they are when asked."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        lag = GaugeMetricFamily(
            "creditgate_source_lag_seconds",
            "Age of the oldest event that the service does not know of yet.",
            labels=("source",),
        )
        events = CounterMetricFamily(
            "creditgate_source_events",
            "Events, by what became of them.",
            labels=("source", "outcome"),
        )
        errors = CounterMetricFamily(
            "creditgate_source_errors",
            "Failed attempts to reach the source or the service.",
            labels=("source",),
        )
        good = GaugeMetricFamily(
            "creditgate_source_last_good_event_timestamp_seconds",
            "When the service last took an event, in seconds since 1970.",
            labels=("source",),
        )
        breaker = GaugeMetricFamily(
            "creditgate_source_breaker_open",
            "1 while nothing is tried, or one attempt alone, as too many failed; else 0.",
            labels=("source",),
        )
        for source in self._sources:
            names = (source.name,)
            lag.add_metric(names, source.lag_s())
            for outcome, count in sorted(source.events.items()):
                events.add_metric((source.name, outcome), count)
            errors.add_metric(names, source.errors)
            if source.last_good_at is not None:
                good.add_metric(names, source.last_good_at)
            breaker.add_metric(names, int(source.breaker.state is not BreakerState.CLOSED))
        return iter((lag, events, errors, good, breaker))

    def describe(self) -> Iterator[Metric]:
        return iter(())  # known only once asked


def application(sources: Sequence[Source]) -> web.Application:
    """The two pages. `/healthz` answers 503 while any source does not go on as it should."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_SourcesCollector(sources))

    async def healthz(_request: web.Request) -> web.Response:
        healthy = all(source.healthy for source in sources)
        told = {
            "status": "ok" if healthy else "degraded",
            "sources": {source.name: source.figures() for source in sources},
        }
        return web.Response(
            body=msgspec.json.encode(told),
            status=200 if healthy else 503,
            content_type="application/json",
        )

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), content_type="text/plain")

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", metrics)])
    return app


@asynccontextmanager
async def served(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serves `app` over HTTP; yields the port, which is chosen where 0 is asked for. At the end
    requests that are being answered get their answers. Raises OSError."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=10)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
