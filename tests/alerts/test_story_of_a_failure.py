"""A single case's step has failed: one incident, however its case is called and rules change."""

from __future__ import annotations

FAILURES = """
    rules: [{when: step-failure}]
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
