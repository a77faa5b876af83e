"""Figures beyond a bound: held for a time, well again only beyond another, unknown never either."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from control_databases import NOON

from alerts.durations import duration

ATTAINMENT = """
rules:
  - {when: kpi, name: watched, kpi: sla-attainment, window: this-month, by: region,
     below: 95%, clear: 96%, for: 30m, sample: 20}
escalation: [{after: 0s, receivers: [webhook]}]
grace: 2m
"""
AT_RISK = """
rules: [{when: value-at-risk, name: watched, above: {EUR: 1000000}, clear: {EUR: 900000}}]
escalation:
  - {after: 0s, receivers: [log]}
  - {after: 0s, receivers: [webhook], at-least: {worth: {EUR: 1500000}}}
"""


def attained(share: str | None, n: int = 143) -> dict[str, Any]:
    """The KPI as a look at it finds it."""
    return {
        "part": "region=EMEA",
        "title": "SLA attainment",
        "value": None if share is None else Decimal(share),
        "unit": "ratio",
        "n": n,
        "journey": "contract-activation",
        "criticality": "revenue",
    }


def at_risk(euros: int, **more: Any) -> dict[str, Any]:
    worth = {"EUR": str(euros)}
    told = {"part": "EUR", "title": "Value at risk", "unit": "EUR", "n": 4, "cases": 4}
    return {**told, "value": Decimal(euros), "worth": worth, "criticality": "revenue", **more}


def test_a_figure_pages_once_it_has_stood_below_its_bound_for_the_rules_time(desk):
    desk.declare(ATTAINMENT)
    desk.look(minutes=0, **attained("0.912"))
    desk.look(minutes=29, **attained("0.912"))
    assert not desk.service.page().items, "nobody is told, and no list shows it"
    desk.look(minutes=30, **attained("0.912"))
    (page,) = desk.received("page")
    assert page["what"] == (
        "SLA attainment, this month, EMEA: 91.2 % (n 143), below 95 % since 02 Mar 12:00 UTC"
    )
    assert (page["about"], page["severity"], page["owner"]) == (
        *("kpi", "warning", "integration-operations"),
    )
    incident = desk.incident()
    assert incident.promise == "kpi:default/watched:region=EMEA"
    assert incident.opened_at - incident.since == timedelta(minutes=30)


def test_a_spike_pages_nobody(desk):
    desk.declare(ATTAINMENT)
    desk.look(minutes=0, **attained("0.90"))
    desk.look(minutes=20, **attained("0.97"))
    desk.look(minutes=40, **attained("0.90"))
    desk.look(minutes=69, **attained("0.90"))
    assert desk.pages == []


def test_a_restart_does_not_begin_to_count_anew(desk):
    desk.declare(ATTAINMENT)
    desk.look(minutes=0, **attained("0.90"))
    desk.restart()
    desk.look(minutes=30, **attained("0.90"))
    assert desk.pages == [("opened", "warning")]


def test_between_the_bound_and_where_it_is_well_again_nothing_begins_and_nothing_ends(desk):
    desk.declare(ATTAINMENT)
    desk.look(minutes=0, **attained("0.90"))
    desk.look(minutes=30, **attained("0.90"))
    desk.look(minutes=40, **attained("0.955"))
    assert desk.incident().state == "open"
    assert desk.incident().said.endswith("not yet back at 96 %")
    desk.look(minutes=50, **attained("0.96"))
    assert (desk.incident().state, desk.incident().reason) == ("resolved", "recovered")
    desk.look(minutes=53, **attained("0.96"))
    assert desk.news == [("resolved", "recovered")]
    desk.look(minutes=60, **attained("0.955"))
    desk.look(minutes=120, **attained("0.955"))
    assert desk.pages == [("opened", "warning")]


def test_what_cannot_be_said_or_is_of_too_few_neither_pages_nor_ends_anything(desk):
    desk.declare(ATTAINMENT)
    for minutes, seen in ((0, attained(None)), (40, attained("0.5", n=19)), (80, attained(None))):
        desk.look(minutes=minutes, **seen)
    assert desk.pages == []
    desk.look(minutes=100, **attained("0.5", n=20))
    desk.look(minutes=130, **attained("0.5", n=20))
    desk.look(minutes=140, **attained(None))
    desk.look(minutes=150, **attained("1.0", n=19))
    assert desk.incident().state == "open"


def test_what_is_back_within_the_grace_time_had_not_gone(desk):
    desk.declare(ATTAINMENT)
    desk.look(minutes=0, **attained("0.90"))
    desk.look(minutes=30, **attained("0.90"))
    desk.look(minutes=40, **attained("0.97"))
    desk.look(minutes=41, **attained("0.90"))
    desk.look(minutes=50, **attained("0.90"))
    assert desk.incident().reason == "returned"
    assert (desk.pages, desk.news) == ([("opened", "warning")], [])


def test_it_comes_back_after_the_grace_time_only_once_it_has_stood_again(desk):
    desk.declare(ATTAINMENT)
    for minutes, share in ((0, "0.90"), (30, "0.90"), (40, "0.97"), (60, "0.90"), (89, "0.90")):
        desk.look(minutes=minutes, **attained(share))
    assert desk.pages == [("opened", "warning")]
    desk.look(minutes=90, **attained("0.90"))
    assert desk.pages == [("opened", "warning"), ("reopened", "warning")]


def test_closed_by_hand_it_opens_again_only_when_it_has_been_well_in_between(desk):
    desk.declare(ATTAINMENT)
    desk.look(minutes=0, **attained("0.90"))
    desk.look(minutes=30, **attained("0.90"))
    desk.service.resolve(desk.incident().id, who="billing-primary", text="known")
    desk.look(minutes=31, **attained("0.90"))
    desk.look(minutes=90, **attained("0.90"))
    assert desk.incident().state == "resolved"
    desk.look(minutes=100, **attained("0.97"))
    assert desk.incident().reason == "settled"
    desk.look(minutes=110, **attained("0.90"))
    desk.look(minutes=140, **attained("0.90"))
    assert desk.pages == [("opened", "warning"), ("reopened", "warning")]


def test_acknowledged_it_pages_nobody_again_as_it_moves(desk):
    desk.declare(ATTAINMENT)
    desk.look(minutes=0, **attained("0.90"))
    desk.look(minutes=30, **attained("0.90"))
    desk.service.acknowledge(desk.incident().id, who="billing-primary")
    desk.look(minutes=40, **attained("0.80"))
    assert desk.incident().said.startswith("SLA attainment, this month, EMEA: 80 %")
    assert desk.pages == [("opened", "warning")]


def test_each_part_has_an_incident_of_its_own(desk):
    desk.declare(ATTAINMENT)
    for minutes in (0, 30):
        for region in ("EMEA", "APAC"):
            desk.look(minutes=minutes, **attained("0.90") | {"part": f"region={region}"})
    assert [one["what"].split(",")[2] for one in desk.received("page")] == [
        *(" EMEA: 90 % (n 143)", " APAC: 90 % (n 143)")
    ]


def test_a_rule_that_is_withdrawn_ends_what_it_has_opened(desk):
    desk.declare(ATTAINMENT)
    desk.look(minutes=0, **attained("0.90"))
    desk.look(minutes=30, **attained("0.90"))
    desk.declare("rules: [{when: case-deadline}]\nescalation: [{after: 0s, receivers: [webhook]}]")
    desk.at(minutes=31)
    assert (desk.incident().state, desk.incident().reason) == ("resolved", "no-rule")


def test_looking_again_at_the_same_changes_nothing(desk):
    desk.declare(ATTAINMENT)
    for minutes in (0, 30, 31):
        desk.look(minutes=minutes, **attained("0.90"))
    assert [event.what for event in desk.service.history(desk.incident().id)][:1] == ["opened"]
    assert desk.incident().version == 1


def test_value_at_risk_pages_and_reaches_the_executive_step_as_it_grows(desk):
    desk.declare(AT_RISK)
    desk.look(minutes=0, **at_risk(1_000_000))
    assert not desk.service.page().items, "at the bound is not above it"
    desk.look(minutes=5, **at_risk(1_200_000))
    assert desk.incident().said == (
        "Value at risk: EUR 1,200,000 in 4 contracts, above EUR 1,000,000 since 02 Mar 12:05 UTC"
    )
    assert desk.pages == []
    desk.look(minutes=10, **at_risk(1_600_000))
    assert len(desk.pages) == 1, "the executive step"
    desk.look(minutes=15, **at_risk(950_000))
    assert desk.incident().state == "open"
    desk.look(minutes=20, **at_risk(900_000, whole=False))
    assert desk.incident().state == "open", "there may be more, of which nothing is heard"
    desk.look(minutes=25, **at_risk(900_000))
    assert desk.incident().state == "resolved"


@pytest.mark.parametrize("hold", ["1m", "2h"])
def test_it_is_opened_at_the_instant_the_time_was_up_however_late_it_is_looked_at(desk, hold):
    desk.declare(ATTAINMENT.replace("for: 30m", f"for: {hold}"))
    desk.look(minutes=0, **attained("0.90"))
    desk.look(minutes=300, **attained("0.90"))
    held = desk.incident().opened_at - NOON
    assert timedelta(0) <= held - duration(hold) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("said", "instead"),
    [("by: region,", ""), ("by: region,", "by: region, where: {criticality: revenue},")],
    ids=["whole", "narrowed"],
)
def test_what_a_rule_has_no_part_for_any_more_is_over(desk, said, instead):
    desk.declare(ATTAINMENT)
    desk.look(minutes=0, **attained("0.90"))
    desk.look(minutes=30, **attained("0.90"))
    desk.at(minutes=31)
    assert desk.incident().state == "open"
    desk.declare(ATTAINMENT.replace(said, instead))
    desk.at(minutes=32)
    assert (desk.incident().state, desk.incident().reason) == ("resolved", "no-rule")


def test_a_currency_that_has_no_bound_any_more_is_over(desk):
    desk.declare(AT_RISK)
    desk.look(minutes=0, **at_risk(1_200_000))
    desk.at(minutes=1)
    assert desk.incident().state == "open"
    rule = AT_RISK.replace("above: {EUR", "above: {USD").replace("clear: {EUR", "clear: {USD")
    desk.declare(rule)
    desk.at(minutes=2)
    assert (desk.incident().state, desk.incident().reason) == ("resolved", "no-rule")
