"""Source freshness: the system furthest beyond its cadence, against that cadence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from metrics.derive.derivation import NOTHING
from metrics.kpis import evaluate, series
from metrics.kpis.receipts import RECEIVED
from threadline.model.kpis import Kpi, Window

DAY = timedelta(days=1)
NOW = datetime(2026, 5, 11, tzinfo=UTC)
WINDOW = Window(start=NOW - 10 * DAY, end=NOW)
HEARD = {"erp": NOW - 2 * DAY, "bank": NOW - 3 * DAY, "crm": None}
MAY = {"erp": 1, "bank": 4, "crm": 1}


def received(_: Kpi, windows: Sequence[Window]) -> pl.DataFrame:
    rows = []
    for place, window in enumerate(windows):
        for system, last in HEARD.items():
            at = last if last and last < window.end else None
            age = (window.end - at).total_seconds() if at else None
            late = age is not None and age > MAY[system] * 86_400
            standing = "unknown" if age is None else "silent" if late else "heard of"
            rows.append((place, "", system, standing, 1, age, MAY[system] * 86_400.0))
    return pl.DataFrame(rows, schema=RECEIVED, orient="row")


def test_the_most_overdue_system_speaks_for_all_and_each_for_itself(shipped):
    told = {"window": WINDOW, "now": NOW, "kpis": ["source-freshness"], "received": received}
    (value,) = evaluate(shipped, NOTHING, **told)
    assert (value.value, value.target, value.n) == (2 * 86_400, 86_400, 2)
    assert (value.state, value.coverage) == ("breached", 1 - 1 / 3)
    assert value.note.endswith("erp")
    parts = evaluate(shipped, NOTHING, **told, by=["system"])
    assert {part.dimensions["system"]: (part.value, part.state) for part in parts} == {
        "bank": (3 * 86_400, "ok"),
        "crm": (None, "unknown"),
        "erp": (2 * 86_400, "breached"),
    }


def test_over_time_each_point_looks_back_from_its_end(shipped):
    parts = [Window(start=NOW - days * DAY, end=NOW - (days - 5) * DAY) for days in (10, 5)]
    told = {"kpi": "source-freshness", "parts": parts, "received": received}
    assert [value.value for value in series(shipped, NOTHING, now=NOW, **told)] == [
        None,
        2 * 86_400,
    ]
