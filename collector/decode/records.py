"""What both decoders give for each fact, before the mapping is applied."""

from __future__ import annotations

from typing import Any

import polars as pl

_PICKS = pl.List(pl.Struct({"key": pl.String, "json": pl.String, "texts": pl.List(pl.String)}))

# As sent, ids in hexadecimal. `entry` is the index of the request in the batch; `service` what it
# calls itself (`service.name`, a CloudEvent's source); `started`, `ended` are Unix nanoseconds,
# 0 when absent; `time` is RFC 3339 text; `code` is a span's status or a record's severity; `picks`
# holds the attributes the mapping reads; `fault` says why this is no fact; a request with any row
# `left_over` is decoded by the reference.
SCHEMA = pl.Schema(
    {
        "entry": pl.UInt64(),
        "service": pl.String(),
        "trace_id": pl.String(),
        "span_id": pl.String(),
        "parent_span_id": pl.String(),
        "traceparent": pl.String(),
        "trace_state": pl.String(),
        "name": pl.String(),
        "started": pl.UInt64(),
        "ended": pl.UInt64(),
        "time": pl.String(),
        "code": pl.Int32(),
        "message": pl.String(),
        "attributes": pl.String(),
        "span_links": pl.List(pl.String()),
        "picks": _PICKS,
        "fact_id": pl.String(),
        "content_hash": pl.UInt64(),
        "fault": pl.String(),
        "left_over": pl.Boolean(),
    }
)

BLANK: dict[str, Any] = {
    "service": "",
    "trace_id": "",
    "span_id": "",
    "parent_span_id": "",
    "traceparent": "",
    "trace_state": "",
    "name": "",
    "started": 0,
    "ended": 0,
    "time": "",
    "code": 0,
    "message": "",
    "attributes": "{}",
    "span_links": [],
    "picks": [],
    "fact_id": "",
    "content_hash": 0,
    "fault": "",
    "left_over": False,
}


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of the reference decoder as the frame the columnar one gives."""
    return pl.DataFrame(rows, schema=SCHEMA)
