"""Discovered paths equal those walked by hand, case by case, over generated rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.definitions import load
from metrics.derive.rows import CASES, EXCEPTIONS, STEPS
from metrics.discovery import START, discover, standing

JOURNEY = load().journeys["contract-activation"]
BASE = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = list(JOURNEY.positions)[:4]
MINUTES = st.integers(0, 12)

Act = tuple[str, int, bool]
acts = st.lists(st.tuples(st.sampled_from(NAMES), MINUTES, st.booleans()), max_size=8)
worlds = st.dictionaries(st.sampled_from("abcdef"), acts, max_size=6)


def _once(told: list[Act]) -> list[Act]:
    """A step closes once; each failure is a fact of its own."""
    closed: dict[str, Act] = {}
    for act in told:
        if not act[2]:
            closed.setdefault(act[0], act)
    return [*closed.values(), *(act for act in told if act[2])]


def _frames(world: dict[str, list[Act]]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    rows: dict[str, list[dict[str, Any]]] = {"cases": [], "steps": [], "exceptions": []}
    for case, told in world.items():
        rows["cases"].append({"case_id": case, "started_at": BASE})
        for number, (step, minute, failed) in enumerate(told):
            row = {"case_id": case, "step": step}
            at = BASE + timedelta(minutes=minute)
            if failed:
                rows["exceptions"].append(row | {"fact_id": str(number), "at": at})
            else:
                rows["steps"].append(row | {"closed_at": at})
    schemas = {"cases": CASES, "steps": STEPS, "exceptions": EXCEPTIONS}
    made = {n: pl.DataFrame(given, schema=schemas[n]) for n, given in rows.items()}
    return made["cases"], made["steps"], made["exceptions"]


def _p90(values: list[float]) -> float:
    ordered, place = sorted(values), 0.9 * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


@settings(max_examples=40, deadline=None)
@given(world=worlds, until=MINUTES)
def test_paths_are_what_one_walking_through_every_case_finds(world, until):
    world = {case: _once(told) for case, told in world.items()}
    cases, steps, exceptions = _frames(world)
    now = BASE + timedelta(minutes=until)

    found = discover(JOURNEY, cases, steps.sample(fraction=1, shuffle=True), exceptions, now)

    edges: dict[tuple[str, str], list[float]] = defaultdict(list)
    firsts, lasts, counts, variants = Counter(), Counter(), Counter(), Counter()
    for told in world.values():
        seen = sorted(
            (act for act in told if act[1] <= until),
            key=lambda act: (act[1], NAMES.index(act[0]), not act[2]),
        )
        path, last = [], ("start", 0)
        for step, minute, failed in seen:
            name = f"{step}:failed" if failed else step
            edges[last[0], name].append((minute - last[1]) * 60)
            path.append(name)
            counts[name] += 1
            last = (name, minute)
        variants[tuple(path)] += 1
        firsts.update(path[:1])
        lasts.update(path[-1:])

    got = {(row["before"], row["act"]): row for row in found.edges.to_dicts()}
    assert {pair: row["count"] for pair, row in got.items()} == {
        p: len(v) for p, v in edges.items()
    }
    for pair, values in edges.items():
        assert got[pair]["median"] == pytest.approx(median(values))
        assert got[pair]["p90"] == pytest.approx(_p90(values))
    nodes = {row["act"]: row for row in found.nodes.to_dicts()}
    assert {act: row["count"] for act, row in nodes.items()} == counts
    for name, expected in (("first", firsts), ("last", lasts)):
        assert {act: row[name] for act, row in nodes.items() if row[name]} == expected
    taken = {tuple(row["path"]): row["cases"] for row in found.variants.to_dicts()}
    assert taken == variants
    assert sum(row["share"] for row in found.variants.to_dicts()) == pytest.approx(
        float(bool(world))
    )


@pytest.mark.parametrize(
    ("before", "act", "expected"),
    [
        (START, "fields-validated", "defined"),
        (START, "erp-project", "skips"),
        ("fields-validated", "erp-project", "defined"),
        ("fields-validated", "billing-schedule", "skips"),
        ("billing-schedule", "erp-project", "against"),
        ("psa-project", "erp-project", "parallel"),
        ("erp-project:failed", "erp-project", "failure"),
    ],
)
def test_an_edge_stands_to_the_definition_as_its_partial_order_says(before, act, expected):
    assert standing(JOURNEY, before, act) == expected
