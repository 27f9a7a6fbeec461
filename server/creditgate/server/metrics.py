"""Prometheus metrics, on a loopback HTTP endpoint of their own."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

_LATENCY_BUCKETS_S: Final = (
    0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.007_5, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25,
    1.0, 5.0,
)  # fmt: skip

_GAUGE_UNITS: Final = ("_now", "_bytes", "_s", "_ms", "_us", "_ns", "_seq")


class HasStats(Protocol):
    """The part of the core that is asked at each scrape, from another thread."""

    def stats(self) -> dict[str, int]:
        """Name to figure; see `Core.stats`."""
        ...


class _CoreCollector(Collector):
    """The core's own figures as they are when asked."""

    def __init__(self, core: HasStats) -> None:
        self._core = core

    def collect(self) -> Iterator[Metric]:
        for name, value in self._core.stats().items():
            metric = f"creditgate_core_{name}"
            # Prometheus writes units in full, and a counter's name gets its `_total` here.
            if name.endswith(_GAUGE_UNITS):
                metric = metric.removesuffix("_s") + "_seconds" if name.endswith("_s") else metric
                yield GaugeMetricFamily(metric, f"The core's {name}.", value=value)
            else:
                yield CounterMetricFamily(metric, f"The core's {name}.", value=value)

    def describe(self) -> Iterator[Metric]:
        return iter(())  # known only once asked


class Metrics:
    """The server's metrics in a registry of their own."""

    def __init__(self) -> None:
        # A `_created` beside every series would double the page; the process has its start time.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry: Final = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.calls: Final = Counter(
            "creditgate_server_calls",
            "Calls that ended, by method and gRPC status code.",
            ("method", "code"),
            registry=self.registry,
        )
        self.latency: Final = Histogram(
            "creditgate_server_call_seconds",
            "From the request's arrival in Python to its reply, unary calls only.",
            ("method",),
            buckets=_LATENCY_BUCKETS_S,
            registry=self.registry,
        )

    def watch_core(self, core: HasStats) -> None:
        """Add the core's figures."""
        self.registry.register(_CoreCollector(core))

    def add_gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Add a figure that is read at each scrape, from another thread."""
        Gauge(name, description, registry=self.registry).set_function(read)


class MetricsServer:
    """The HTTP endpoint. It answers on threads of its own."""

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        """Raises OSError when the address cannot be bound."""
        self._http, self._thread = start_http_server(port, host, metrics.registry)
        self.port: Final[int] = self._http.server_port

    def close(self) -> None:
        """Stop answering and give the port back."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
