"""What people do to incidents, and what is kept of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from control_databases import NOON

from alerts.handling import IncidentClosed
from threadline.errors import NotFound


@pytest.fixture
def breached(desk):
    desk.case(warn_at=None)
    desk.at(hours=2)
    return desk.incident().id


def test_every_act_is_in_the_history_and_in_the_audit(desk, breached):
    desk.service.note(breached, who="ana", text="the project number is missing")
    desk.service.assign(breached, who="ana", assignee="ben")
    desk.service.acknowledge(breached, who="ben")
    desk.service.resolve(breached, who="ben", text="done by hand")
    acts = [(e.what, e.who) for e in desk.service.history(breached) if e.who]
    expected = [("noted", "ana"), ("assigned", "ana"), ("acknowledged", "ben"), ("resolved", "ben")]
    assert acts == expected
    audit = [(entry.what, entry.who) for entry in desk.control.audit.latest()]
    assert audit == [(f"incident.{what}", who) for what, who in reversed(expected)]
    assert desk.control.audit.latest(1)[0].detail["text"] == "done by hand"


def test_the_first_acknowledgement_stands(desk, breached):
    desk.service.acknowledge(breached, who="ana")
    again = desk.service.acknowledge(breached, who="ben")
    assert (again.acknowledged_by, again.acknowledged_at) == ("ana", desk.clock.now())


def test_closed_by_hand_stays_closed_for_this_deadline_only(desk, breached):
    desk.service.resolve(breached, who="ana")
    desk.at(hours=3)
    assert desk.incident().state == "resolved"
    desk.case(warn_at=None, due_at=NOON + timedelta(hours=4))
    desk.at(hours=4)
    assert (desk.incident().state, desk.incident().reason) == ("open", "reopened")


def test_a_warning_closed_by_hand_is_heard_of_again_when_it_becomes_a_breach(desk):
    desk.case()
    desk.at(hours=1)
    desk.service.resolve(desk.incident().id, who="ana")
    desk.at(hours=2)
    assert desk.pages == [("opened", "warning"), ("reopened", "breach")]


def test_what_is_over_can_be_noted_but_not_acknowledged(desk, breached):
    desk.service.resolve(breached, who="ana")
    desk.service.note(breached, who="ana", text="see the post-mortem")
    with pytest.raises(IncidentClosed, match="is resolved"):
        desk.service.acknowledge(breached, who="ana")


def test_an_unknown_incident_is_not_found(desk):
    with pytest.raises(NotFound, match="no incident is known as 'nonsense'"):
        desk.service.acknowledge("nonsense", who="ana")


def test_the_list_goes_on_where_its_cursor_says(desk):
    for number in range(7):
        desk.case(
            f"contract:clm:C-{number}", warn_at=None, due_at=NOON + timedelta(hours=number // 3)
        )
    desk.at(hours=3)
    whole = [one.id for one in desk.service.page().items]
    found, cursor = [], None
    while True:
        part = desk.service.page(limit=3, cursor=cursor)
        found += [one.id for one in part.items]
        cursor = part.next
        if cursor is None:
            break
    assert found == whole
    assert len(set(found)) == 7
    opened = [one.opened_at for one in desk.service.page().items]
    assert opened == sorted(opened, reverse=True)


def test_the_list_can_be_cut_to_states_and_a_journey(desk, breached):
    desk.case("contract:clm:C-2", warn_at=None)
    desk.evaluate()
    desk.service.acknowledge(breached, who="ana")
    assert [one.id for one in desk.service.page(states=["acknowledged"]).items] == [breached]
    assert len(desk.service.page(states=["open", "acknowledged"]).items) == 2
    assert desk.service.page(journey="invoice-to-cash").items == []


@pytest.mark.parametrize(
    "cursor", ["nonsense", "2026-03-02T12:00:00~1", "2026-03-02T12:00:00+00:00~"]
)
def test_a_cursor_that_is_not_ours_is_refused(desk, cursor):
    with pytest.raises(ValueError, match="is no cursor"):
        desk.service.page(cursor=cursor)
