"""A hop is down: what its cases' own incidents become, and what those who were told hear."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from control_databases import NOON

CONTRACT = "contract:clm:C-1"


def of(desk, case_id):
    """The one incident of a case."""
    (found,) = [one for one in desk.service.page().items if one.case_id == case_id]
    return found


def hop(desk):
    """The one incident of a hop."""
    (found,) = [one for one in desk.service.page().items if one.of_hop]
    return found


def outage(desk, minutes=0, count=3):
    """So many contracts fail on the ERP at one minute after noon and the next ones."""
    for number in range(1, count + 1):
        desk.fails(f"C-{number}", minutes=minutes)


def test_a_page_that_proves_part_of_an_outage_is_folded_into_it(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    assert desk.pages == [("opened", "breach")]
    outage(desk, minutes=121)
    desk.at(hours=2, minutes=2)
    assert desk.pages == [("opened", "breach"), ("opened", "failure")]
    assert of(desk, CONTRACT).part_of == hop(desk).id
    desk.at(hours=2, minutes=20)
    assert [one["about"] for one in desk.received("page")] == ["case", "hop", "hop"], (
        "the whole escalates, its part does not"
    )


def test_cases_of_an_outage_that_pass_their_deadlines_are_counted_not_paged(desk):
    outage(desk, count=5)
    desk.at(minutes=1)
    for number in range(1, 6):
        desk.case(f"contract:clm:C-{number}")
    desk.at(hours=3)
    assert {one.about for one in desk.service.page().items} == {"hop"}
    assert (hop(desk).cases, hop(desk).breached) == (5, 5)


def test_what_a_hop_told_of_is_late_at_once_when_somebody_closes_that(desk):
    desk.declare("""
        rules: [{when: hop-failure, cases: 1, within: 3h}, {when: hop-late, cases: 2, within: 3h}]
        escalation: [{after: 0s, receivers: [webhook]}]
    """)
    for number in (1, 2):
        desk.case(f"contract:clm:C-{number}", warn_at=None)
    desk.fails("C-1", minutes=60)
    desk.at(hours=2)
    desk.service.resolve(hop(desk).id, who="ana")
    assert desk.evaluate(failing=None, late=None) == {"opened": 1}
    assert {one.state: one.cases for one in desk.service.page().items} == {"resolved": 1, "open": 2}


def test_what_waits_at_a_hop_is_worth_its_contracts_not_their_milestones(desk):
    desk.declare("""
        rules: [{when: hop-late, cases: 2, within: 3h}]
        escalation: [{after: 0s, receivers: [webhook]}]
    """)
    for number in (1, 2):
        desk.case(f"milestone:psa:M-{number}", root_id=CONTRACT, value=Decimal("500.00"))
    desk.at(hours=2)
    assert (hop(desk).cases, hop(desk).worth) == (2, {"EUR": "120000.00"})


def test_what_passed_during_an_outage_is_recorded_when_it_heals_and_the_next_deadline_pages(desk):
    outage(desk)
    desk.at(minutes=1)
    desk.case()
    desk.at(hours=3)
    desk.heals("C-1", "C-2", "C-3")
    desk.case(current_step="tax", current_due_at=NOON + timedelta(hours=5))
    desk.at(hours=4)
    assert (of(desk, CONTRACT).state, of(desk, CONTRACT).reason) == ("recorded", "told-with-whole")
    assert "case" not in {one["about"] for one in desk.webhook.received}
    desk.at(hours=5)
    assert [one["about"] for one in desk.received("page")][-1] == "step"


def test_closing_an_outage_by_hand_lets_its_parts_speak_again(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    outage(desk, minutes=121)
    desk.at(hours=2, minutes=2)
    desk.service.resolve(hop(desk).id, who="ana")
    desk.at(hours=2, minutes=40)
    assert of(desk, CONTRACT).part_of == ""
    assert desk.pages[-1] == ("escalated", "breach"), "its escalation goes on where it was"
    acts = [one.what for one in desk.service.history(of(desk, CONTRACT).id)]
    assert [one for one in acts if one != "notified"] == ["opened", "folded", "parted", "escalated"]


def test_what_passed_before_an_outage_was_closed_by_hand_has_been_told(desk):
    outage(desk)
    desk.at(minutes=1)
    desk.case(warn_at=None)
    desk.at(hours=3)
    desk.service.resolve(hop(desk).id, who="integration-lead")
    desk.at(hours=4)
    assert (of(desk, CONTRACT).state, of(desk, CONTRACT).reason) == ("recorded", "told-with-whole")


def test_what_passed_in_an_outage_is_not_paged_after_it_though_another_promise_had_been(desk):
    late_step = {"warn_at": None, "current_due_at": NOON}
    desk.case(**late_step)
    desk.at(minutes=1)
    outage(desk, minutes=2)
    desk.at(minutes=3)
    desk.at(hours=3)  # the deadline of the case passes at 2 h
    desk.heals("C-1", "C-2", "C-3")
    desk.at(hours=4)
    case = next(one for one in desk.service.page().items if one.promise == "case")
    assert (case.state, case.reason) == ("recorded", "told-with-whole")


def test_a_new_deadline_that_passed_in_an_outage_does_not_reopen_what_was_over_before(desk):
    desk.case()
    desk.at(hours=1)
    desk.case(warn_at=None, due_at=None)
    desk.at(hours=1, minutes=1)
    outage(desk, minutes=62)
    desk.at(hours=1, minutes=3)
    desk.case()
    desk.at(hours=3)
    desk.heals("C-1", "C-2", "C-3")
    desk.at(hours=4)
    assert (of(desk, CONTRACT).state, of(desk, CONTRACT).reason) == ("recorded", "told-with-whole")
    assert [one["about"] for one in desk.received("page")].count("case") == 1
    desk.case(due_at=NOON + timedelta(hours=5))
    desk.at(hours=5)
    assert (of(desk, CONTRACT).state, of(desk, CONTRACT).reason) == ("open", "opened")


def test_a_case_of_two_outages_is_told_by_the_one_it_came_to_first(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    outage(desk, minutes=121)
    desk.at(hours=2, minutes=2)
    first = hop(desk).id
    failures = dict(desk.failing)
    for number in range(1, 4):
        again = {"step": "tax", "system": "tax", "case_id": f"contract:clm:C-{number}"}
        desk.fails(f"T-{number}", minutes=123, **again)
    desk.at(hours=2, minutes=4)
    assert of(desk, CONTRACT).part_of == first
    desk.restart()
    desk.at(hours=2, minutes=5)
    assert of(desk, CONTRACT).part_of == first
    desk.heals(*failures)
    desk.at(hours=2, minutes=6)
    assert of(desk, CONTRACT).part_of not in ("", first)


def test_a_page_that_was_not_delivered_before_its_case_became_a_part_is_afterwards(desk):
    desk.webhook.down()
    desk.case(warn_at=None)
    desk.at(hours=2)
    outage(desk, minutes=121)
    desk.at(hours=2, minutes=1)
    desk.webhook.up()
    desk.at(hours=2, minutes=3)
    assert [one["about"] for one in desk.received("page")] == ["hop"]
    desk.heals("C-1", "C-2", "C-3")
    desk.at(hours=2, minutes=10)
    assert [one["about"] for one in desk.received("page")] == ["hop", "case"]


def test_an_acknowledged_part_stays_acknowledged_when_the_outage_is_over(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.service.acknowledge(of(desk, CONTRACT).id, who="ana")
    outage(desk, minutes=121)
    desk.at(hours=2, minutes=2)
    desk.heals("C-1", "C-2", "C-3")
    desk.at(hours=6)
    part = of(desk, CONTRACT)
    assert (part.state, part.part_of) == ("acknowledged", "")
    assert [one["about"] for one in desk.received("page")] == ["case", "hop"]


def test_an_acknowledgement_that_lapses_in_an_outage_pages_when_that_is_over(desk):
    desk.declare("""
        rules: [{when: case-deadline}, {when: hop-failure}]
        escalation: [{after: 0s, receivers: [webhook]}]
        acknowledgement: {lapses: 4h}
    """)
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.service.acknowledge(of(desk, CONTRACT).id, who="ana")
    outage(desk, minutes=121)
    desk.at(hours=2, minutes=2)
    desk.at(hours=7)
    assert [one["about"] for one in desk.received("page")] == ["case", "hop"]
    desk.heals("C-1", "C-2", "C-3")
    desk.at(hours=8)
    assert desk.pages[-1] == ("lapsed", "breach")


def test_an_outage_is_told_to_whoever_took_over_its_rule(desk):
    outage(desk)
    desk.declare("""
        rules: [{when: hop-failure}]
        escalation: [{after: 0s, receivers: [log]}, {after: 1h, receivers: [log]}]
    """)
    desk.at(minutes=1)
    (desk.directory / "integration.yaml").write_text(f"""
policy: integration
rules: [{{when: hop-failure}}]
escalation: [{{after: 0s, receivers: [webhook]}}]
receivers: {{webhook: {{type: webhook, url: '{desk.webhook.url}'}}}}
""")
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 0s, receivers: [log]}, {after: 1h, receivers: [log]}]
    """)
    desk.at(minutes=2)
    desk.at(minutes=3)
    assert (hop(desk).state, hop(desk).rule) == ("open", "integration/hop-failure")
    assert desk.pages == [("opened", "failure")]


def test_many_late_at_one_step_of_a_system_that_says_nothing_are_one_incident(desk):
    for number in range(30):
        desk.case(f"contract:clm:C-{number}", warn_at=None)
    desk.at(hours=2)
    assert (hop(desk).cases, hop(desk).promise) == (30, "hop:erp:late:erp-project")
    (page,) = desk.received("page")
    assert page["what"] == (
        "erp: 30 cases hang at “erp-project” past the deadline, nothing is heard, contracts"
        " worth EUR 3,600,000.00"
    )
    for number in range(30):
        moved = {"current_step": "tax", "current_since": NOON + timedelta(hours=2, seconds=30)}
        desk.case(f"contract:clm:C-{number}", warn_at=None, **moved)
    desk.at(hours=2, minutes=1)
    assert hop(desk).state == "resolved", "late ones that move on say nothing of where they are"
    assert len(desk.received("page")) == 1


def test_growth_is_news_to_those_who_were_told_and_no_page(desk):
    outage(desk)
    desk.at(minutes=1)
    outage(desk, count=14, minutes=2)
    desk.at(minutes=3)
    assert desk.news == []
    outage(desk, count=15, minutes=3)
    desk.at(minutes=4)
    assert desk.news == [("update", "grown")]
    assert len(desk.pages) == 1
    assert "15 cases hang" in desk.webhook.received[-1]["what"]


def test_all_who_were_told_hear_that_it_is_over_once_it_has_stayed_so(desk):
    outage(desk)
    desk.at(minutes=1)
    desk.heals("C-1", "C-2", "C-3")
    desk.at(minutes=5)
    desk.at(minutes=6)
    assert desk.news == []
    desk.at(minutes=7)
    assert desk.news == [("resolved", "healed")]
    (told,) = desk.received("resolved")
    assert told["what"].startswith("Over: erp: 3 cases")
    assert told["resolved_at"] == "2026-03-02T12:05:00.000001Z"


def test_what_comes_back_within_the_grace_time_has_never_been_away(desk):
    outage(desk)
    desk.at(minutes=1)
    desk.service.acknowledge(hop(desk).id, who="ana")
    desk.heals("C-1", "C-2", "C-3")
    desk.at(minutes=5)
    outage(desk, minutes=6, count=4)
    desk.at(minutes=6)
    back = hop(desk)
    assert (back.state, back.acknowledged_by, back.cases) == ("acknowledged", "ana", 4)
    desk.at(minutes=30)
    assert len(desk.pages) == 1
    assert ("resolved", "healed") not in desk.news


def come_and_gone(desk):
    """Four times; that it stays the fifth time is believed at 16:41, half an hour later."""
    for hour in range(4):
        outage(desk, minutes=60 * hour)
        desk.at(hours=hour, minutes=1)
        desk.heals("C-1", "C-2", "C-3")
        desk.at(hours=hour, minutes=10)
        desk.at(hours=hour, minutes=13)
    assert [reason for reason, _ in desk.pages] == ["opened", "reopened", "reopened"]
    outage(desk, minutes=250)
    desk.at(hours=4, minutes=11)


def test_what_comes_and_goes_pages_once_it_stays(desk):
    come_and_gone(desk)
    desk.at(hours=4, minutes=40)
    assert len(desk.pages) == 3, "it has come back too often to believe that it stays"
    desk.at(hours=4, minutes=42)
    assert len(desk.pages) == 4


def test_what_passed_in_an_outage_that_nobody_was_told_of_pages_when_it_is_over(desk):
    come_and_gone(desk)
    desk.case(warn_at=None, due_at=NOON + timedelta(hours=4, minutes=20))
    desk.at(hours=4, minutes=21)
    desk.heals("C-1", "C-2", "C-3")
    moved = {"current_step": "tax", "current_since": NOON + timedelta(hours=4, minutes=30)}
    desk.case(warn_at=None, due_at=NOON + timedelta(hours=4, minutes=20), **moved)
    desk.at(hours=4, minutes=31)
    assert of(desk, CONTRACT).state == "open"
    assert [one["about"] for one in desk.received("page")] == ["hop", "hop", "hop", "case"]


@pytest.mark.parametrize("ended_at", [15, 20], ids=["ended-early", "ended-by-itself"])
def test_the_end_of_a_silence_does_not_make_what_comes_and_goes_believed(desk, ended_at):
    come_and_gone(desk)
    desk.muted_until = NOON + timedelta(hours=4, minutes=20)
    desk.service.rethink(desk.clock.now())
    desk.move(hours=4, minutes=ended_at)
    desk.muted_until = None
    desk.service.rethink(desk.clock.now())
    desk.at(hours=4, minutes=40)
    assert len(desk.pages) == 3
    desk.at(hours=4, minutes=42)
    assert len(desk.pages) == 4


def test_a_silence_longer_than_that_is_what_it_waits_for(desk):
    come_and_gone(desk)
    desk.muted_until = NOON + timedelta(hours=5)
    desk.service.rethink(desk.clock.now())
    desk.at(hours=4, minutes=42)
    assert len(desk.pages) == 3
    desk.muted_until = None
    desk.at(hours=5)
    assert len(desk.pages) == 4
