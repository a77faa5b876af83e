"""A source falls silent: one incident that carries what it hides, and mutes none of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from control_databases import NOON

from threadline.model.incidents import CaseKey

WATCHED = """
rules:
  - {when: silent-source, for: 15m}
  - {when: case-deadline}
escalation:
  - {after: 0s, receivers: [webhook]}
"""
NAMED = WATCHED.replace("for: 15m", "systems: [billing], for: 15m")
LAST = NOON - timedelta(days=3)


def silent(seconds: float | None, *cases: str, system: str = "erp", **more: Any) -> dict[str, Any]:
    """The system as a look at it finds it: silent for so long beyond its patience."""
    keys = [CaseKey(journey="contract-activation", case_id=one, root_id=one) for one in cases]
    told = {"value": None if seconds is None else Decimal(str(seconds)), "unit": "seconds"}
    carried = {"cases": len(cases), "hanging": frozenset(keys)}
    since = None if seconds is None else LAST
    return {"rule": "", "part": system, "since": since, **told, **carried, **more}


def test_it_pages_once_with_the_cases_and_the_value_it_hides_and_their_urgency(desk):
    desk.declare(WATCHED)
    told = {"criticality": "revenue", "breached": 1, "worth": {"EUR": "1200000.00"}}
    for minutes in (0, 5, 15, 20):
        desk.look(minutes=minutes, **silent(60, "contract:clm:C-1", "contract:clm:C-2", **told))
    (page,) = desk.received("page")
    assert page["what"] == (
        "erp is silent: nothing was heard since 27 Feb 12:00 UTC; 2 open cases wait for it,"
        " 1 past a deadline, contracts worth EUR 1,200,000.00"
    )
    assert (page["about"], page["system"], page["criticality"]) == ("source", "erp", "revenue")
    assert (page["cases"], page["breached"], page["worth"]) == (2, 1, {"EUR": "1200000.00"})
    carried = desk.service.affected(desk.incident().id)
    assert {one.case.case_id for one in carried} == {"contract:clm:C-1", "contract:clm:C-2"}


def test_the_cases_it_carries_page_on_while_it_lasts_and_after_it(desk):
    desk.declare(WATCHED)
    desk.case("contract:clm:C-1")
    desk.case("contract:clm:C-2", due_at=NOON + timedelta(hours=4))
    both = ("contract:clm:C-1", "contract:clm:C-2")
    desk.look(minutes=0, **silent(60, *both))
    desk.look(minutes=15, **silent(60, *both))
    desk.look(minutes=121, **silent(60, *both))
    paged = [one["contract"] for one in desk.received("page")]
    assert paged == ["", "C-1"], "its deadline passed while the source was silent"
    assert not [one for one in desk.service.page().items if one.part_of]
    desk.look(minutes=300, **silent(-5))
    assert [one["contract"] for one in desk.received("page")] == ["", "C-1", "C-2"]
    assert not [one for one in desk.service.page().items if one.state == "recorded"]


def test_it_is_over_when_the_source_is_heard_again(desk):
    desk.declare(WATCHED)
    desk.look(minutes=0, **silent(60, "contract:clm:C-1"))
    desk.look(minutes=15, **silent(60, "contract:clm:C-1"))
    desk.look(minutes=30, **silent(-200_000))
    assert (desk.incident().state, desk.incident().reason) == ("resolved", "recovered")
    assert [one.left_at is None for one in desk.service.affected(desk.incident().id)] == [False]
    desk.look(minutes=40, **silent(-199_000))
    assert desk.news == [("resolved", "recovered")]


def test_heard_again_before_the_rules_time_is_up_it_pages_nobody(desk):
    """Threadline itself may have been away: whoever sends again then was not silent."""
    desk.declare(WATCHED)
    desk.look(minutes=0, **silent(500_000))
    desk.look(minutes=10, **silent(-100))
    desk.look(minutes=60, **silent(-100))
    assert not desk.service.page().items


def test_a_source_that_was_never_heard_of_is_missed_only_by_who_names_it(desk):
    desk.declare(WATCHED)
    desk.look(minutes=0, **silent(None, system="billing"))
    desk.look(minutes=60, **silent(None, system="billing"))
    assert not desk.service.page().items
    desk.declare(NAMED)
    desk.look(minutes=61, **silent(None, system="billing"))
    desk.look(minutes=77, **silent(None, system="billing"))
    desk.look(minutes=78, **silent(None, system="erp"))
    assert [one["what"] for one in desk.received("page")] == [
        "billing is silent: nothing was heard ever; no open case waits for it"
    ]


def test_one_silent_for_so_long_that_nobody_remembers_is_still_silent_and_hides_what_it_hides(desk):
    desk.declare(WATCHED)
    desk.look(minutes=0, **silent(60))
    desk.look(minutes=15, **silent(60))
    desk.look(minutes=60, **silent(None, "contract:clm:C-1"))
    incident = desk.incident()
    assert (incident.state, incident.since, incident.cases) == ("open", LAST, 1)
    assert incident.said == (
        "erp is silent: nothing was heard since 27 Feb 12:00 UTC; 1 open case waits for it"
    )


def test_cases_join_and_leave_it_without_another_page(desk):
    desk.declare(WATCHED)
    desk.look(minutes=0, **silent(60, "contract:clm:C-1"))
    desk.look(minutes=15, **silent(60, "contract:clm:C-1"))
    desk.look(minutes=20, **silent(60, "contract:clm:C-2", "contract:clm:C-3"))
    held = [
        one.case.case_id for one in desk.service.affected(desk.incident().id) if not one.left_at
    ]
    assert sorted(held) == ["contract:clm:C-2", "contract:clm:C-3"]
    assert len(desk.pages) == 1


URGENT = """
rules: [{when: silent-source, criticality: [revenue]}]
escalation: [{after: 0s, receivers: [webhook]}]
"""


def test_whoever_is_responsible_since_graver_cases_wait_for_it_is_told(desk):
    (desk.directory / "office.yaml").write_text("""
policy: office
rules: [{when: silent-source, severity: warning}]
escalation: [{after: 0s, receivers: [log]}]
receivers: {log: {type: log}}
""")
    desk.declare(URGENT)
    desk.look(minutes=0, **silent(60, criticality="reference"))
    assert (desk.incident().policy, desk.incident().severity) == ("office", "warning")
    desk.look(minutes=5, **silent(360, "contract:clm:C-1", criticality="revenue"))
    desk.look(minutes=6, **silent(420, "contract:clm:C-1", criticality="revenue"))
    assert (desk.incident().policy, desk.incident().severity) == ("default", "failure")
    assert len(desk.pages) == 1


def test_heard_again_it_is_over_whatever_waited_for_it(desk):
    desk.declare(URGENT)
    desk.look(minutes=0, **silent(60, "contract:clm:C-1", criticality="revenue"))
    desk.look(minutes=30, **silent(-200_000))
    assert (desk.incident().state, desk.incident().reason) == ("resolved", "recovered")


def test_one_that_no_rule_is_about_any_more_is_over(desk):
    desk.declare(URGENT)
    desk.look(minutes=0, **silent(60, "contract:clm:C-1", criticality="revenue"))
    desk.look(minutes=5, **silent(360, "contract:clm:C-2", criticality="reference"))
    assert (desk.incident().state, desk.incident().reason) == ("resolved", "no-rule")
