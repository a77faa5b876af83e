"""What is stored already that matters to a batch."""

from __future__ import annotations

import polars as pl

from collector.identity.graph import Graph
from collector.identity.inheritance import MOST_HOPS
from threadline.store.telemetry import Telemetry, facts


def gather(batch: pl.DataFrame, telemetry: Telemetry, graph: Graph) -> pl.DataFrame:
    """All stored versions of the facts whose attribution `batch` may change or depend on.

    These are the facts of its traces, of traces that link to them or that they link to, hop by hop,
    and its own facts outside of traces; columns as in `batch`. Costs nothing for what was never
    seen before.
    """
    traces = batch["trace_id"].unique()
    outside = batch.filter(pl.col("trace_id") == "")["fact_id"].unique()
    touched = _with_waiting(traces.filter(traces != ""), telemetry, graph)
    found = [_stored(batch, touched, outside, telemetry, graph)]
    ahead = _targets(pl.concat([found[0]["span_links"], batch["span_links"]]))
    for _ in range(MOST_HOPS):
        others = ahead.filter(~ahead.is_in(touched.implode()))
        if others.is_empty():
            break
        found.append(_stored(batch, others, outside.clear(), telemetry, graph))
        touched = pl.concat([touched, others])
        ahead = _targets(found[-1]["span_links"])
    return pl.concat(found)


def _with_waiting(traces: pl.Series, telemetry: Telemetry, graph: Graph) -> pl.Series:
    """`traces`, and the stored traces with spans that link to theirs, hop by hop."""
    touched = ahead = traces
    for _ in range(MOST_HOPS):
        awaited = ahead.filter(graph.awaited.contains(ahead))
        if awaited.is_empty():
            break
        linking = facts.linking(telemetry, awaited)
        ahead = linking.filter(~linking.is_in(touched.implode()))
        touched = pl.concat([touched, ahead])
    return touched


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
