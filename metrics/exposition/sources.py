"""What each source has sent, and since when systems were not heard of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

import polars as pl
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

MOST_SOURCES = 50
OTHER = "other"

_TOLD = {
    "last_received_timestamp_seconds": "When the source last sent anything",
    "facts": "Facts of the source in the index, re-sends not counted",
    "dead_letters": "Inputs of the source that could not be understood",
    "orphans": "Facts received in the last 7 days that nothing ties to a contract",
    "lateness_seconds": "Median time from event to receipt of what was received in the last day",
}


def told_by_sources(sources: pl.DataFrame) -> Iterator[Metric]:
    """A gauge for each column: source, facts, dead_letters, orphans, last_received_at and
    lateness_seconds (null where unknown). The `MOST_SOURCES` that sent most are told apart.
    """
    ordered = sources.sort("facts", "source", descending=[True, False])
    names = pl.when(pl.int_range(pl.len()) < MOST_SOURCES).then("source").otherwise(pl.lit(OTHER))
    told = (
        ordered.with_columns(source=names)
        .group_by("source", maintain_order=True)
        .agg(
            pl.col("facts", "dead_letters", "orphans").sum(),
            pl.col("last_received_at", "lateness_seconds").max(),
        )
        .with_columns(
            last_received_timestamp_seconds=pl.col("last_received_at").dt.epoch("ms") / 1000
        )
    )
    for name, words in _TOLD.items():
        family = GaugeMetricFamily(f"threadline_source_{name}", words, labels=("source",))
        for source, value in told.select("source", name).drop_nulls().iter_rows():
            family.add_metric([source], float(value))
        yield family


def heard(
    last: Mapping[str, datetime], declared: Collection[str], silent: Collection[str]
) -> Iterator[Metric]:
    """Of every declared system whether it is silent beyond its cadence, and when it was last heard
    of; undeclared ones have no cadence and are not told.
    """
    quiet = GaugeMetricFamily(
        "threadline_system_silent", "1 if nothing came within its cadence", labels=("system",)
    )
    since = GaugeMetricFamily(
        "threadline_system_last_received_timestamp_seconds",
        "When the system was last heard of, if within 8 days",
        labels=("system",),
    )
    for system in sorted(declared):
        quiet.add_metric([system], float(system in silent))
        if system in last:
            since.add_metric([system], last[system].timestamp())
    yield from (quiet, since)
