"""What the service tells Prometheus about itself."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class PipelineInstruments:
    """Counts and gauges of the derivation, registered in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.facts = Counter(
            "threadline_facts", "Facts derived from the log.", ["source"], registry=registry
        )
        self.resent = Counter(
            "threadline_facts_resent",
            "Facts received again unchanged (transport re-sends).",
            ["source"],
            registry=registry,
        )
        self.version_conflicts = Counter(
            "threadline_fact_version_conflicts",
            "Facts received again with other content.",
            ["source"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "threadline_dead_letters",
            "Inputs that could not be understood.",
            ["source"],
            registry=registry,
        )
        self.implausible = Counter(
            "threadline_facts_implausible",
            "Facts whose times make no sense; stored, never evidence.",
            ["source"],
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "threadline_pipeline_batch_seconds",
            "Time to derive one batch, by stage.",
            ["stage"],
            registry=registry,
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
        )
        self.lag_seconds = Gauge(
            "threadline_pipeline_lag_seconds",
            "Age of the oldest input in the log that is not derived yet.",
            registry=registry,
        )
        self.failures = Counter(
            "threadline_pipeline_failures",
            "Batches that failed and are tried again.",
            ["reason"],
            registry=registry,
        )


class AlertsInstruments:
    """How alerting keeps up, registered in `registry`.

    What is told as of a scrape is asked of the functions given: seconds, NaN where there is nothing
    to tell.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        lag: Callable[[], float],
        leads: Callable[[], bool],
        oldest: Callable[[], float],
    ) -> None:
        self.evaluation_seconds = Histogram(
            "threadline_alerts_evaluation_seconds",
            "Time to judge what had to be judged, one turn.",
            registry=registry,
            buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 2, 5, 10),
        )
        self.deliveries = Counter(
            "threadline_alerts_deliveries",
            "Attempts to deliver a notification, by how they ended.",
            ["outcome"],
            registry=registry,
        )
        self._told(
            registry,
            "threadline_alerts_evaluation_lag_seconds",
            "Now less the instant up to which deadlines are judged; NaN if another service does.",
            lag,
        )
        self._told(
            registry,
            "threadline_alerts_leader",
            "1 where deadlines are judged, 0 where another service does.",
            lambda: float(leads()),
        )
        self._told(
            registry,
            "threadline_alerts_oldest_undelivered_seconds",
            "Age of the notification that is owed the longest; NaN when none is.",
            oldest,
        )

    def _told(
        self, registry: CollectorRegistry, name: str, said: str, value: Callable[[], float]
    ) -> None:
        Gauge(name, said, registry=registry).set_function(value)
