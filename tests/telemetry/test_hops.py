"""How long hops took: which bucket, which of them is remembered, and under which names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from metrics.definitions import Definitions, load
from metrics.exposition import hop_times
from metrics.exposition.hops import EDGES
from threadline.store.telemetry import Telemetry, hops

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
JOURNEY, STEP = "contract-activation", "tax"
SECOND = timedelta(seconds=1)


def passed(number: int, took: float, ago: float, step: str = STEP) -> dict[str, object]:
    """A step closed so many seconds ago, and so many after it was ready."""
    closed = NOW - ago * SECOND
    return {
        "journey": JOURNEY,
        "case_id": f"contract:clm:C-{number}",
        "step": step,
        "ready_at": closed - took * SECOND,
        "closed_at": closed,
        "closed_by": f"fact-{number}",
        "object_id": f"contract:clm:C-{number}",
        "generation": 1,
    }


def test_hops_are_counted_up_to_and_with_an_edge_and_the_last_one_traced_is_remembered(
    telemetry: Telemetry,
):
    steps = [
        passed(1, took=60, ago=500),  # exactly an edge
        passed(2, took=50, ago=400),
        passed(3, took=61, ago=300),
        passed(4, took=-30, ago=200),  # closed before the one before it
        passed(5, took=55, ago=90_000),  # too long ago
        passed(6, took=40, ago=-1),  # still to come
        passed(7, took=45, ago=100),  # untraced
    ]
    traces = [
        {
            "object_type": "contract",
            "namespace": "clm",
            "value": f"C-{number}",
            "fact_id": f"fact-{number}",
            "trace_id": f"trace-{number}",
            "generation": 1,
        }
        for number in (1, 2, 3)
    ]
    telemetry.insert("steps", pl.DataFrame(steps))
    telemetry.insert("mentions", pl.DataFrame(traces))

    found = hops.ended(telemetry, NOW - timedelta(days=1), NOW, EDGES)
    buckets = {EDGES[row["bucket"]]: row for row in found.to_dicts()}

    assert {edge: (row["hops"], row["seconds"]) for edge, row in buckets.items()} == {
        1.0: (1, 0.0),
        60.0: (3, 155.0),
        600.0: (1, 61.0),
    }
    told = {edge: (row["trace_id"], row["trace_seconds"]) for edge, row in buckets.items()}
    assert told == {1.0: ("", None), 60.0: ("trace-2", 50.0), 600.0: ("trace-3", 61.0)}
    assert buckets[60.0]["closed_at"] == NOW - 400 * SECOND


def test_what_no_definition_names_shares_one_name_and_the_later_trace_is_the_example():
    counted = [
        told(JOURNEY, STEP, 2, "older", NOW - SECOND),
        told(JOURNEY, "withdrawn", 2, "older", NOW - SECOND),
        told("gone", "step", 2, "newer", NOW),
        told("gone", "step", 4, "", None),
    ]
    samples = exposed(load(), counted)
    other = {place: one for (journey, place), one in samples.items() if journey == "other"}

    assert samples[JOURNEY, "60.0"].value == 1
    assert [other[str(edge)].value for edge in EDGES[:5]] == [0, 0, 2, 2, 3]
    assert other["60.0"].exemplar.labels == {"trace_id": "newer"}


def told(journey: str, step: str, bucket: int, trace: str, at: datetime | None) -> tuple:
    return journey, step, bucket, 1, 30.0, trace, 30.0 if at else None, at


def exposed(definitions: Definitions, counted: list[tuple]) -> dict:
    """Samples of the buckets by journey and edge."""
    schema = {
        "journey": pl.String,
        "step": pl.String,
        "bucket": pl.UInt16,
        "hops": pl.Int64,
        "seconds": pl.Float64,
        "trace_id": pl.String,
        "trace_seconds": pl.Float64,
        "closed_at": pl.Datetime("ns", "UTC"),
    }
    frame = pl.DataFrame(counted, schema=schema, orient="row")
    family = hop_times({"1d": frame}, definitions)
    return {
        (one.labels["journey"], one.labels["le"]): one
        for one in family.samples
        if one.name.endswith("_bucket")
    }
