"""How long a case has taken so far is reckoned on the calendar of the version that judges it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import polars as pl

from metrics.definitions import load, restore
from metrics.kpis.ages import worked_by
from metrics.states import INSTANT

STARTED, NOW = datetime(2026, 3, 3, 6, tzinfo=UTC), datetime(2026, 3, 3, 20, tzinfo=UTC)


def test_a_case_keeps_the_calendar_it_was_started_under():
    first = load()
    content = copy.deepcopy(dict(first.content))
    content["calendars"]["emea"]["hours"]["tuesday"] = ["09:00-12:00"]
    second = restore(content).after(first, STARTED)
    old, new = (one.journey.version for one in second.versions["contract-activation"])
    given = {
        "journey": ["contract-activation"] * 3,
        "version": [old, new, "never heard of"],
        "dimensions": ['{"region": "EMEA"}'] * 3,
        "business_seconds": [None] * 3,
    }
    cases = pl.DataFrame(given, schema_overrides={"business_seconds": pl.Float64}).with_columns(
        pl.lit(None, INSTANT).alias(name)
        for name in (
            "completed_at",
            "reopened_at",
            "ended_before_at",
            "paused_from",
            "paused_until",
        )
    )
    cases = cases.with_columns(started_at=pl.lit(STARTED).cast(INSTANT))

    assert worked_by(cases, NOW, second).to_list() == [8 * 3600, 3 * 3600, 3 * 3600]
