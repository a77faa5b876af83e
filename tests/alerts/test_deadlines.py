"""A deadline passes: who is told, once, and who is not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from control_databases import NOON


def test_a_deadline_is_noticed_at_its_instant_with_no_event_coming(desk):
    desk.case(warn_at=None)
    desk.clock.move_to(NOON + timedelta(hours=2))
    assert desk.evaluate() == {}, "the deadline is the last good instant"
    desk.at(hours=2)
    assert desk.pages == [("opened", "breach")]
    assert desk.incident().opened_at == NOON + timedelta(hours=2)


def test_an_incident_opens_at_the_deadline_even_when_noticed_later(desk):
    desk.case(warn_at=None)
    desk.at(hours=5)
    assert desk.incident().opened_at == NOON + timedelta(hours=2)


def test_evaluating_again_changes_nothing_and_pages_nobody_again(desk):
    desk.case(current_due_at=NOON + timedelta(hours=1))
    desk.at(hours=2)
    told = len(desk.pages)
    assert desk.evaluate() == {}
    desk.at(hours=2, seconds=30)
    assert len(desk.pages) == told


def test_a_warning_that_becomes_a_breach_is_one_incident_with_a_new_escalation(desk):
    desk.case()
    desk.at(hours=1)
    warned = desk.incident()
    assert (warned.severity, warned.episode) == ("warning", 1)
    desk.clock.move_to(NOON + timedelta(hours=2))
    assert desk.evaluate() == {}, "the deadline is the last good instant"
    desk.at(hours=2)
    assert desk.pages[0] == ("opened", "warning")
    assert desk.pages[-1] == ("raised", "breach")
    assert desk.incident().id == warned.id
    assert (desk.incident().episode, desk.incident().told_steps) == (2, (1,))


def test_an_acknowledged_warning_becomes_a_breach_without_a_page(desk):
    desk.case()
    desk.at(hours=1)
    desk.service.acknowledge(desk.incident().id, who="ana")
    desk.at(hours=2)
    desk.at(hours=9)
    assert desk.pages == [("opened", "warning")]
    assert (desk.incident().state, desk.incident().severity) == ("acknowledged", "breach")
    assert desk.incident().episode == 1


def test_a_backfill_is_recorded_and_pages_nobody(desk):
    desk.case(known_at=NOON + timedelta(days=1), current_due_at=NOON)
    desk.at(days=1)
    assert desk.pages == []
    assert {one.state for one in desk.service.page().items} == {"recorded"}
    assert len(desk.service.page().items) == 2
    assert desk.evaluate() == {}
    desk.at(days=2)
    assert desk.pages == []


def test_a_case_known_after_its_warning_still_pages_when_it_is_due(desk):
    desk.case(known_at=NOON + timedelta(minutes=90))
    desk.at(minutes=90)
    assert (desk.pages, desk.incident().state) == ([], "recorded")
    desk.at(hours=2)
    assert desk.pages == [("opened", "breach")]
    assert desk.incident().state == "open"


def test_a_step_past_its_own_deadline_has_an_incident_of_its_own_that_ends_with_the_step(desk):
    desk.case(current_due_at=NOON + timedelta(minutes=10))
    desk.at(minutes=10)
    (page,) = desk.webhook.received
    assert "“erp-project” is past its deadline" in page["what"]
    desk.case(current_step="tax", current_due_at=NOON + timedelta(hours=8))
    desk.at(minutes=20)
    assert (desk.incident().state, desk.incident().reason) == ("resolved", "moved-on")


def test_completion_cancellation_and_pause_resolve(desk):
    for column in ("completed_at", "cancelled_at", "paused_from"):
        desk.case(f"contract:clm:{column}")
    desk.at(hours=2)
    for column in ("completed_at", "cancelled_at", "paused_from"):
        since = {column: NOON + timedelta(hours=2, minutes=5)}
        desk.case(f"contract:clm:{column}", paused_until=NOON + timedelta(days=9), **since)
    desk.at(hours=2, minutes=10)
    found = {(one.case_id.split(":")[2], one.reason) for one in desk.service.page().items}
    assert found == {
        ("completed_at", "completed"),
        ("cancelled_at", "cancelled"),
        ("paused_from", "paused"),
    }
    desk.at(hours=3)
    assert len(desk.pages) == 3, "nobody is told any more once it is over"


def test_a_pause_that_is_over_protects_no_longer(desk):
    desk.case(
        warn_at=None,
        paused_from=NOON,
        paused_until=NOON + timedelta(hours=3),
        due_at=NOON + timedelta(hours=4),
    )
    desk.at(hours=3, minutes=30)
    assert desk.pages == []
    desk.at(hours=4)
    assert desk.pages == [("opened", "breach")]


def test_a_deadline_behind_a_pause_waits_for_its_end_and_nobody_is_told_twice(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.case(
        warn_at=None,
        paused_from=NOON + timedelta(hours=3),
        paused_until=NOON + timedelta(hours=9),
    )
    desk.at(hours=4)
    assert (desk.incident().state, desk.incident().reason) == ("resolved", "paused")
    desk.service.deliver(desk.clock.now())
    desk.move(hours=9)
    assert desk.evaluate() == {"returned": 1}
    assert [reason for reason, _ in desk.pages].count("opened") == 1


def test_a_deadline_that_moves_into_the_future_resolves_and_its_passing_pages_anew(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.service.acknowledge(desk.incident().id, who="ana")
    desk.case(warn_at=None, due_at=NOON + timedelta(hours=6))
    desk.at(hours=3)
    assert (desk.incident().state, desk.incident().reason) == ("resolved", "deadline-moved")
    desk.at(hours=6)
    assert desk.pages == [("opened", "breach"), ("reopened", "breach")]
    assert (desk.incident().state, desk.incident().acknowledged_by) == ("open", "")


def test_the_same_deadline_showing_again_pages_nobody_again(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.service.acknowledge(desk.incident().id, who="ana")
    desk.case(warn_at=None, completed_at=NOON)
    desk.at(hours=3)
    assert desk.incident().state == "resolved"
    desk.case(warn_at=None)
    desk.at(hours=4)
    assert (desk.incident().state, desk.incident().reason) == ("acknowledged", "returned")
    assert desk.pages == [("opened", "breach")]


def test_a_case_that_is_kept_in_time_opens_nothing(desk):
    desk.case(completed_at=NOON + timedelta(minutes=30))
    desk.at(hours=5)
    assert desk.service.page().items == []


def test_an_index_being_rebuilt_from_the_log_pages_and_resolves_nothing(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.restart()
    desk.move(minutes=5)
    desk.case(due_at=NOON + timedelta(hours=30))
    desk.case("contract:clm:C-2", due_at=NOON)
    assert desk.evaluate() == {"behind": 1}
    desk.cases.clear()
    desk.at(hours=3)
    assert desk.incident().state == "open", "a case that is not there is not judged"
    assert desk.pages == [("opened", "breach"), ("escalated", "breach")]


def test_merging_two_cases_keeps_the_acknowledgement_and_parting_them_pages_nobody(desk):
    crm, clm = "contract:crm:006", "contract:clm:C-1"
    desk.case(crm, warn_at=None)
    desk.case(clm, warn_at=None)
    desk.at(hours=2)
    theirs = {one.case_id: one.id for one in desk.service.page().items}
    desk.service.acknowledge(theirs[crm], who="ana")
    del desk.cases[crm]
    assert desk.evaluate(today={crm: clm}) == {"merged": 1, "updated": 1}
    assert desk.evaluate(today={crm: clm}) == {}
    states = {one.case_id: (one.state, one.reason) for one in desk.service.page().items}
    assert states == {crm: ("acknowledged", "acknowledged"), clm: ("resolved", "merged")}
    desk.case(crm, warn_at=None)
    assert desk.evaluate()["returned"] == 1
    desk.case(clm, warn_at=None, value=Decimal("90000.00"))
    desk.at(hours=9)
    assert len(desk.pages) == 2


def test_an_incident_follows_its_case_to_a_better_identifier(desk):
    crm, clm = "contract:crm:006", "contract:clm:C-1"
    desk.case(crm, warn_at=None)
    desk.at(hours=2)
    del desk.cases[crm]
    desk.case(clm, warn_at=None)
    assert desk.service.watched() == [crm]
    assert desk.evaluate(today={crm: clm}) == {"updated": 1}
    desk.case(clm, completed_at=NOON)
    assert desk.evaluate(today={crm: clm}) == {"completed": 1}
    assert desk.pages == [("opened", "breach")]
