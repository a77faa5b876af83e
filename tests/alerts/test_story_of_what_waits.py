"""What was not told when its time came: nothing is lost, and nothing comes that nobody wants.

Most of these were found by the simulation.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from control_databases import NOON

from alerts.known import Known
from alerts.outbox import LEASE
from threadline.store.control import ControlUnavailable

CONTRACT = "contract:clm:C-1"


def unreachable(desk, **columns):
    """A contract misses its deadline at 14:00 while the webhook does not answer."""
    desk.webhook.down()
    desk.case(warn_at=None, **columns)
    desk.at(hours=2)
    assert desk.webhook.received == []


def of(desk, about):
    """The one incident about this."""
    (found,) = [one for one in desk.service.page().items if one.about == about]
    return found


def outage(desk, minutes, count=3):
    for number in range(1, count + 1):
        desk.fails(f"C-{number}", minutes=minutes)


def test_a_page_that_waited_when_its_cause_seemed_over_comes_when_it_is_back(desk):
    unreachable(desk)
    desk.case(warn_at=None, completed_at=NOON + timedelta(hours=2))
    desk.at(hours=2, minutes=1)
    desk.webhook.up()
    desk.at(hours=2, minutes=10)
    assert desk.webhook.received == [], "it was over before anybody heard of it"
    desk.case(warn_at=None)
    desk.at(hours=2, minutes=11)
    assert [one["reason"] for one in desk.webhook.received] == ["opened"]


def test_a_page_that_waited_when_a_silence_began_comes_when_that_ends(desk):
    unreachable(desk)
    desk.muted_until = NOON + timedelta(hours=3)
    desk.service.rethink(desk.clock.now())
    desk.webhook.up()
    desk.at(hours=2, minutes=10)
    assert desk.webhook.received == []
    desk.muted_until = None
    desk.at(hours=3)
    assert ("opened", "breach") in desk.pages


def test_a_silence_that_evaluating_meets_first_holds_back_what_waits(desk):
    unreachable(desk)
    desk.muted_until = NOON + timedelta(hours=3)
    desk.case(warn_at=None, value="7.00")
    desk.evaluate()
    desk.service.rethink(desk.clock.now())
    desk.webhook.up()
    desk.at(hours=2, minutes=10)
    assert desk.webhook.received == []


def test_a_page_that_waited_when_it_became_part_of_an_outage_comes_when_that_is_over(desk):
    unreachable(desk)
    outage(desk, minutes=121)
    desk.at(hours=2, minutes=2)
    desk.heals("C-1", "C-2", "C-3")
    desk.webhook.up()
    desk.at(hours=2, minutes=12)
    assert [one["about"] for one in desk.received("page")] == ["case"]


def test_an_acknowledged_part_of_an_outage_is_not_acknowledged_for_good(desk):
    desk.declare("""
        rules: [{when: case-deadline}, {when: hop-failure}]
        escalation: [{after: 0s, receivers: [webhook]}]
        acknowledgement: {lapses: 2h}
    """)
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.service.acknowledge(of(desk, "case").id, who="ana")
    outage(desk, minutes=121)
    desk.at(hours=2, minutes=2)
    desk.heals("C-1", "C-2", "C-3")
    desk.at(hours=2, minutes=10)
    desk.at(hours=4)
    assert desk.pages[-1] == ("lapsed", "breach")


def test_whoever_stands_in_is_not_told_of_what_was_acknowledged_during_an_attempt(desk):
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 0s, receivers: [webhook]}]
    """)
    unreachable(desk)
    now = desk.clock.now() + timedelta(minutes=1)
    outbox = desk.control.outbox
    under_way = outbox.claim(now, receiver="default/webhook", owner="slow", lease_until=now + LEASE)
    desk.service.acknowledge(of(desk, "case").id, who="ana")
    outbox.retry(under_way, now, "status 503", timedelta(0), instead=["default/log"])
    waiting = [
        one.notification.receiver
        for one in outbox.of(of(desk, "case").id)
        if one.notification.kind == "page" and not one.delivered_at and not one.failed_at
    ]
    assert waiting == []


def test_news_goes_to_nobody_who_has_not_been_told_before(desk, another_webhook):
    desk.declare_stand_in(another_webhook)
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.webhook.down()
    desk.service.acknowledge(of(desk, "case").id, who="ana")
    for minute in (1, 2, 3, 4):
        desk.at(hours=2, minutes=minute)
    assert another_webhook.received == []


def test_what_was_stored_though_the_answer_was_lost_is_built_upon(desk, monkeypatch):
    desk.case(warn_at=None)
    desk.at(hours=2)
    incidents = desk.control.incidents
    commit = incidents.commit

    def answer_lost(changes, *, fence=None):
        monkeypatch.setattr(incidents, "commit", commit)
        commit(changes, fence=fence)
        raise ControlUnavailable("somewhere", "the connection was cut")

    outage(desk, minutes=121)
    desk.move(hours=2, minutes=2)
    monkeypatch.setattr(incidents, "commit", answer_lost)
    with pytest.raises(ControlUnavailable):
        desk.evaluate()
    desk.evaluate()
    assert of(desk, "case").part_of == of(desk, "hop").id


def test_a_case_counts_as_overdue_wherever_it_has_moved_since(desk):
    desk.case(warn_at=None, current_since=NOON + timedelta(hours=3))
    desk.move(hours=3, minutes=1)
    outage(desk, minutes=181)
    desk.at(hours=3, minutes=2)
    assert (of(desk, "hop").cases, of(desk, "hop").breached) == (3, 1)


ROUNDS = """
    rules: [{when: case-deadline}, {when: hop-failure}]
    escalation: [{after: 0s, receivers: [webhook]}]
    repeat: {every: 1h, times: 1}
"""


def test_a_silence_between_two_rounds_does_not_hasten_the_next(desk):
    desk.declare(ROUNDS)
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.muted_until = NOON + timedelta(hours=2, minutes=20)
    desk.service.rethink(desk.clock.now())
    desk.muted_until = None
    desk.at(hours=2, minutes=20)
    desk.at(hours=2, minutes=59)
    assert len(desk.pages) == 1
    desk.at(hours=3)
    assert [reason for reason, _ in desk.pages] == ["opened", "repeated"]


def test_a_silence_between_two_rounds_that_is_ended_early_does_not_put_off_the_next(desk):
    desk.declare(ROUNDS)
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.muted_until = NOON + timedelta(days=2)
    desk.service.rethink(desk.clock.now())
    desk.muted_until = None
    desk.move(hours=2, minutes=20)
    desk.service.rethink(desk.clock.now())
    desk.at(hours=2, minutes=59)
    assert len(desk.pages) == 1
    desk.at(hours=3)
    assert [reason for reason, _ in desk.pages] == ["opened", "repeated"]


def test_having_been_part_of_an_outage_ends_no_rounds(desk):
    desk.declare(ROUNDS)
    desk.case(warn_at=None)
    desk.at(hours=2)
    outage(desk, minutes=121)
    desk.at(hours=2, minutes=2)
    desk.heals("C-1", "C-2", "C-3")
    desk.at(hours=2, minutes=20)
    desk.at(hours=3)
    assert [(one["about"], one["reason"]) for one in desk.received("page")] == [
        ("case", "opened"),
        ("hop", "opened"),
        ("case", "repeated"),
    ]


def test_who_looks_late_does_not_put_off_what_was_due_since_a_silence_ended(desk):
    desk.muted_until = NOON + timedelta(hours=3)
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.muted_until = None
    desk.at(hours=3, minutes=20)
    assert [reason for reason, _ in desk.pages] == ["opened", "escalated"]


def test_an_outage_has_the_cases_it_has_now_even_when_one_left_as_another_joined(desk):
    outage(desk, minutes=0)
    desk.at(minutes=1)
    desk.heals("C-3")
    desk.fails("C-4", minutes=2)
    desk.at(minutes=3)
    now = {
        one.case.case_id[-3:]
        for one in desk.service.affected(of(desk, "hop").id)
        if one.left_at is None
    }
    assert now == {"C-1", "C-2", "C-4"}


def test_that_an_acknowledgement_lapsed_stands_in_the_history_though_nobody_is_told_yet(desk):
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 10m, receivers: [webhook]}]
        acknowledgement: {lapses: 2h}
    """)
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.service.acknowledge(of(desk, "case").id, who="ana")
    desk.at(hours=4)
    assert desk.service.history(of(desk, "case").id)[-1].what == "lapsed"


def test_escalating_a_silenced_one_by_hand_does_not_lose_what_the_silence_holds_back(desk):
    unreachable(desk)
    desk.muted_until = NOON + timedelta(hours=3)
    desk.service.rethink(desk.clock.now())
    desk.service.escalate_now(of(desk, "case").id, who="ana")
    desk.webhook.up()
    desk.muted_until = None
    desk.at(hours=3)
    assert {reason for reason, _ in desk.pages} == {"opened", "escalated"}


def test_what_is_escalated_by_hand_in_a_silence_does_not_wait_for_what_that_holds_back(desk):
    unreachable(desk)
    desk.muted_until = NOON + timedelta(hours=3)
    desk.service.rethink(desk.clock.now())
    desk.webhook.up()
    desk.at(hours=2, minutes=5)
    desk.service.escalate_now(of(desk, "case").id, who="ana")
    desk.at(hours=2, minutes=6)
    assert [reason for reason, _ in desk.pages] == ["escalated"]
    desk.muted_until = None
    desk.at(hours=3)
    assert [reason for reason, _ in desk.pages] == ["escalated", "opened"]


def test_what_was_escalated_by_hand_goes_on_when_the_silence_is_ended_early(desk):
    desk.muted_until = NOON + timedelta(days=2)
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.service.escalate_now(of(desk, "case").id, who="ana")
    desk.muted_until = None
    desk.move(hours=2, minutes=5)
    desk.service.rethink(desk.clock.now())
    desk.at(hours=2, minutes=15)
    assert [reason for reason, _ in desk.pages] == ["opened", "escalated"]


def by_day(_hours: str, at: datetime) -> datetime:
    """Business hours end at 17:00 and begin at 09:00."""
    return at if at < NOON + timedelta(hours=5) else max(at, NOON + timedelta(hours=21))


def people_by_day(desk):
    """People are told after a quarter of an hour, within business hours."""
    desk.surroundings = replace(desk.surroundings, opens=by_day)
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation:
          - {after: 0s, receivers: [log]}
          - {after: 15m, receivers: [webhook], hours: desk}
    """)


def test_a_step_for_business_hours_is_not_told_because_a_silence_ends_at_night(desk):
    people_by_day(desk)
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.muted_until = NOON + timedelta(hours=7)
    desk.service.rethink(desk.clock.now())
    desk.muted_until = None
    desk.at(hours=7)
    assert desk.pages == []
    desk.at(hours=21)
    assert desk.pages == [("escalated", "breach")]


def test_what_is_back_at_night_tells_no_step_for_business_hours(desk):
    people_by_day(desk)
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.case(warn_at=None, due_at=NOON + timedelta(days=2))
    desk.at(hours=2, minutes=5)
    desk.case(warn_at=None)
    desk.at(hours=7)
    assert (desk.incident().reason, desk.pages) == ("returned", [])
    desk.at(hours=21)
    assert desk.pages == [("escalated", "breach")]


def test_by_hand_at_night_what_was_due_by_day_while_nobody_looked_is_told(desk):
    desk.surroundings = replace(desk.surroundings, opens=by_day)
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation:
          - {after: 15m, receivers: [webhook], hours: desk}
          - {after: 30m, receivers: [log], hours: desk}
          - {after: 1d, receivers: [log]}
    """)
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.move(hours=6)
    told = desk.service.escalate_now(desk.incident().id, who="ana")
    assert told.told_steps == (1,)
    desk.at(hours=6, seconds=1)
    assert desk.incident().told_steps == (1, 2)


def test_whoever_may_have_been_told_by_a_worker_that_died_hears_that_it_is_over(desk):
    desk.case(warn_at=None)
    desk.move(hours=2)
    desk.evaluate()
    now = desk.clock.now()
    desk.control.outbox.claim(
        now, receiver="default/webhook", owner="dying", lease_until=now + LEASE
    )
    desk.case(warn_at=None, completed_at=NOON + timedelta(hours=2))
    desk.clock.move_to(now + LEASE + timedelta(minutes=1))
    desk.evaluate()
    desk.at(hours=2, minutes=10)
    assert [one["kind"] for one in desk.webhook.received] == ["resolved"]


def test_what_was_closed_of_another_case_is_not_taken_for_this_one(desk):
    for name in ("contract:clm:C-1", "contract:clm:C-2"):
        desk.case(name, warn_at=None)
    desk.at(hours=2)
    for incident in desk.service.page().items:
        desk.service.resolve(incident.id, who="ana")
    known = Known(desk.control.incidents)
    known.live()
    for name in ("contract:clm:C-1", "contract:clm:C-2"):
        assert {one.case_id for one in known.of({name})} == {name}
