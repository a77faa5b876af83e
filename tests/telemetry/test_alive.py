"""Figures held in memory are those that the store would tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threadline.store.telemetry import Telemetry, cursors
from threadline.store.telemetry.alive import NEVER, Alive, Figures, alive_since

BASE = datetime(2026, 3, 1, tzinfo=UTC)
SINCE = BASE + timedelta(days=10)
INSTANT = pl.Datetime("ns", "UTC")
KEYS = {"journey": pl.String, "case_id": pl.String}
SCHEMAS = {
    "cases": {
        **KEYS,
        "root_id": pl.String,
        "started_at": INSTANT,
        "known_at": INSTANT,
        "completed_at": INSTANT,
    },
    "steps": {**KEYS, "step": pl.String, "ready_at": INSTANT},
    "exceptions": {**KEYS, "kind": pl.String, "fact_id": pl.String, "at": INSTANT},
}

# One generation: what becomes of some cases (None: they vanish), and whether its cursor moves.
became = st.one_of(st.none(), st.tuples(st.integers(0, 30), st.integers(0, 2)))
generations = st.tuples(
    st.dictionaries(st.integers(0, 5), became, max_size=4),
    st.booleans(),
    st.sampled_from(["ask", "ask", "ask", "quiet", "reset"]),
)


def write(telemetry: Telemetry, generation: int, cases: dict, finished: bool) -> None:
    rows: dict = {name: [] for name in SCHEMAS}
    gone: dict = {name: [] for name in SCHEMAS}
    for number, state in cases.items():
        key = {"journey": "one", "case_id": f"contract:clm:{number}"}
        root = {"root_id": key["case_id"], "started_at": BASE, "known_at": BASE}
        if state is None:
            gone["cases"].append(key | root | {"completed_at": None})
        else:
            days = state[0]
            end = None if days > 20 else BASE + timedelta(days=days)
            rows["cases"].append(key | root | {"completed_at": end})
        for place in range(2):
            step = key | {"step": f"step-{place}", "ready_at": BASE}
            failure = key | {"kind": "rejected", "fact_id": f"f{place}", "at": BASE}
            there = state is not None and place < state[1]
            (rows if there else gone)["steps"].append(step)
            (rows if there else gone)["exceptions"].append(failure)
    for deleted, told in enumerate((rows, gone)):
        for table, schema in SCHEMAS.items():
            frame = pl.DataFrame(told[table], schema=schema)
            marks = {"generation": generation, "deleted": deleted}
            telemetry.insert(
                table, frame.with_columns(pl.lit(n, pl.UInt64).alias(m) for m, n in marks.items())
            )
    if finished:
        cursors.move(telemetry, {0: generation}, generation)


def rows_of(figures: Figures) -> list:
    return [sorted(map(str, frame.rows())) for frame in figures]


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(generations, min_size=2, max_size=6))
def test_held_figures_are_those_of_the_store(telemetry: Telemetry, history: list) -> None:
    telemetry.reset()
    alive = Alive(telemetry)
    for generation, (cases, finished, then) in enumerate(history, start=1):
        write(telemetry, generation, cases, finished)
        if then == "reset":
            telemetry.reset()
        elif then == "ask":
            assert rows_of(alive.since(SINCE)) == rows_of(alive_since(telemetry, SINCE))


def test_a_generation_still_being_written_is_read_again(telemetry: Telemetry) -> None:
    alive = Alive(telemetry)
    write(telemetry, 1, {1: (30, 0)}, finished=False)
    assert alive.since(SINCE).steps.is_empty()
    write(telemetry, 1, {2: (30, 2)}, finished=True)
    assert alive.since(SINCE).steps.height == 2
    assert alive.since(SINCE).cases.height == 2


@pytest.mark.parametrize("later", [timedelta(hours=5), timedelta(days=3)])
def test_a_window_that_moved_on_gets_all_that_counts_in_it(
    telemetry: Telemetry, later: timedelta
) -> None:
    write(telemetry, 1, {1: (9, 1), 2: (10, 1), 3: (12, 1), 4: (20, 1)}, finished=True)
    alive = Alive(telemetry)
    alive.since(SINCE)
    found = set(alive.since(SINCE + later).cases["case_id"])
    counting = set(alive_since(telemetry, SINCE + later).cases["case_id"])
    assert counting <= found
    assert found <= set(alive_since(telemetry, SINCE).cases["case_id"])


def test_a_span_that_is_over_is_held_apart_from_the_present(telemetry: Telemetry) -> None:
    write(telemetry, 1, {1: (30, 1)}, finished=True)
    alive = Alive(telemetry)
    assert alive.since(SINCE, BASE - timedelta(days=2)).cases.is_empty()
    assert alive.since(SINCE).cases.height == 1
    assert alive.since(SINCE, NEVER).steps.height == 1
