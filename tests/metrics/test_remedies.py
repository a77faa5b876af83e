"""Replays and compensations are facts of the journey: how they went, and what they change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from metrics_worlds import BASE, World, frames

from metrics.definitions import Definitions
from metrics.derive import Derived, derive
from metrics.kpis import evaluate
from threadline.model.kpis import Window

SYNC = "amendment-sync"
TERMS: dict[str, Any] = {"amendment__kind": "billing_terms", "amendment__value": "10"}


def told(world: World, definitions: Definitions) -> Derived:
    return derive(*frames(world), definitions)


def attempts(derived: Derived, journey: str) -> list[tuple[str, str, bool]]:
    found = derived.remedies.filter(journey=journey).sort("at")
    return found.select("step", "kind", "succeeded").rows()


def kinds(derived: Derived, journey: str) -> set[str]:
    return set(derived.exceptions.filter(journey=journey)["kind"])


@pytest.fixture
def world() -> World:
    """Billing terms are amended after the invoice went out."""
    world = World()
    world.fact("clm.amendment.approved", 0, on=("amendment",), **TERMS)
    world.fact("erp.invoice.issued", 1, on=("invoice", "project"))
    world.fact("erp.billing_schedule.updated", 2, on=("amendment",))
    world.fact("psa.project.updated", 3, on=("amendment",))
    return world


def test_a_compensating_entry_is_an_attempt_even_after_the_end(world, shipped):
    entry = ("amendment", "invoice")
    world.fact("erp.compensating_entry.posted", 50, on=entry, outcome="error", message="closed")
    derived = told(world, shipped)
    assert derived.cases.filter(journey=SYNC)["completed_at"].item() == BASE + timedelta(hours=3)
    assert attempts(derived, SYNC) == [("billing-updated", "compensation", False)]
    assert {"uncompensated", "compensation-failed"} <= kinds(derived, SYNC)

    world.fact("erp.compensating_entry.posted", 60, on=entry)
    derived = told(world, shipped)
    assert attempts(derived, SYNC)[-1] == ("billing-updated", "compensation", True)
    assert "uncompensated" not in kinds(derived, SYNC)
    assert "compensation-failed" in kinds(derived, SYNC)


def test_one_that_closes_stands_for_the_step_which_has_recovered(change_order):
    world = World()
    for hours, name in enumerate(("change.approved", "change.reviewed")):
        world.fact(name, hours, on=("amendment", "project"))
    project = ("amendment", "project")
    world.fact("project.compensated", 5, on=project, outcome="error", message="not allowed")
    world.fact("project.compensated", 9, on=project)
    derived = told(world, change_order)
    step = derived.steps.filter(pl.col("step") == "project-updated").row(0, named=True)
    assert (step["closed_at"], step["failures"]) == (BASE + timedelta(hours=9), 1)
    assert kinds(derived, "change-order") == {"compensation-failed", "required-field-missing"}
    window = Window(start=BASE, end=BASE + timedelta(days=2))
    asked = {"window": window, "now": window.end, "kpis": ["recovery-time"]}
    (healed,) = evaluate(change_order, derived, **asked)
    assert healed.value == 4 * 3600
