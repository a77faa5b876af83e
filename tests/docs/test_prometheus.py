"""docs/prometheus.md names exactly the series by which alerting tells how it keeps up."""

from __future__ import annotations

import math
import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from threadline.instruments import AlertsInstruments

DOCS = (Path(__file__).parents[2] / "docs" / "prometheus.md").read_text(encoding="utf-8")


def exposed() -> dict[str, set[str]]:
    """The labels of each series, as a scrape names it."""
    registry = CollectorRegistry()
    told = AlertsInstruments(registry, lag=lambda: 0.0, leads=lambda: True, oldest=lambda: math.nan)
    told.deliveries.labels(outcome="delivered").inc()
    return {
        family.name + ("_total" if family.type == "counter" else ""): {
            label for sample in family.samples for label in sample.labels if label != "le"
        }
        for family in registry.collect()
    }


def documented() -> dict[str, set[str]]:
    """The labels of each series, by the table."""
    rows = [line.split("|")[1:3] for line in DOCS.splitlines() if line.startswith("| `")]
    return {
        name: {label.strip() for label in labels.split(",") if label.strip()}
        for names, labels in rows
        for name in re.findall(r"`(threadline_alerts_\w+)`", names)
    }


def test_every_series_of_alerting_is_documented_with_its_labels_and_no_other():
    assert documented() == exposed()
