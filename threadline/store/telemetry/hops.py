"""How long the hops took that ended in a stretch of time, counted in buckets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry

# Of each bucket the last few hops are kept: not every fact that closes a step has a trace.
_CANDIDATES = 4

_ENDED = f"""
SELECT journey, step, toUInt16(arrayFirstIndex(edge -> took <= edge,
        arrayConcat({{edges:Array(Float64)}}, [inf])) - 1) AS bucket,
    toInt64(count()) AS hops, sum(took) AS seconds,
    groupArraySorted({_CANDIDATES})((-toUnixTimestamp64Nano(closed), closed_by, object_id, took))
        AS last
FROM (
    SELECT journey, step, closed_by, object_id, assumeNotNull(closed_at) AS closed,
        greatest(dateDiff('millisecond', assumeNotNull(ready_at), closed) / 1000, 0) AS took
    FROM steps FINAL
    WHERE ready_at IS NOT NULL AND closed_at >= {{since:DateTime64(9, 'UTC')}}
        AND closed_at <= {{until:DateTime64(9, 'UTC')}})
GROUP BY journey, step, bucket
"""

# By key: the object that the closing fact spoke of. Where the fact called it by another of its
# names, the hop stays without a trace.
_TRACES = """
SELECT fact_id, any(mentions.trace_id) AS trace_id FROM mentions FINAL
WHERE (object_type, namespace, value, fact_id) IN (
    SELECT t.1, t.2, t.3, t.4 FROM (SELECT arrayJoin(arrayZip({types:Array(String)},
        {namespaces:Array(String)}, {values:Array(String)}, {facts:Array(String)})) AS t))
    AND mentions.trace_id != ''
GROUP BY fact_id
"""


def ended(
    telemetry: Telemetry, since: datetime, until: datetime, edges: Sequence[float]
) -> pl.DataFrame:
    """Hops that ended in `[since, until]`, by journey, step and bucket (its place among `edges`,
    each the last second that belongs to it, from 0).

    Columns: journey, step, bucket, hops, seconds, and of the last hop that has a trace trace_id,
    trace_seconds and closed_at; '' and null where none has. A step that was closed before the one
    before it took no time.
    """
    asked = {"since": since, "until": until, "edges": list(edges)}
    counted = telemetry.query(_ENDED, asked)
    keys = ["journey", "step", "bucket"]
    candidates = counted.select(*keys, "last").explode("last").unnest("last")
    candidates.columns = [*keys, "before", "fact_id", "object_id", "trace_seconds"]
    traced = candidates.join(_traces(telemetry, candidates), on="fact_id")
    traced = traced.sort("before").unique(keys, keep="first")
    at = (-pl.col("before")).cast(pl.Datetime("ns", "UTC"))
    traced = traced.select(*keys, "trace_id", "trace_seconds", closed_at=at)
    told = counted.drop("last").join(traced, on=keys, how="left").sort(keys)
    return told.with_columns(pl.col("trace_id").fill_null(""))


def _traces(telemetry: Telemetry, candidates: pl.DataFrame) -> pl.DataFrame:
    named = candidates.filter(pl.col("object_id").str.count_matches(":") >= 2).select(
        "fact_id", pl.col("object_id").str.splitn(":", 3).struct.unnest()
    )
    columns = dict(
        zip(("facts", "types", "namespaces", "values"), named.iter_columns(), strict=True)
    )
    return telemetry.query(_TRACES, {name: told.to_list() for name, told in columns.items()})
