"""A step that is done several times: by example, and how it is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from metrics_worlds import BASE, World, frames

from metrics.definitions import Definitions
from metrics.derive import derive
from threadline.wire import Step, case_phrases


def billed(world: World, definitions: Definitions) -> dict[str, Any]:
    steps = derive(*frames(world), definitions).steps
    return steps.filter(step="billed").row(0, named=True)


@pytest.fixture
def world() -> World:
    """A change order to be billed in three instalments."""
    world = World()
    for hours, name in enumerate(("change.approved", "change.reviewed", "project.terms.updated")):
        told = {"change__bills": 3, "change__kind": "terms"}
        world.fact(name, hours, on=("amendment", "project"), **told)
    return world


def test_the_last_of_as_many_as_are_needed_closes_the_step(world, change_order):
    for hours, kind in ((10, "event"), (10, "span"), (20, "event")):
        world.fact("billing.amended", hours, on=("billing_schedule",), kind=kind)
    step = billed(world, change_order)
    assert (step["done"], step["times"], step["closed_at"], step["rework"]) == (2, 3, None, 0)
    world.fact("billing.amended", 25, on=("billing_schedule",), outcome="error", message="locked")
    assert billed(world, change_order)["message"] == "locked"
    world.fact("billing.amended", 30, on=("billing_schedule",))
    world.fact("billing.amended", 30, on=("billing_schedule",))
    step = billed(world, change_order)
    assert step["closed_at"] == BASE + timedelta(hours=30)
    assert (step["done"], step["rework"], step["failures"]) == (3, 1, 1)


@pytest.mark.parametrize(
    ("done", "times", "words"),
    [(2, 3, "2 of 3"), (0, None, "0 of an unknown number"), (1, 1, "")],
)
def test_how_far_it_is_is_said(done, times, words):
    assert case_phrases.progress(Step.model_construct(done=done, times=times)) == words
