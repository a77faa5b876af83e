"""The shipped journey, by example."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from metrics_worlds import BASE, SUCCESSES, World, frames

from metrics.definitions import Definitions
from metrics.derive import Derived, derive

TERMS: dict[str, Any] = {
    "contract__value": "1250000.00",
    "contract__currency": "EUR",
    "contract__region": "EMEA",
    "contract__business_unit": "Advisory",
    "contract__tier": "standard",
    "contract__subcontractor_clause": False,
}
APPROVED, VALIDATED, PROJECT, *_, PSA, PROCUREMENT = SUCCESSES


@pytest.fixture
def world() -> World:
    world = World()
    world.fact(APPROVED, 0, **TERMS)
    return world


def told(world: World, definitions: Definitions) -> Derived:
    return derive(*frames(world), definitions)


def case(world: World, definitions: Definitions) -> dict[str, Any]:
    return told(world, definitions).cases.row(0, named=True)


def step(world: World, definitions: Definitions, name: str) -> dict[str, Any]:
    steps = told(world, definitions).steps.rows_by_key("step", named=True, unique=True)
    return steps[name]


def hours(count: float) -> datetime:
    return BASE + timedelta(hours=count)


def test_a_contract_is_promised_five_business_days_by_its_regions_calendar(world, shipped):
    # Approved on Wednesday at 08:00 in Berlin; five days of eight hours end on Tuesday evening.
    row = case(world, shipped)
    assert row["due_at"] == datetime(2026, 3, 31, 15, tzinfo=UTC)  # 17:00 in summer time
    assert (row["value"], row["currency"]) == (Decimal("1250000.00"), "EUR")


def test_an_expedited_contract_is_promised_a_day(world, shipped):
    world.rows.clear()
    world.fact(APPROVED, 0, **TERMS | {"contract__tier": "expedited"})
    row = case(world, shipped)
    assert (row["warn_at"], row["due_at"]) == (hours(18), hours(24))


def test_branches_run_beside_each_other_and_all_must_close(world, shipped):
    for place, name in enumerate(SUCCESSES[1:7], start=1):
        world.fact(name, place)
    row = case(world, shipped)
    assert (row["completed_at"], row["current_step"]) == (None, "psa-project")
    assert row["current_since"] == hours(1)
    world.fact(PSA, 30)
    assert case(world, shipped)["completed_at"] == hours(30)


def test_a_subcontractor_clause_asks_for_a_procurement_request(world, shipped):
    world.rows.clear()
    world.fact(APPROVED, 0, **TERMS | {"contract__subcontractor_clause": True})
    for name in SUCCESSES[1:8]:
        world.fact(name, 1)
    row = case(world, shipped)
    assert (row["completed_at"], row["current_step"]) == (None, "procurement-request")
    world.fact(PROCUREMENT, 2)
    assert case(world, shipped)["completed_at"] == hours(2)


def test_the_clause_known_only_after_the_finish_comes_too_late(world, shipped):
    world.rows.clear()
    world.fact(APPROVED, 0)
    for name in SUCCESSES[1:8]:
        world.fact(name, 1)
    world.fact("clm.contract.amended", 2, **TERMS | {"contract__subcontractor_clause": True})
    row = case(world, shipped)
    assert row["completed_at"] == hours(1)
    assert row["value"] is None


def test_a_step_is_due_a_while_after_it_became_ready(world, shipped):
    world.fact(VALIDATED, 1)
    project = step(world, shipped, "erp-project")
    assert (project["ready_at"], project["due_at"]) == (hours(1), hours(25))


def test_the_first_success_closes_and_later_ones_are_rework(world, shipped):
    world.fact(VALIDATED, 1)
    world.fact(PROJECT, 5, on=("project",), fact_id="later")
    world.fact(PROJECT, 3, on=("contract", "project"), fact_id="first", actor__type="user")
    project = step(world, shipped, "erp-project")
    assert (project["closed_by"], project["closed_at"]) == ("first", hours(3))
    assert (project["rework"], project["actor_type"]) == (1, "user")
    assert project["object_id"] == "project:erp:P-1"


def test_a_span_and_an_event_of_one_act_are_no_rework(world, shipped):
    world.fact(VALIDATED, 1, kind="event")
    world.fact(VALIDATED, 1.001, kind="span", outcome="unset")
    assert step(world, shipped, "fields-validated")["rework"] == 0


def test_failures_before_the_success_are_counted_and_kept(world, shipped):
    world.fact(VALIDATED, 1)
    for hour in (2, 3):
        world.fact(PROJECT, hour, outcome="error", message="cost centre closed")
    world.fact(PROJECT, 4)
    world.fact(PROJECT, 5, outcome="error", message="after the fact")
    project = step(world, shipped, "erp-project")
    assert (project["failures"], project["first_failed_at"]) == (2, hours(2))
    assert project["message"] == "cost centre closed"
    kinds = told(world, shipped).exceptions["kind"].to_list()
    assert kinds == ["step-failed"] * 2


def test_a_rejection_keeps_the_step_open_and_says_why(world, shipped):
    world.fact(VALIDATED, 1)
    world.fact("erp.project.rejected", 2, outcome="error", message="cost centre 4711 is closed")
    row = case(world, shipped)
    assert (row["current_step"], row["stuck_reason"]) == ("erp-project", "rejected")
    assert row["stuck_message"] == "cost centre 4711 is closed"
    assert row["exceptions"] == 1


def test_a_failed_mapping_is_named_as_such(world, shipped):
    world.fact("middleware.mapping.failed", 1, outcome="error", message="billing_terms is missing")
    row = case(world, shipped)
    assert (row["stuck_reason"], row["current_step"]) == ("mapping-failed", "fields-validated")


def test_a_missing_required_field_is_an_exception_and_a_reason(world, shipped):
    world.rows.clear()
    world.fact(APPROVED, 0, **TERMS | {"contract__region": None, "contract__value": ""})
    row = case(world, shipped)
    missing = "contract.value, contract.region"
    assert (row["stuck_reason"], row["stuck_message"]) == ("required-field-missing", missing)
    exception = told(world, shipped).exceptions.row(0, named=True)
    assert (exception["kind"], exception["message"]) == ("required-field-missing", missing)


def test_an_implausible_time_closes_nothing_and_is_said(world, shipped):
    world.fact(VALIDATED, 1, plausible=False)
    row = case(world, shipped)
    assert (row["current_step"], row["annotations"]) == ("fields-validated", ["implausible-time"])


def test_without_its_start_there_is_no_case(shipped):
    world = World()
    world.fact(VALIDATED, 1)
    world.fact(APPROVED, 0, outcome="error")
    world.fact(APPROVED, 0, plausible=False)
    assert told(world, shipped).cases.is_empty()


def test_a_pause_gives_the_time_back(world, shipped):
    before = case(world, shipped)["due_at"]
    world.fact("clm.customer.waiting", 1)
    world.fact("clm.customer.answered", 25)  # a day later: one business day was lost
    row = case(world, shipped)
    assert row["due_at"] == before + timedelta(days=1)
    assert (row["paused_from"], row["paused_until"]) == (hours(1), hours(25))


def test_a_pause_ends_by_itself_after_its_maximum(world, shipped):
    world.fact("clm.customer.waiting", 2)
    row = case(world, shipped)
    assert row["paused_until"] == datetime(2026, 4, 10, 8, tzinfo=UTC)  # Easter lies between
    assert row["due_at"] > row["paused_until"]


def test_pausing_after_the_deadline_gives_nothing_back(world, shipped):
    before = case(world, shipped)["due_at"]
    world.fact("clm.customer.waiting", 24 * 14)
    assert case(world, shipped)["due_at"] == before


def test_nothing_changes_after_a_cancellation(world, shipped):
    world.fact("clm.contract.cancelled", 2)
    cancelled = case(world, shipped)
    assert (cancelled["cancelled_at"], cancelled["current_step"]) == (hours(2), "")
    for name in SUCCESSES[1:]:
        world.fact(name, 3)
    assert case(world, shipped) | {"facts": 0} == cancelled | {"facts": 0}


def test_a_cancellation_after_the_finish_is_none(world, shipped):
    for name in SUCCESSES[1:8]:
        world.fact(name, 1)
    world.fact("clm.contract.cancelled", 2)
    row = case(world, shipped)
    assert (row["completed_at"], row["cancelled_at"]) == (hours(1), None)


def test_a_step_before_its_time_closes_and_is_said(world, shipped):
    world.fact(VALIDATED, 5)
    world.fact(PROJECT, 4)
    assert step(world, shipped, "erp-project")["closed_at"] == hours(4)
    assert case(world, shipped)["annotations"] == ["out-of-order"]


def test_steps_that_rest_on_sampled_spans_are_marked(world, shipped):
    world.fact(VALIDATED, 1, kind="span", sampled=True)
    assert step(world, shipped, "fields-validated")["sampled"]
    assert case(world, shipped)["annotations"] == ["sampled"]


def test_a_case_is_known_from_the_first_receipt_of_its_start(world, shipped):
    again = dict(world.rows[0], received_at=hours(-1) + timedelta(hours=1, seconds=1))
    later = dict(world.rows[0], received_at=hours(9))
    world.rows[:] = [later, again]
    assert case(world, shipped)["known_at"] == again["received_at"]
