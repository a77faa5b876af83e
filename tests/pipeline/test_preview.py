"""What a change of definitions would do, from facts that came over the wire; nothing is stored."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metrics.definitions import Definitions, restore
from threadline.activation import Derivation
from threadline.model.kpis import Window
from threadline.preview import Preview, preview
from threadline.store.telemetry import Telemetry, export

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
JOURNEY = "contract-activation"


@pytest.fixture
def hurried(derivation: Derivation) -> dict[str, Any]:
    """The same definitions, but activation is promised within five minutes."""
    content = copy.deepcopy(dict(derivation.definitions.content))
    content["journeys"][JOURNEY]["sla"] = [{"within": "5 minutes", "warn": 0.5}]
    return content


def previewed(telemetry: Telemetry, present: Definitions, content: Mapping[str, Any]) -> Preview:
    window = Window(start=NOW - timedelta(days=365), end=NOW)
    return preview(
        telemetry, present, restore(content), window=window, now=NOW, silent=(), most=1_000
    )


def test_a_new_promise_is_shown_before_it_is_made(telemetry, derive, inputs, derivation, hurried):
    derive(inputs, 10_000)
    before, present = export.digests(telemetry), derivation.definitions

    same = previewed(telemetry, present, present.content)
    assert same.moved.is_empty()
    assert same.judged_otherwise == 0
    assert same.cases.height == telemetry.query("SELECT count() FROM cases FINAL").item() > 0
    stored = telemetry.query("SELECT journey, case_id, due_at FROM cases FINAL")
    unpaused = same.cases.filter(state="completed")["journey", "case_id", "due_at"]
    assert unpaused.join(stored, on=unpaused.columns, how="anti", nulls_equal=True).is_empty()

    fresh = previewed(telemetry, present, hurried)  # judges what starts from now on
    assert fresh.moved.is_empty()
    assert fresh.lost == 0

    hurried["journeys"][JOURNEY]["claims"] = "all"
    claimed = previewed(telemetry, present, hurried)
    assert set(claimed.moved["journey"]) == {JOURNEY}
    judged = claimed.cases.filter(journey=JOURNEY)
    assert claimed.judged_otherwise == judged.height > 0
    late = judged.filter(sla_then="missed").height + judged.filter(sla_then="breached").height
    known = judged.filter(sla="missed").height + judged.filter(sla="breached").height
    assert claimed.lost - claimed.won == late - known > 0
    attained = {there.kpi: (here, there) for here, there in claimed.kpis if here and there}
    here, there = attained["sla-attainment"]
    assert there.value < here.value

    assert export.digests(telemetry) == before
