"""Prometheus metrics, on a loopback HTTP endpoint of their own."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Final, Protocol

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
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

    def reconciliations(self) -> list[tuple[str, int, int, int, int]]:
        """The latest of each source; see `Core.reconciliations`."""
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
        yield from _reconciled(self._core.reconciliations())

    def describe(self) -> Iterator[Metric]:
        return iter(())  # known only once asked


def _reconciled(latest: list[tuple[str, int, int, int, int]]) -> Iterator[Metric]:
    """What the latest reconciliation of each source found, and when; none: there is no sample."""
    accounts = GaugeMetricFamily(
        "creditgate_reconciliation_accounts",
        "Accounts that the source's latest reconciliation found differing, unsettled, unreadable.",
        labels=("source", "found"),
    )
    told_at = GaugeMetricFamily(
        "creditgate_reconciliation_timestamp_seconds",
        "When the source's latest reconciliation was told of, in seconds since 1970.",
        labels=("source",),
    )
    for source, differing, unsettled, unreadable, at_us in latest:
        accounts.add_metric((source, "differing"), differing)
        accounts.add_metric((source, "unsettled"), unsettled)
        accounts.add_metric((source, "unreadable"), unreadable)
        told_at.add_metric((source,), at_us / 1e6)
    yield accounts
    yield told_at


class MethodFigures:
    """What became of the calls of one method.

    Plain numbers, because every call pays for them: the event loop's thread alone writes them, and
    scrapes read them as they find them.
    """

    __slots__ = ("_by_bucket", "_by_code", "_seconds")

    def __init__(self) -> None:
        self._by_code: dict[str, int] = {}
        self._by_bucket = [0] * (len(_LATENCY_BUCKETS_S) + 1)
        self._seconds = 0.0

    def count(self, code: str) -> None:
        """Count one ended call. `code`: the name of its gRPC status code."""
        self._by_code[code] = self._by_code.get(code, 0) + 1

    def observe(self, duration_s: float) -> None:
        """Take in how long one call took."""
        self._by_bucket[bisect_left(_LATENCY_BUCKETS_S, duration_s)] += 1
        self._seconds += duration_s

    def add_to(self, method: str, calls: CounterMetricFamily, took: HistogramMetricFamily) -> None:
        """Add the samples of this method. What never happened is none."""
        for code, count in list(self._by_code.items()):
            calls.add_metric((method, code), count)
        up_to = list(accumulate(self._by_bucket))
        if up_to[-1]:
            names = (*map(str, _LATENCY_BUCKETS_S), "+Inf")
            took.add_metric((method,), list(zip(names, up_to, strict=True)), self._seconds)


class _CallsCollector(Collector):
    """The figures of all methods."""

    def __init__(self) -> None:
        self.methods: Final[dict[str, MethodFigures]] = {}

    def collect(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "creditgate_server_calls",
            "Calls that ended, by method and gRPC status code.",
            labels=("method", "code"),
        )
        took = HistogramMetricFamily(
            "creditgate_server_call_seconds",
            "From the request's arrival in Python to its reply, unary calls only.",
            labels=("method",),
        )
        for method, figures in list(self.methods.items()):
            figures.add_to(method, calls, took)
        yield calls
        yield took

    def describe(self) -> Iterator[Metric]:
        return iter(())  # known only once asked


class Metrics:
    """The server's metrics in a registry of their own."""

    def __init__(self) -> None:
        # A `_created` beside every series would double the page; the process has its start time.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry: Final = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._calls = _CallsCollector()
        self.registry.register(self._calls)

    def method(self, path: str) -> MethodFigures:
        """Where the calls of this method are counted."""
        return self._calls.methods.setdefault(path, MethodFigures())

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
