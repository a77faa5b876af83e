"""Milestones and invoices, by example: from work to money, and what goes wrong between."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from metrics_worlds import BASE, World, frames
from slow_clock import SlowClock

from metrics.definitions import Definitions
from metrics.derive import Derived, derive
from metrics.kpis import evaluate
from metrics.kpis.ages import worked_by
from metrics.states import with_states
from threadline.model.kpis import KpiValue, Window

BILLED, CASH = "milestone-billing", "invoice-to-cash"
TERMS: dict[str, Any] = {
    "contract__region": "EMEA",
    "contract__business_unit": "Advisory",
    "milestone__value": "10000.00",
    "milestone__currency": "EUR",
    "invoice__amount": "10000.00",
    "invoice__currency": "EUR",
}
WAY = (
    ("erp.invoice.drafted", 1),
    ("erp.invoice.approved", 2),
    ("erp.invoice.issued", 3),
    ("erp.invoice.posted", 4),
)


@pytest.fixture
def world() -> World:
    """A milestone completed, billed by one invoice."""
    world = World()
    world.fact("psa.milestone.completed", 0, on=("milestone", "project"), **TERMS)
    for name, at in WAY:
        world.fact(name, at, on=("invoice",), **TERMS)
    return world


def told(world: World, shipped: Definitions) -> Derived:
    return derive(*frames(world), shipped)


def case(world: World, shipped: Definitions, journey: str) -> dict[str, Any]:
    return told(world, shipped).cases.filter(journey=journey).row(0, named=True)


def kinds(world: World, shipped: Definitions, journey: str) -> list[str]:
    return sorted(told(world, shipped).exceptions.filter(journey=journey)["kind"])


def rate(world: World, shipped: Definitions, kpi: str, day: float = 30) -> KpiValue:
    window = Window(start=BASE - timedelta(days=1), end=BASE + timedelta(days=90))
    now = BASE + timedelta(days=day)
    (value,) = evaluate(shipped, told(world, shipped), window=window, now=now, kpis=[kpi])
    return value


def hours(count: float) -> datetime:
    return BASE + timedelta(hours=count)


def test_a_milestone_is_billed_when_its_invoice_is_posted(world, shipped):
    row = case(world, shipped, BILLED)
    assert (row["completed_at"], row["exceptions"], row["rework"]) == (hours(4), 0, 0)


def test_one_invoice_bills_two_milestones(world, shipped):
    world.objects["second"] = ("milestone:psa:N-1", "project:erp:P-1")
    world.ties.append(("bills", "invoice", "second"))
    world.fact("psa.milestone.completed", 2, on=("second",), **TERMS)
    cases = told(world, shipped).cases.filter(journey=BILLED)
    assert cases["completed_at"].to_list() == [hours(4), hours(4)]


def test_a_rejection_is_an_exception_and_a_failure_of_the_approval_until_it_is_given(
    world, shipped
):
    world.fact("erp.invoice.rejected", 1.5, on=("invoice",), outcome="error", message="wrong rate")
    steps = told(world, shipped).steps.filter(journey=BILLED, step="approved").row(0, named=True)
    assert (steps["failures"], steps["message"]) == (1, "wrong rate")
    assert kinds(world, shipped, BILLED) == kinds(world, shipped, CASH) == ["rejected"]


def test_an_invoice_waits_for_a_person_to_approve_it(shipped):
    world = World()
    world.fact("psa.milestone.completed", 0, on=("milestone",), **TERMS)
    world.fact("erp.invoice.drafted", 1, on=("invoice", "milestone"))
    row = case(world, shipped, BILLED)
    assert (row["current_step"], row["stuck_reason"]) == ("approved", "waiting-for-person")


def test_what_follows_the_posting_is_still_an_exception_of_the_milestone(world, shipped):
    for name in (
        "erp.posting.duplicated",
        "billing.invoice.disputed",
        "erp.invoice.credited",
        "erp.invoice.rejected",  # that belongs before the posting
    ):
        world.fact(name, 300, on=("invoice",))
    row = case(world, shipped, BILLED)
    assert (row["completed_at"], row["exceptions"]) == (hours(4), 3)
    assert kinds(world, shipped, BILLED) == ["credited", "disputed", "duplicate-posting"]


def test_a_milestone_billed_anew_is_rework(world, shipped):
    world.ties.append(("bills", "other invoice", "milestone"))
    world.fact("erp.invoice.drafted", 3, on=("other invoice", "milestone"))
    assert case(world, shipped, BILLED)["rework"] == 1
    assert rate(world, shipped, "first-time-right").value == 0.0


def test_a_cancelled_milestone_is_not_billed(shipped):
    world = World()
    world.fact("psa.milestone.completed", 0, on=("milestone",), **TERMS)
    world.fact("psa.milestone.cancelled", 2, on=("milestone",))
    assert case(world, shipped, BILLED)["cancelled_at"] == hours(2)


def test_an_invoice_is_cash_when_paid(world, shipped):
    world.fact("billing.invoice.delivered", 5, on=("invoice",))
    row = case(world, shipped, CASH)
    assert (row["current_step"], row["waiting_systems"]) == ("paid", ["bank"])
    assert row["due_at"] == hours(3) + timedelta(days=30)
    world.fact("bank.payment.received", 90, on=("invoice", "payment"))
    row = case(world, shipped, CASH)
    assert (row["started_at"], row["completed_at"]) == (hours(3), hours(90))


def test_a_dispute_stops_the_clock_until_it_is_resolved(world, shipped):
    world.fact("billing.invoice.disputed", 27, on=("invoice",))
    world.fact("billing.invoice.dispute_resolved", 51, on=("invoice",))
    row = case(world, shipped, CASH)
    assert row["due_at"] == hours(3) + timedelta(days=31)
    stated = with_states(told(world, shipped).cases.filter(journey=CASH), hours(30))
    assert stated["state"].to_list() == ["paused"]
    assert kinds(world, shipped, CASH) == ["disputed"]


def test_a_credited_invoice_is_owed_no_more(world, shipped):
    world.fact("erp.invoice.credited", 40, on=("invoice",))
    row = case(world, shipped, CASH)
    assert (row["cancelled_at"], row["exceptions"]) == (hours(40), 1)


def test_a_payment_taken_back_re_opens_the_invoice_for_the_time_that_is_left(world, shipped):
    world.fact("billing.invoice.delivered", 5, on=("invoice",))
    world.fact("bank.payment.received", 100, on=("payment", "invoice"))
    world.fact("billing.invoice.disputed", 110, on=("invoice",))  # nothing is owed: no pause
    world.fact("bank.payment.reversed", 148, on=("payment", "invoice"))
    row = case(world, shipped, CASH)
    assert (row["completed_at"], row["current_step"]) == (None, "paid")
    assert (row["ended_before_at"], row["reopened_at"]) == (hours(100), hours(148))
    assert row["due_at"] == hours(3) + timedelta(days=30, hours=48)
    assert kinds(world, shipped, CASH) == ["disputed", "payment-reversed"]
    stated = {at: states(world, shipped, hours(at)) for at in (99, 120, 148, 900)}
    assert stated == {
        99: ("open", "on_track"),
        120: ("completed", "met"),
        148: ("open", "on_track"),
        900: ("open", "breached"),
    }
    age = worked_by(told(world, shipped).cases.filter(journey=CASH), hours(172), shipped)
    clock = SlowClock(shipped.calendars["emea"])
    ran = clock.between(hours(3), hours(100)) + clock.between(hours(148), hours(172))
    assert age.to_list() == [ran.total_seconds()]

    world.fact("bank.payment.received", 700, on=("payment", "invoice"))
    row = case(world, shipped, CASH)
    assert (row["completed_at"], row["reopenings"], row["rework"]) == (hours(700), 1, 1)
    assert states(world, shipped, hours(900)) == ("completed", "met")
    paid = told(world, shipped).steps.filter(journey=CASH, step="paid").row(0, named=True)
    assert (paid["ready_at"], paid["reopened_at"]) == (hours(148), hours(148))


def states(world: World, shipped: Definitions, now: datetime) -> tuple[str, str]:
    stated = with_states(told(world, shipped).cases.filter(journey=CASH), now)
    return stated["state"].item(), stated["sla"].item()


def test_an_invoice_counts_once_in_the_exception_rate_and_only_disputed_in_the_other(
    world, shipped
):
    world.fact("erp.invoice.issued", 5, on=("other invoice",), **TERMS)
    world.fact("erp.invoice.rejected", 1.5, on=("invoice",), outcome="error")
    world.fact("erp.posting.duplicated", 200, on=("invoice",))
    exceptions, disputes = "invoice-exception-rate", "invoice-dispute-rate"
    assert (rate(world, shipped, exceptions).value, rate(world, shipped, exceptions).n) == (0.5, 2)
    assert (rate(world, shipped, disputes).value, rate(world, shipped, disputes).n) == (0.0, 2)
    world.fact("billing.invoice.disputed", 240, on=("other invoice",))
    assert rate(world, shipped, exceptions).value == 1.0
    assert rate(world, shipped, disputes).value == 0.5
    assert rate(world, shipped, disputes, day=9).value == 0.0  # by then nobody had


def test_an_exception_counts_from_its_instant_on(world, shipped):
    world.fact("erp.posting.duplicated", 240, on=("invoice",))
    assert rate(world, shipped, "business-exceptions", day=9).value == 0.0
    assert rate(world, shipped, "business-exceptions", day=10).value == 1.0  # both of its cases
    assert rate(world, shipped, "first-time-right", day=9).value == 1.0
    right = rate(world, shipped, "first-time-right", day=10)
    assert (right.value, right.n, right.counts) == (0.0, 1, {"exception": 1})


def test_a_contract_at_risk_counts_once_and_whole_however_many_invoices_are_late(world, shipped):
    world.fact("clm.contract.approved", -5, contract__value="900000", contract__currency="USD")
    world.fact("erp.invoice.issued", 5, on=("other invoice",), **TERMS)
    value = rate(world, shipped, "value-at-risk", day=60)
    assert (value.value, value.unit, value.n) == (900000, "USD", 1)
