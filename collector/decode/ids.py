"""Trace context from what senders say."""

from __future__ import annotations

import polars as pl

# OpenTelemetry's entry of a W3C tracestate: a threshold above zero means that spans were left out.
_SAMPLED = r"(?:^|,)[ \t]*ot=(?:[^,]*;)?th:0*[1-9a-f]"
_TRACEPARENT = r"^[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}"
_SPAN = pl.col("kind") == "span"


def identified(records: pl.DataFrame) -> pl.DataFrame:
    """`records` with valid ids or none, `sampled`, and `fault` where a span lacks an id of its own.

    What happened inside a span, told by a log record or an event, has that span as its parent.
    """
    parents = pl.col("traceparent").str.extract_groups(_TRACEPARENT).struct
    told = pl.col("kind") == "event"
    return (
        records.with_columns(
            trace_id=pl.when(told).then(parents.field("trace")).otherwise("trace_id"),
            parent_span_id=pl.when(told).then(parents.field("span")).otherwise("parent_span_id"),
            sampled=pl.col("trace_state").str.contains(_SAMPLED),
        )
        .with_columns(_valid("trace_id", 32), _valid("span_id", 16), _valid("parent_span_id", 16))
        .with_columns(fault=_fault())
    )


def _valid(name: str, digits: int) -> pl.Expr:
    id_ = pl.col(name)
    valid = (id_.str.len_bytes() == digits) & (id_ != "0" * digits)
    return pl.when(valid).then(id_).otherwise(pl.lit("")).alias(name)


def _fault() -> pl.Expr:
    return (
        pl.when(_SPAN & (pl.col("trace_id") == ""))
        .then(pl.lit("the span has no valid trace id"))
        .when(_SPAN & (pl.col("span_id") == ""))
        .then(pl.lit("the span has no valid span id"))
        .otherwise("fault")
    )
