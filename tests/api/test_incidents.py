"""Incidents over HTTP: what is open, and what a person does about it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from dashboards.incident_card import card
from threadline.api.incidents import shown
from threadline.briefings import briefing

INCIDENTS = "/api/v1/incidents"


def test_the_gravest_and_most_valuable_come_first_in_words_with_what_to_do(api):
    found = api.get(INCIDENTS, params={"state": "open"}).json()["items"]

    assert [(one["severity"], one["number"]) for one in found] == [
        ("breach", "C-100234"),
        ("breach", "C-100234"),
        ("breach", "C-100242"),
        ("breach", "C-100242"),
        ("warning", "C-100240"),
    ]
    assert {one["title"] for one in found[:2]} == {
        "Contract activation of C-100234 is past its deadline",
        "“ERP project created” of C-100234 is past its deadline",
    }
    assert found[0]["owner"] == "ERP finance support"
    assert found[0]["runbook"]["next"]
    assert found[0]["value"] == {"amount": "480000.00", "currency": "EUR"}


def test_the_most_urgent_of_all_come_into_the_first_part_however_old(api):
    asked, parts = {"state": "open,acknowledged", "order": "urgent", "limit": 2}, []
    while True:
        answer = api.get(INCIDENTS, params=asked).json()
        parts.append([(one["severity"], one["number"]) for one in answer["items"]])
        if answer["next"] is None:
            break
        asked["cursor"] = answer["next"]
    assert parts == [
        [("breach", "C-100234"), ("breach", "C-100234")],
        [("breach", "C-100242"), ("breach", "C-100242")],
        [("warning", "C-100240")],
    ]
    refused = api.get(INCIDENTS, params=asked | {"cursor": "2026-03-02T12:00:00+00:00~x"})
    assert (refused.status_code, "is no cursor" in refused.json()["detail"]) == (422, True)


def test_acknowledging_says_who_and_stays_in_the_history(api):
    incident = api.get(INCIDENTS, params={"state": "open"}).json()["items"][-1]
    path = f"{INCIDENTS}/{incident['id']}"

    done = api.post(f"{path}/acknowledge", json={"actor": "night shift"})

    assert done.status_code == 200
    assert done.json()["state"] == "acknowledged"
    assert done.json()["acknowledged_by"] == "night shift"
    history = api.get(path).json()["history"]
    assert [(event["what"], event["who"]) for event in history][-1] == (
        "acknowledged",
        "night shift",
    )
    assert incident["id"] not in {
        one["id"] for one in api.get(INCIDENTS, params={"state": "open"}).json()["items"]
    }


def test_an_incident_is_assigned_noted_and_resolved_and_then_it_is_over(api):
    incident = api.get(INCIDENTS, params={"state": "open"}).json()["items"][-1]
    path = f"{INCIDENTS}/{incident['id']}"

    assigned = api.post(f"{path}/assign", json={"actor": "lead", "assignee": "billing"})
    noted = api.post(f"{path}/note", json={"actor": "billing", "text": "asked the ERP team"})
    resolved = api.post(f"{path}/resolve", json={"actor": "billing", "text": "done by hand"})
    again = api.post(f"{path}/acknowledge", json={"actor": "late"})

    assert assigned.json()["assignee"] == "billing"
    assert noted.json()["history"][-1]["detail"]["text"] == "asked the ERP team"
    assert resolved.json()["state"] == "resolved"
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"


def test_a_note_without_words_and_an_act_of_nobody_are_refused(api):
    incident = api.get(INCIDENTS).json()["items"][0]["id"]

    assert api.post(f"{INCIDENTS}/{incident}/note", json={"text": " "}).status_code == 422
    refused = api.post(f"{INCIDENTS}/{incident}/acknowledge", json={"actor": ""})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["where"] == "body.actor"


def test_lists_are_narrowed_by_what_an_incident_is_about(api):
    everything = api.get(INCIDENTS).json()["items"]

    def found(**query):
        return {one["id"] for one in api.get(INCIDENTS, params=query).json()["items"]}

    for name in ("criticality", "assignee"):
        for value in {one[name] for one in everything if one[name]}:
            expected = {one["id"] for one in everything if one[name] == value}
            assert found(**{name: value}) == expected
    assert found(whole="true") == {one["id"] for one in everything if not one["part_of"]}
    assert found(system="nobody") == found(part_of="nobody") == set()
    assert all(one["labels"]["about"] == one["about"] for one in everything)


def test_receivers_say_whether_they_are_reached(api):
    receivers = {one["name"]: one for one in api.get("/api/v1/receivers").json()["items"]}

    assert receivers["default/log"]["delivered_at"] == "2026-03-20T12:00:00Z"
    assert receivers["default/log"]["failure"] == ""
    assert receivers["default/webhook"]["lacks"] == ["alerts.webhook_url"]


def test_a_list_says_by_what_it_may_be_narrowed_however_long_it_is(api):
    live = {"state": "open,acknowledged", "whole": "true"}
    offered = api.get(f"{INCIDENTS}/narrowing", params=live).json()

    assert offered["journey"] == ["contract-activation"]
    for name, values in offered.items():
        for value in values:
            found = api.get(INCIDENTS, params={**live, name: value, "limit": 1}).json()["items"]
            assert [one[name] for one in found] == [value]
    shown = api.get(INCIDENTS, params=live).json()["items"]
    for name, values in offered.items():
        assert set(values) == {one[name] for one in shown} - {""}
    over = api.get(f"{INCIDENTS}/narrowing", params={"state": "recorded"}).json()
    assert over == {"journey": [], "criticality": [], "system": []}


@pytest.mark.parametrize(
    ("severity", "passed", "title", "chip"),
    [
        ("failure", timedelta(days=1), "is past its deadline", "deadline broken"),
        ("breach", timedelta(minutes=-30), "is close to its deadline", "deadline near"),
        ("warning", timedelta(), "is past its deadline", "deadline broken"),
    ],
)
def test_a_promise_is_late_by_its_deadline_however_severe_its_rule(
    world, severity, passed, title, chip
):
    (some, *_) = [one for one in world.alerts.page().items if one.promise == "case"]
    rule = replace(some, severity=severity, deadline=some.due_at + passed)
    incident = shown(world, rule)
    assert incident.title.endswith(title)
    assert chip in card(incident, world.clock.now())


def test_next_moves_name_routes_that_there_are(api, world):
    routes = api.get("/openapi.json").json()["paths"].keys()
    some, named = world.alerts.page().items[0], set()
    for promise in ("source:erp", "kpi:a/b:", "value:a/b:EUR", "growth:dead-letters:crm"):
        moves = briefing(world.definitions, replace(some, promise=promise, system="erp")).next_moves
        assert moves
        named |= set(re.findall(r"GET (/api/v1/[a-z-]+)", " ".join(moves)))
    assert named
    assert named <= routes
