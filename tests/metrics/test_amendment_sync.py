"""Amendments, by example: what order they take, and invoices that go out on the old terms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from metrics_worlds import BASE, World, frames

from metrics.definitions import Definitions
from metrics.derive import Derived, derive

APPROVED, BILLING, PSA = (
    "clm.amendment.approved",
    "erp.billing_schedule.updated",
    "psa.project.updated",
)
RATES, ISSUED, ENTRY = (
    "erp.rate_card.updated",
    "erp.invoice.issued",
    "erp.compensating_entry.posted",
)
JOURNEY = "amendment-sync"


def approve(world: World, kind: str, at: float = 0, on: str = "amendment") -> None:
    terms: dict[str, Any] = {
        "amendment__kind": kind,
        "amendment__value": "5000.00",
        "amendment__currency": "EUR",
        "contract__region": "EMEA",
        "contract__business_unit": "Advisory",
    }
    world.fact(APPROVED, at, on=(on, "contract"), **terms)


def told(world: World, shipped: Definitions) -> Derived:
    return derive(*frames(world), shipped)


def case(world: World, shipped: Definitions, case_id: str = "amendment:clm:A-1") -> dict[str, Any]:
    cases = told(world, shipped).cases.filter(journey=JOURNEY)
    return cases.rows_by_key("case_id", named=True, unique=True)[case_id]


def exceptions(world: World, shipped: Definitions) -> list[tuple[str, str, datetime]]:
    found = told(world, shipped).exceptions.filter(journey=JOURNEY)
    return found.sort("at", "case_id").select("case_id", "kind", "at").rows()


def hours(count: float) -> datetime:
    return BASE + timedelta(hours=count)


@pytest.fixture
def world() -> World:
    """A contract whose billing terms were amended."""
    world = World()
    approve(world, "billing_terms")
    return world


def test_billing_comes_first_then_the_psa(world, shipped):
    world.fact(BILLING, 3, on=("amendment", "billing_schedule"))
    row = case(world, shipped)
    assert (row["current_step"], row["current_since"]) == ("psa-updated", hours(3))
    world.fact(PSA, 5, on=("amendment", "project"))
    row = case(world, shipped)
    assert (row["completed_at"], row["exceptions"]) == (hours(5), 0)


def test_only_amended_rates_ask_for_a_rate_card(shipped):
    for kind, completed in (("rates", None), ("scope", hours(5)), ("billing_terms", hours(5))):
        world = World()
        approve(world, kind)
        world.fact(BILLING, 3, on=("amendment",))
        world.fact(PSA, 5, on=("amendment",))
        assert case(world, shipped)["completed_at"] == completed
        world.fact(RATES, 9, on=("amendment", "project"))
        assert case(world, shipped)["completed_at"] == (completed or hours(9))


def test_billing_terms_are_promised_sooner(world, shipped):
    # Wednesday morning in Berlin: two business days end on Thursday evening, four on Monday.
    assert case(world, shipped)["due_at"] == datetime(2026, 3, 26, 16, tzinfo=UTC)
    world.rows.clear()
    approve(world, "scope")
    assert case(world, shipped)["due_at"] == datetime(2026, 3, 30, 15, tzinfo=UTC)


def test_an_update_for_one_amendment_is_none_for_another_of_the_same_schedule(world, shipped):
    approve(world, "billing_terms", 50, on="other amendment")
    world.ties.append(("amends", "other amendment", "billing_schedule"))
    world.fact(BILLING, 3, on=("amendment", "billing_schedule"))
    assert case(world, shipped, "amendment:clm:B-1")["current_step"] == "billing-updated"


def test_a_withdrawn_amendment_is_cancelled(world, shipped):
    world.fact("clm.amendment.withdrawn", 2, on=("amendment",))
    assert case(world, shipped)["cancelled_at"] == hours(2)


def test_a_rejection_fails_the_billing_step_with_its_message(world, shipped):
    rejected = {"outcome": "error", "message": "unknown payment terms"}
    world.fact("erp.billing_schedule.rejected", 2, on=("amendment",), **rejected)
    row = case(world, shipped)
    assert (row["stuck_reason"], row["stuck_message"]) == ("rejected", "unknown payment terms")


def test_an_invoice_between_approval_and_update_went_out_on_old_terms(world, shipped):
    world.fact(ISSUED, -1, on=("invoice",))  # before the amendment
    world.fact(ISSUED, 2, on=("other invoice", "project"))
    world.fact(ISSUED, 3, on=("invoice",))  # as the ERP learns of it
    world.fact(BILLING, 3, on=("amendment",))
    assert exceptions(world, shipped) == [("amendment:clm:A-1", "uncompensated", hours(2))]


def test_an_invoice_at_the_very_instant_of_the_approval_is_on_old_terms(world, shipped):
    world.fact(ISSUED, 0, on=("invoice",))
    assert exceptions(world, shipped) == [("amendment:clm:A-1", "uncompensated", hours(0))]


def test_only_new_terms_make_invoices_stale(shipped):
    world = World()
    approve(world, "scope")
    world.fact(ISSUED, 2, on=("invoice",))
    assert exceptions(world, shipped) == []


@pytest.mark.parametrize("at", [-3, 2, 4, 400])
def test_an_entry_for_this_invoice_and_this_amendment_compensates_whenever_it_comes(
    world, shipped, at
):
    world.fact(ISSUED, 2, on=("invoice",))
    world.fact(BILLING, 3, on=("amendment",))
    world.fact(PSA, 3, on=("amendment",))
    world.fact(ENTRY, at, on=("amendment", "invoice"))
    assert exceptions(world, shipped) == []


@pytest.mark.parametrize("on", [("amendment", "other invoice"), ("other amendment", "invoice")])
def test_an_entry_for_another_invoice_or_amendment_does_not(world, shipped, on):
    world.fact(ISSUED, 2, on=("invoice",))
    world.fact(ENTRY, 4, on=on)
    assert exceptions(world, shipped) == [("amendment:clm:A-1", "uncompensated", hours(2))]


@pytest.mark.parametrize("how", [{"outcome": "error"}, {"plausible": False}])
def test_an_entry_that_failed_or_has_no_time_compensates_nothing(world, shipped, how):
    world.fact(ISSUED, 2, on=("invoice",))
    world.fact(ENTRY, 4, on=("amendment", "invoice"), **how)
    assert "uncompensated" in {kind for _, kind, _ in exceptions(world, shipped)}


def test_an_invoice_that_failed_to_be_issued_is_on_no_terms(world, shipped):
    world.fact(ISSUED, 2, on=("invoice",), outcome="error")
    assert exceptions(world, shipped) == []


def test_an_amendment_has_its_own_value_and_that_of_its_contract(world, shipped):
    world.fact("clm.contract.approved", -9, contract__value="900000", contract__currency="EUR")
    row = case(world, shipped)
    assert (row["value"], row["root_value"]) == (Decimal("5000.00"), Decimal("900000.00"))
