"""Nobody answers, somebody answers, the service restarts: what is told next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from control_databases import NOON

from alerts import escalation
from alerts.escalation import Escalation, EscalationStep, begin, decide
from alerts.policy import load
from threadline.model.incidents import Incident

POLICY = Escalation(
    steps=(
        EscalationStep(after=timedelta(0), receivers=("p/first",)),
        EscalationStep(after=timedelta(minutes=15), receivers=("p/second",)),
        EscalationStep(after=timedelta(minutes=60), receivers=("p/third",)),
    )
)


def incident(**changes) -> Incident:
    whole = {
        "id": "1",
        "journey": "j",
        "case_id": "contract:clm:C-1",
        "root_id": "contract:clm:C-1",
        "promise": "case",
        "criticality": "revenue",
        "severity": "breach",
        "state": "open",
        "reason": "opened",
        "policy": "p",
        "opened_at": NOON,
        "deadline": NOON,
    }
    return Incident(**(whole | changes))


@pytest.mark.parametrize(
    ("minutes", "told", "reason", "steps"),
    [
        (0, 0, "due", (1,)),
        (0, 1, "not-yet", ()),
        (14.99, 1, "not-yet", ()),
        (15, 1, "due", (2,)),
        (16, 2, "not-yet", ()),
        (90, 1, "due", (2, 3)),
        (90, 3, "exhausted", ()),
        (900, 3, "exhausted", ()),
    ],
)
def test_the_next_steps_follow_from_time_and_how_far_it_had_come(minutes, told, reason, steps):
    running = incident(episode=1, escalation_from=NOON, told_steps=tuple(range(1, told + 1)))
    decision = decide(running, POLICY, NOON + timedelta(minutes=minutes))
    assert (decision.reason, decision.steps) == (reason, steps)


@pytest.mark.parametrize("state", ["acknowledged", "resolved", "recorded"])
def test_only_an_open_incident_is_told_of(state):
    running = replace(begin(incident(state=state), NOON), escalate_at=None)
    decision = decide(running, POLICY, NOON + timedelta(days=1))
    assert (decision.reason, decision.steps) == (state, ())


def test_the_instant_of_the_next_step_is_known_until_there_is_none():
    running = begin(incident(), NOON)
    instants = []
    for _ in POLICY.steps:
        running = escalation.decide(running, POLICY, running.escalate_at).incident
        instants.append(running.escalate_at)
    assert instants == [NOON + timedelta(minutes=15), NOON + timedelta(minutes=60), None]


def test_a_policy_that_is_gone_tells_nobody():
    assert decide(begin(incident(), NOON), Escalation(steps=()), NOON).reason == "exhausted"


def test_unacknowledged_for_a_quarter_of_an_hour_it_is_told_again_as_escalated(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.at(hours=2, minutes=14, seconds=59)
    assert len(desk.pages) == 1
    desk.at(hours=2, minutes=15)
    first, second = desk.webhook.received
    assert (first["escalation_step"], first["escalated"]) == (1, False)
    assert (second["escalation_step"], second["escalated"]) == (2, True)
    assert second["incident"] == first["incident"]
    desk.at(days=1)
    assert len(desk.pages) == 2, "the policy has two steps"


def test_acknowledging_stops_the_second_step(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    done = desk.service.acknowledge(desk.incident().id, who="ana", text="calling the ERP team")
    assert (done.state, done.acknowledged_by, done.assignee) == ("acknowledged", "ana", "ana")
    desk.at(hours=2, minutes=15)
    desk.at(days=1)
    assert len(desk.pages) == 1


def test_escalation_goes_on_at_the_right_step_after_a_restart(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.restart()
    desk.at(hours=2, minutes=1)
    assert len(desk.pages) == 1
    desk.restart()
    desk.at(hours=2, minutes=40)
    assert [reason for reason, _ in desk.pages] == ["opened", "escalated"]


def test_a_lagging_pipeline_does_not_shorten_the_time_people_have(desk):
    desk.case(warn_at=None)
    desk.move(hours=3)
    frame_now = NOON + timedelta(hours=2, seconds=1)
    desk.evaluate_at(frame_now)
    desk.service.deliver(desk.clock.now())
    assert [reason for reason, _ in desk.pages] == ["opened"], "told at 15:00 of what was due 14:00"
    desk.move(hours=3, minutes=14)
    desk.service.deliver(desk.clock.now())
    assert len(desk.pages) == 1
    desk.move(hours=3, minutes=15)
    desk.service.deliver(desk.clock.now())
    assert len(desk.pages) == 2


def test_two_policies_tell_their_own_receivers(tmp_path: Path):
    (tmp_path / "finance.yaml").write_text(
        "policy: finance\n"
        "rules: [{when: case-deadline, criticality: [revenue]}]\n"
        "escalation: [{after: 0s, receivers: [log]}, {after: 1h, receivers: [log]}]\n"
        "receivers: {log: {type: log}}\n"
    )
    shipped = Path(escalation.__file__).with_name("policies")
    policies = load([shipped, tmp_path], {"webhook_url": None})
    responsible = [
        rule.policy
        for on, criticality in (
            ("case-deadline", "revenue"),
            ("case-deadline", "delivery"),
            ("case-warning", "revenue"),
        )
        for rule in policies.responsible(on, "j", criticality)
    ]
    assert responsible == ["finance", "default", "default"]
    assert policies.escalations["finance"].steps[1].receivers == ("finance/log",)
    assert policies.escalations["default"].steps[0].receivers == ("default/log",), (
        "no URL: log only"
    )
