"""Subcontracts and recognised revenue, by example."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from metrics_worlds import BASE, World, frames

from metrics.definitions import Definitions, restore
from metrics.derive import derive

REVENUE, ONBOARDING = "revenue-alignment", "subcontractor-onboarding"


@pytest.fixture
def scheduled() -> World:
    """A treatment that was set, and a schedule of a hundred a month."""
    world = World()
    world.fact("erp.revenue_treatment.set", 0, on=("project",))
    world.fact("revrec.schedule.created", 9, on=("project",), schedule__amount="100")
    return world


def recognised(world: World, hours: float, amount: str | None, period: str = "open") -> None:
    told = {"recognition__amount": amount, "recognition__period_status": period}
    world.fact("revrec.recognition.posted", hours, on=("project",), **told)


def case(world: World, shipped: Definitions, journey: str) -> tuple[dict[str, Any], list[str]]:
    derived = derive(*frames(world), shipped)
    kinds = derived.exceptions.filter(journey=journey)["kind"].sort().to_list()
    return derived.cases.filter(journey=journey).row(0, named=True), kinds


def test_revenue_is_aligned_by_the_first_recognition_of_the_scheduled_amount(scheduled, shipped):
    recognised(scheduled, 700, "100.00")
    recognised(scheduled, 1400, "90")  # what comes later was not asked for
    row, kinds = case(scheduled, shipped, REVENUE)
    assert (row["completed_at"], kinds) == (BASE + timedelta(hours=700), [])


def test_a_mismatch_says_both_values(scheduled, shipped):
    recognised(scheduled, 700, "90")
    row, _ = case(scheduled, shipped, REVENUE)
    words = "recognition.amount 90, not schedule.amount 100"
    assert (row["stuck_reason"], row["stuck_message"]) == ("mismatch", words)
    (told,) = derive(*frames(scheduled), shipped).exceptions.filter(journey=REVENUE)["message"]
    assert told == words


@pytest.mark.parametrize(
    ("amount", "period", "kinds"),
    [("90", "open", ["mismatch"]), ("100", "closed", ["closed-period"]), (None, "open", [])],
)
def test_what_does_not_match_the_schedule_leaves_the_recognition_open(
    scheduled, shipped, amount, period, kinds
):
    recognised(scheduled, 700, amount, period)
    row, found = case(scheduled, shipped, REVENUE)
    assert (row["completed_at"], row["current_step"], found) == (None, "first-recognition", kinds)
    recognised(scheduled, 800, "100")
    row, found = case(scheduled, shipped, REVENUE)
    assert (row["completed_at"], found) == (BASE + timedelta(hours=800), kinds)


def test_without_a_schedule_no_recognition_matches_and_none_differs(shipped):
    world = World()
    world.fact("erp.revenue_treatment.set", 0, on=("project",))
    recognised(world, 700, "100")
    row, kinds = case(world, shipped, REVENUE)
    assert (row["current_step"], kinds) == ("schedule-created", [])


def test_an_order_is_found_by_what_it_orders_and_not_by_its_supplier(shipped):
    world = World()
    agreed = dict.fromkeys(("contract__region", "contract__business_unit"), "EMEA")
    agreed |= {"subcontract__value": "9000.00", "subcontract__currency": "EUR"}
    world.fact("clm.subcontract.approved", 0, on=("subcontract",), **agreed)
    world.fact("procurement.supplier.created", 1, on=("subcontract",))
    world.fact("procurement.order.rejected", 2, on=("purchase_order",), outcome="error")
    row, _ = case(world, shipped, ONBOARDING)
    assert (row["current_step"], row["stuck_reason"]) == ("po-issued", "rejected")
    world.fact("procurement.order.issued", 3, on=("purchase_order",))
    row, kinds = case(world, shipped, ONBOARDING)
    assert (row["current_step"], row["stuck_reason"]) == ("resource-assigned", "waiting-for-person")
    assert kinds == ["rejected"]


@pytest.mark.parametrize(
    ("told", "done", "words"),
    [
        ({"amount": "100", "currency": "EUR"}, True, ""),
        ({"amount": "100.004", "currency": "EUR"}, True, ""),  # the same to the cent
        ({"amount": "100.01", "currency": "EUR"}, False, "recognition.amount 100.01"),
        ({"amount": "100", "currency": "USD"}, False, "recognition.currency USD"),
        ({"amount": "90", "currency": "EUR"}, False, "recognition.amount 90"),
        ({"amount": "100", "currency": ""}, False, None),  # does not say: neither equal nor unequal
    ],
)
def test_of_several_pairs_all_have_to_agree_and_one_that_does_not_is_enough(
    shipped, told, done, words
):
    content = copy.deepcopy(dict(shipped.content))
    journey = content["journeys"][REVENUE]
    pairs = {"recognition.amount": "schedule.amount", "recognition.currency": "schedule.currency"}
    for part in (*journey["steps"], *journey["exceptions"]):
        for way in ("equal", "unequal"):
            if way in part.get("compare", {}):
                part["compare"][way] = pairs
    world = World()
    world.fact("erp.revenue_treatment.set", 0, on=("project",))
    terms = {"schedule__amount": "100.00", "schedule__currency": "EUR"}
    world.fact("revrec.schedule.created", 1, on=("project",), **terms)
    posted = {f"recognition__{name}": value for name, value in told.items()}
    world.fact(
        "revrec.recognition.posted",
        700,
        on=("project",),
        recognition__period_status="open",
        **posted,
    )
    derived = derive(*frames(world), restore(content))
    (row,) = derived.cases.filter(journey=REVENUE).to_dicts()
    messages = derived.exceptions.filter(journey=REVENUE)["message"].to_list()
    assert row["completed_at"] == (BASE + timedelta(hours=700) if done else None)
    assert [text.partition(",")[0] for text in messages] == ([words] if words else [])
