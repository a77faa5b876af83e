"""What is stored already that a batch may change."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from collector.identity.graph import Graph
from threadline.store.telemetry import Telemetry, facts


@dataclass(frozen=True, kw_only=True)
class Neighbourhood:
    """`facts`: all stored versions of the facts of the traces a batch touches, and of its facts
    outside of traces. `context`: the traces among them that are only linked to, not touched.
    """

    facts: pl.DataFrame
    context: pl.Series


def gather(batch: pl.DataFrame, telemetry: Telemetry, graph: Graph) -> Neighbourhood:
    """Look up the neighbourhood of `batch`; costs nothing for what was never seen before."""
    traces = batch["trace_id"].unique()
    traces = traces.filter(traces != "")
    outside = batch.filter(pl.col("trace_id") == "")["fact_id"].unique()
    touched = pl.concat([traces, _waiting(traces, telemetry, graph)]).unique()
    found = _stored(batch, touched, outside, telemetry, graph)
    context = _targets(pl.concat([found["span_links"], batch["span_links"]]))
    context = context.filter(~context.is_in(touched.implode()))
    lent = _stored(batch, context, outside.clear(), telemetry, graph)
    return Neighbourhood(facts=pl.concat([found, lent]), context=context)


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
