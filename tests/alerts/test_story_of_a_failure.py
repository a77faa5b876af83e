"""A single case's step has failed: one incident, however its case is called and rules change."""

from __future__ import annotations

from datetime import timedelta

from control_databases import NOON

FAILURES = """
    rules: [{when: step-failure}, {when: hop-failure}]
    escalation: [{after: 0s, receivers: [webhook]}]
"""


def test_it_follows_its_case_to_a_better_identifier(desk):
    crm, clm = "contract:crm:006", "contract:clm:C-1"
    desk.declare(FAILURES)
    desk.fails("C-1", case_id=crm)
    desk.at(minutes=1)
    desk.service.acknowledge(desk.incident().id, who="ana")
    desk.fails("C-1", case_id=clm)
    desk.move(minutes=2)
    desk.evaluate(today={crm: clm})
    desk.service.deliver(desk.clock.now())
    assert (desk.incident().state, desk.incident().acknowledged_by) == ("acknowledged", "ana")
    assert len(desk.pages) == 1


def test_rules_that_are_withdrawn_end_what_they_have_opened_and_cases_speak_again(desk):
    desk.declare(FAILURES)
    desk.fails("C-9", system="psa")
    for number in range(1, 4):
        desk.fails(f"C-{number}")
    desk.at(minutes=1)
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 0s, receivers: [webhook]}]
    """)
    desk.at(minutes=2)
    assert {one.about: one.reason for one in desk.service.page().items} == {
        "step": "no-rule",
        "hop": "no-rule",
    }
    desk.at(minutes=5)
    assert desk.news == [("resolved", "no-rule"), ("resolved", "no-rule")]
    desk.case(warn_at=None, due_at=NOON + timedelta(hours=2))
    desk.at(hours=2)
    assert desk.pages[-1] == ("opened", "breach")
