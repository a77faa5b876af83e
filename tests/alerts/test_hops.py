"""A hop is down: one incident for all cases that hang on it, growing, shrinking, healing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

import handmade_failures
import pytest
from control_databases import NOON
from handmade_failures import AWAY, failure

from alerts import hops
from alerts.policy import SHIPPED, load


def test_three_cases_failing_within_an_hour_are_one_incident_and_one_page(desk):
    desk.fails("C-1", minutes=1)
    desk.fails("C-2", minutes=2)
    desk.at(minutes=3)
    assert desk.pages == [], "two may be chance"
    desk.fails("C-3", minutes=4, value=Decimal("80000.00"), currency="USD")
    desk.at(minutes=5)
    incident = desk.incident()
    assert (incident.severity, incident.system, incident.error) == ("failure", "erp", AWAY)
    assert incident.opened_at == NOON + timedelta(minutes=4), "when the third one failed"
    assert incident.since == NOON + timedelta(minutes=1)
    assert (incident.cases, incident.worth) == (3, {"EUR": "240000.00", "USD": "80000.00"})
    assert desk.pages == [("opened", "failure")]
    (page,) = desk.webhook.received
    assert page["what"] == (
        f"erp: 3 cases hang on “{AWAY}”, contracts worth EUR 240,000.00 and USD 80,000.00"
    )
    assert (page["case"], page["contract"], page["cases"]) == ("", "", 3)
    assert page["next_moves"] == ["replay the project request"]


def test_it_grows_and_shrinks_without_another_page_and_heals_with_the_last_case(desk):
    for number in range(3):
        desk.fails(f"C-{number}")
    desk.at(minutes=1)
    for number in range(3, 8):
        desk.fails(f"C-{number}", minutes=2)
    desk.at(minutes=3)
    assert desk.incident().cases == 8
    desk.heals("C-0", "C-1", "C-2", "C-3", "C-4", "C-5", "C-6")
    desk.at(minutes=9)
    incident = desk.incident()
    assert (incident.state, incident.cases) == ("open", 1), "one case still waits"
    desk.heals("C-7")
    desk.at(minutes=10)
    incident = desk.incident()
    assert (incident.state, incident.reason) == ("resolved", "healed")
    assert desk.pages == [("opened", "failure")]
    known = desk.service.affected(incident.id)
    assert len(known) == 8
    assert {one.left_at for one in known if one.case.case_id < "contract:clm:C-7"} == {
        NOON + timedelta(minutes=9, microseconds=1)
    }


def test_nobody_answers_so_it_escalates_and_acknowledging_stops_that(desk):
    for number in range(3):
        desk.fails(f"C-{number}")
    desk.at(minutes=1)
    desk.at(minutes=16)
    assert [reason for reason, _ in desk.pages] == ["opened", "escalated"]
    desk.service.acknowledge(desk.incident().id, who="ana")
    desk.fails("C-9", minutes=17)
    desk.at(minutes=18)
    incident = desk.incident()
    assert (incident.state, incident.acknowledged_by, incident.cases) == ("acknowledged", "ana", 4)
    assert len(desk.pages) == 2


def test_numbers_in_the_error_are_of_the_case_not_of_the_cause(desk):
    for number in range(3):
        desk.fails(f"C-{number}", error=f"no answer for project {number} within 30 s")
    desk.fails("C-8", error="cost centre is closed")
    desk.at(minutes=1)
    assert desk.incident().cases == 3


@pytest.mark.parametrize("what", [{"system": "psa"}, {"error": "another error"}])
def test_another_system_or_error_is_another_cause(desk, what):
    desk.fails("C-1")
    desk.fails("C-2")
    desk.fails("C-3", **what)
    desk.at(minutes=1)
    assert desk.service.page().items == []


def test_failures_that_were_long_past_when_they_became_known_page_nobody(desk):
    for number in range(20):
        desk.fails(f"C-{number}", minutes=-61, known_at=NOON)
    desk.at(minutes=0)
    assert desk.service.page().items == []


def test_closed_by_hand_it_opens_again_only_by_as_many_new_failures(desk):
    for number in range(3):
        desk.fails(f"C-{number}")
    desk.at(minutes=1)
    desk.service.resolve(desk.incident().id, who="ana", text="the ERP team is on it")
    desk.fails("C-4", minutes=2)
    desk.fails("C-5", minutes=2)
    desk.at(minutes=3)
    assert desk.incident().state == "resolved"
    desk.fails("C-6", minutes=4)
    desk.at(minutes=5)
    incident = desk.incident()
    assert (incident.state, incident.reason, incident.cases) == ("open", "reopened", 6)
    assert incident.opened_at == NOON + timedelta(minutes=4)
    assert [reason for reason, _ in desk.pages] == ["opened", "reopened"]


def test_it_is_found_from_each_case_that_hangs_or_hung_on_it(desk):
    for number in range(3):
        desk.fails(f"C-{number}")
    desk.at(minutes=1)
    desk.heals("C-1")
    desk.at(minutes=2)
    for case_id in ("contract:clm:C-0", "contract:clm:C-1"):
        assert [one.system for one in desk.service.of_cases([case_id])] == ["erp"]
    assert desk.service.of_cases(["contract:clm:C-9"]) == []


def test_evaluating_again_and_after_a_restart_changes_nothing(desk):
    for number in range(3):
        desk.fails(f"C-{number}")
    desk.at(minutes=1)
    version = desk.incident().version
    desk.restart()
    desk.at(minutes=2)
    assert desk.incident().version == version
    assert len(desk.pages) == 1


def test_a_contract_that_hangs_in_two_journeys_is_worth_its_value_once():
    policies = load([SHIPPED], {"webhook_url": None})
    one = failure("1", NOON, criticality="delivery", value=Decimal(100))
    two = failure("1", NOON, journey="b", case_id="amendment:clm:2", value=Decimal(100))
    three = failure("3", NOON, criticality="delivery", root_id="", value=None)
    (action,) = evaluate([one, two, three], [], policies)
    incident = action.incident
    assert (incident.cases, incident.worth) == (3, {"EUR": "100.00"})
    assert incident.criticality == "revenue", "the gravest of its cases"
    held = {incident.id: frozenset(case[:2] for case in action.hanging)}
    assert evaluate([three, two, one], [incident], policies, held) == []


def evaluate(failures, known, policies, held=MappingProxyType({})):
    """What is to be done about these, decided at noon."""
    hanging = hops.failing(handmade_failures.frame(failures))
    return list(hops.evaluate(hanging, hops.none(), known, NOON, policies, hops.none(), held))


def test_failures_are_noticed_however_late_somebody_looks(desk):
    for number in range(3):
        desk.fails(f"C-{number}", minutes=number)
    desk.at(hours=9)
    assert desk.incident().opened_at == NOON + timedelta(minutes=2)
    assert desk.pages == [("opened", "failure")]


def test_failures_far_apart_are_no_outage(desk):
    for number in range(20):
        desk.fails(f"C-{number}", minutes=31 * number)
    desk.at(hours=12)
    assert desk.service.page().items == []
