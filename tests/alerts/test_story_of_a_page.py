"""A page, nobody or somebody answers: acknowledgement, rounds, size, business hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from control_databases import NOON

from alerts.handling import IncidentClosed

OPENING = NOON + timedelta(hours=20)


def entries(desk):
    """The history of the only incident, but for attempts to tell somebody."""
    told = desk.service.history(desk.incident().id)
    return [one for one in told if not one.what.startswith("noti")]


def test_that_it_is_back_is_news_to_those_who_heard_it_was_over(desk):
    desk.late()
    desk.case(warn_at=None, due_at=NOON + timedelta(hours=9))
    desk.at(hours=2, minutes=1)
    desk.at(hours=2, minutes=3, seconds=1)
    desk.case(warn_at=None)
    desk.at(hours=2, minutes=4)
    assert desk.news == [("resolved", "deadline-moved"), ("update", "returned")]


def test_a_step_that_fell_due_while_it_was_away_stands_in_the_history_once_it_is_back(desk):
    desk.late()
    desk.case(warn_at=None, due_at=NOON + timedelta(hours=9))
    desk.at(hours=2, minutes=14)
    desk.case(warn_at=None)
    desk.at(hours=2, minutes=15)
    assert desk.pages == [("opened", "breach"), ("escalated", "breach")]
    assert [one.what for one in entries(desk)] == [
        *("opened", "deadline-moved", "returned", "escalated")
    ]


def test_a_page_that_was_not_delivered_when_it_was_over_is_when_it_is_back(desk):
    desk.webhook.down()
    desk.late()
    desk.case(warn_at=None, due_at=NOON + timedelta(hours=9))
    desk.at(hours=2, minutes=1)
    desk.webhook.up()
    desk.at(hours=2, minutes=2)
    assert desk.webhook.received == []
    desk.case(warn_at=None)
    desk.at(hours=2, minutes=3)
    assert desk.pages == [("opened", "breach")]


def test_an_acknowledgement_that_lapses_begins_the_escalation_anew(desk):
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 0s, receivers: [webhook]}, {after: 15m, receivers: [webhook]}]
        acknowledgement: {lapses: 4h}
    """)
    desk.late()
    desk.service.acknowledge(desk.incident().id, who="ana")
    desk.at(hours=5, minutes=59)
    assert len(desk.pages) == 1
    desk.at(hours=6)
    assert desk.pages[-1] == ("lapsed", "breach")
    assert (desk.incident().state, desk.incident().acknowledged_by) == ("open", "")
    desk.at(hours=6, minutes=15)
    assert len(desk.pages) == 3


def test_others_who_were_told_hear_who_is_on_it(desk):
    desk.late()
    desk.service.acknowledge(desk.incident().id, who="ana")
    desk.at(hours=2, minutes=1)
    assert desk.news == [("update", "acknowledged")]
    assert desk.received("update")[0]["assignee"] == "ana"


def test_who_may_not_have_heard_that_it_was_over_hears_who_is_on_it(desk):
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 10m, receivers: [webhook]}]
    """)
    desk.late()
    desk.at(hours=2, minutes=10)
    desk.service.resolve(desk.incident().id, who="ana")
    now = desk.clock.now()
    dead = {"owner": "dead", "lease_until": now + timedelta(minutes=2)}
    assert desk.control.outbox.claim(now, receiver="default/webhook", **dead)
    desk.case(warn_at=None, due_at=NOON + timedelta(hours=2, minutes=11))
    desk.at(hours=2, minutes=12)
    desk.service.acknowledge(desk.incident().id, who="ben")
    desk.at(hours=2, minutes=15)
    assert desk.news == [("update", "acknowledged")]


def test_all_steps_are_told_again_until_the_rounds_are_exhausted(desk):
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 0s, receivers: [webhook]}, {after: 10m, receivers: [webhook]}]
        repeat: {every: 30m, times: 2}
    """)
    desk.late()
    told = []
    for minute in range(0, 240, 5):
        desk.at(hours=2, minutes=minute)
        told += [minute] * (len(desk.pages) - len(told))
    assert told == [0, 10, 40, 50, 80, 90]
    assert [reason for reason, _ in desk.pages] == ["opened", "escalated", *4 * ["repeated"]]
    whats = [event.what for event in desk.service.history(desk.incident().id)]
    assert whats.count("escalation-exhausted") == 1
    assert desk.incident().state == "open"


def test_a_policy_with_fewer_steps_than_were_told_goes_on(desk):
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 0s, receivers: [webhook]}, {after: 10m, receivers: [webhook]}]
        repeat: {every: 1h, times: 1}
    """)
    desk.late()
    desk.at(hours=2, minutes=10)
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 0s, receivers: [webhook]}]
        repeat: {every: 1h, times: 1}
    """)
    desk.at(hours=2, minutes=11)
    assert len(desk.pages) == 2
    desk.at(hours=3, minutes=10)
    assert [reason for reason, _ in desk.pages] == ["opened", "escalated", "repeated"]


def test_an_executive_is_told_of_what_is_big_enough_and_when_it_becomes_so(desk):
    desk.declare("""
        rules: [{when: hop-failure, cases: 3, within: 1h}]
        escalation:
          - {after: 0s, receivers: [log]}
          - {after: 0s, receivers: [webhook], at-least: {cases: 50, worth: {EUR: 700000}}}
    """)
    for number in range(5):
        desk.fails(f"C-{number}")
    desk.at(minutes=1)
    assert desk.pages == [], "five contracts of 120,000"
    desk.fails("C-5")
    desk.at(minutes=2)
    assert [one["worth"] for one in desk.received("page")] == [{"EUR": "720000.00"}]
    told = [(one.what, one.detail.get("steps")) for one in entries(desk)]
    assert told == [("opened", None), ("updated", None), ("escalated", [2])]


def test_a_step_for_revenue_is_not_taken_for_delivery(desk):
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation:
          - {after: 0s, receivers: [log]}
          - {after: 5m, receivers: [webhook], criticality: [revenue]}
    """)
    desk.late(criticality="delivery")
    desk.at(hours=3)
    assert desk.pages == []
    desk.case(warn_at=None, case_id="contract:clm:C-2")
    desk.at(hours=4)
    desk.at(hours=4, minutes=5)
    assert [page["criticality"] for page in desk.received("page")] == ["revenue"]


def test_who_is_responsible_since_its_criticality_changed_is_told(desk):
    (desk.directory / "delivery.yaml").write_text("""
policy: delivery
rules: [{when: case-deadline, criticality: [delivery]}]
escalation: [{after: 0s, receivers: [log]}]
receivers: {log: {type: log}}
""")
    desk.declare("""
        rules: [{when: case-deadline, criticality: [revenue]}]
        escalation: [{after: 0s, receivers: [webhook]}]
    """)
    desk.late(criticality="delivery")
    assert desk.pages == []
    desk.case(warn_at=None, criticality="revenue")
    desk.at(hours=2, minutes=1)
    desk.at(hours=2, minutes=2)
    assert desk.pages == [("opened", "breach")]


def test_a_step_within_business_hours_waits_until_they_begin(desk):
    def opens(hours: str, at: datetime) -> datetime:
        assert hours == "desk"
        return max(at, OPENING)

    desk.surroundings = replace(desk.surroundings, opens=opens)
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation:
          - {after: 0s, receivers: [log]}
          - {after: 15m, receivers: [webhook], hours: desk}
    """)
    desk.late()
    desk.at(hours=19)
    assert desk.pages == []
    desk.at(hours=20)
    assert len(desk.pages) == 1


def test_whoever_is_on_duty_then_is_told(desk):
    night = NOON + timedelta(hours=2, minutes=10)

    def on_duty(rota: str, at: datetime) -> tuple[str, ...]:
        return ("default/webhook",) if (rota, at > night) == ("integration", True) else ()

    desk.surroundings = replace(desk.surroundings, on_duty=on_duty)
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation:
          - {after: 0s, receivers: [log]}
          - {after: 15m, receivers: ["rota:integration"]}
    """)
    desk.late()
    desk.at(hours=2, minutes=15)
    assert desk.pages == [("escalated", "breach")]


def test_a_step_that_reaches_nobody_is_followed_by_the_next_at_once(desk):
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation:
          - {after: 0s, receivers: ["rota:nobody"]}
          - {after: 1h, receivers: [webhook]}
    """)
    desk.late()
    assert desk.pages == [("escalated", "breach")]
    desk.at(hours=4)
    assert len(desk.pages) == 1


def test_escalating_by_hand_tells_the_next_step_now(desk):
    desk.late()
    done = desk.service.escalate_now(desk.incident().id, who="ana", text="I need the ERP team")
    assert done.told_steps == (1, 2)
    desk.at(hours=2, minutes=1)
    assert [reason for reason, _ in desk.pages] == ["opened", "escalated"]
    desk.at(hours=2, minutes=15)
    assert len(desk.pages) == 2, "the second step has been told"
    desk.service.acknowledge(desk.incident().id, who="ana")
    with pytest.raises(IncidentClosed):
        desk.service.escalate_now(desk.incident().id, who="ana")


def test_shares_of_the_promise_and_times_beside_it_page_one_after_the_other(desk):
    desk.declare("""
        rules:
          - {when: case-deadline, at: 80%}
          - {when: case-deadline, before: 30m, severity: breach}
          - {when: case-deadline, after: 1d, severity: failure}
        escalation: [{after: 0s, receivers: [webhook]}]
    """)
    marks = {
        "mark:80%": NOON + timedelta(hours=1),
        "mark:-1800s elapsed": NOON + timedelta(minutes=90),
        "mark:+86400s elapsed": NOON + timedelta(hours=26),
    }
    desk.case(**marks)
    for hours in (0.5, 1, 1.5, 2, 26):
        desk.at(hours=hours)
    assert desk.pages == [("opened", "warning"), ("raised", "breach"), ("raised", "failure")]
    assert [
        page["what"].partition("Contract activation ")[2] for page in desk.received("page")
    ] == [
        "is about to miss its deadline, at “erp-project”",
        "is about to miss its deadline, at “erp-project”",
        "has missed its deadline, at “erp-project”",
    ]
    assert len(desk.service.page().items) == 1


def test_a_step_that_is_late_for_long_is_late_and_has_not_failed(desk):
    desk.declare("""
        rules:
          - {when: step-deadline, at: 50%}
          - {when: step-deadline, after: 1d, severity: failure}
        escalation: [{after: 0s, receivers: [webhook]}]
    """)
    marks = {
        "step-mark:50%": NOON + timedelta(minutes=30),
        "step-mark:+86400s elapsed": NOON + timedelta(hours=25),
    }
    desk.case(current_due_at=NOON + timedelta(hours=1), **marks)
    desk.at(hours=0.5)
    desk.at(hours=25)
    assert [page["what"] for page in desk.received("page")] == [
        "C-1: Contract activation is stuck: “erp-project” is about to miss its deadline",
        "C-1: Contract activation is stuck: “erp-project” is past its deadline",
    ]
