"""The metrics page: what it shows, and as what."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from creditgate.server.metrics import Metrics


class Figures:
    """A core with one figure of each kind."""

    def stats(self) -> dict[str, int]:
        return {
            "store_full_now": 1,
            "tables_failing_now": 0,
            "tables_flushes": 7,
            "journal_bytes": 4096,
            "commit_last_s": 2,
        }

    def reconciliations(self) -> list[tuple[str, int, int, int, int]]:
        return [("bank", 0, 0, 0, 1_500_000), ("erp", 3, 2, 1, 2_000_000)]


def shown(metrics: Metrics) -> dict[str, tuple[str, list[float]]]:
    """Each family on the page with its type and its values."""
    page = generate_latest(metrics.registry).decode()
    return {
        family.name: (family.type, [sample.value for sample in family.samples])
        for family in text_string_to_metric_families(page)
    }


def test_what_is_so_now_is_a_gauge_and_what_only_grows_a_counter() -> None:
    metrics = Metrics()
    metrics.watch_core(Figures())
    families = shown(metrics)
    assert families["creditgate_core_store_full_now"] == ("gauge", [1])
    assert families["creditgate_core_tables_failing_now"] == ("gauge", [0])
    assert families["creditgate_core_tables_flushes"] == ("counter", [7])
    assert families["creditgate_core_journal_bytes"] == ("gauge", [4096])
    assert families["creditgate_core_commit_last_seconds"] == ("gauge", [2])


def test_the_latest_reconciliation_of_each_source_is_shown() -> None:
    metrics = Metrics()
    metrics.watch_core(Figures())
    families = shown(metrics)
    assert families["creditgate_reconciliation_accounts"] == ("gauge", [0, 0, 0, 3, 2, 1])
    assert families["creditgate_reconciliation_timestamp_seconds"] == ("gauge", [1.5, 2])


def test_what_has_not_happened_is_not_shown() -> None:
    metrics = Metrics()
    figures = metrics.method("/service/Method")
    assert shown(metrics)["creditgate_server_calls"] == ("counter", [])
    figures.count("OK")
    families = shown(metrics)
    assert families["creditgate_server_calls"] == ("counter", [1])
    assert families["creditgate_server_call_seconds"] == ("histogram", [])
    assert not [name for name in families if name.endswith("_created")]


def test_a_call_is_in_every_bucket_from_its_own_on() -> None:
    metrics = Metrics()
    figures = metrics.method("/service/Method")
    for duration_s in (0.0001, 0.003, 0.0031, 6.0):
        figures.observe(duration_s)
    page = generate_latest(metrics.registry).decode()
    samples = {
        (sample.name.removeprefix("creditgate_server_call_seconds"), sample.labels.get("le")): (
            sample.value
        )
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.labels.get("method") == "/service/Method"
    }
    assert samples["_bucket", "0.00025"] == 1
    assert samples["_bucket", "0.002"] == 1
    assert samples["_bucket", "0.003"] == 2  # a bound belongs to its bucket
    assert samples["_bucket", "0.005"] == 3
    assert samples["_bucket", "5.0"] == 3
    assert samples["_bucket", "+Inf"] == samples["_count", None] == 4
    assert samples["_sum", None] == sum((0.0001, 0.003, 0.0031, 6.0))
