"""What is stored already that matters to a batch."""

from __future__ import annotations

import polars as pl

from collector.identity.graph import Graph
from threadline.store.telemetry import Telemetry, facts


def gather(batch: pl.DataFrame, telemetry: Telemetry, graph: Graph) -> pl.DataFrame:
    """All stored versions of the facts whose attribution `batch` may change or depend on.

    These are the facts of its traces, of traces that link to them or that they link to, and its own
    facts outside of traces; columns as in `batch`. Costs nothing for what was never seen before.
    """
    traces = batch["trace_id"].unique()
    traces = traces.filter(traces != "")
    outside = batch.filter(pl.col("trace_id") == "")["fact_id"].unique()
    touched = pl.concat([traces, _waiting(traces, telemetry, graph)]).unique()
    found = _stored(batch, touched, outside, telemetry, graph)
    targets = _targets(pl.concat([found["span_links"], batch["span_links"]]))
    others = targets.filter(~targets.is_in(touched.implode()))
    return pl.concat([found, _stored(batch, others, outside.clear(), telemetry, graph)])


def _waiting(traces: pl.Series, telemetry: Telemetry, graph: Graph) -> pl.Series:
    """Stored traces with spans that link to spans of `traces`."""
    awaited = traces.filter(graph.awaited.contains(traces))
    return facts.linking(telemetry, awaited) if len(awaited) else awaited


def _targets(span_links: pl.Series) -> pl.Series:
    links = span_links.filter(span_links.list.len() > 0).explode()
    return links.str.splitn(":", 2).struct.field("field_0").unique()


def _stored(
    batch: pl.DataFrame,
    traces: pl.Series,
    outside: pl.Series,
    telemetry: Telemetry,
    graph: Graph,
) -> pl.DataFrame:
    seen = traces.filter(graph.seen.contains(traces))
    known = outside.filter(graph.seen.contains(outside))
    if seen.is_empty() and known.is_empty():
        return batch.clear()
    return facts.of_groups(telemetry, seen, known).select(batch.columns)
