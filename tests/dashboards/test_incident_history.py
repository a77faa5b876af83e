"""The timeline of an incident in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboards.incident_history import timeline, told
from threadline.wire import Delivery, IncidentEvent

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


def words(what, who="", **detail):
    event = IncidentEvent(at=NOON, what=what, who=who, detail=detail)
    return str(timeline([event], NOON + timedelta(minutes=5)))


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (words("acknowledged", "ana", text="on it"), "Acknowledged by ana: “on it”"),
        (words("assigned", "ana", assignee=""), "Assigned by ana: to nobody"),
        (words("escalated", steps=[2, 3]), "Escalated: step 2, 3"),
        (words("escalation-lapsed"), "The acknowledgement has lapsed"),
        (words("updated", cases="12"), "Changed: 12 belong to it"),
        (words("raised", severity="breach"), "Became more severe (severity: breach)"),
        (
            words("notification-delayed", receiver="a/b", kind="page", step=1, reason="timeout"),
            "Not reached, tried again: a/b (page, step 1; timeout)",
        ),
        (
            words("notified", receiver="a/b", kind="resolved", reason="healed", repeat=True),
            "Told: a/b (that it is over; healed, perhaps for the second time)",
        ),
        (words("noted", "<i>x</i>", text="<b>y</b>"), "Note by &lt;i&gt;x&lt;/i&gt;"),
        (words("something-new", deadline=NOON.isoformat()), "Something new (deadline: 20 Mar 2026"),
    ],
)
def test_what_happened_is_said_as_people_would(event, said):
    assert said in event
    assert "2026-03-20 12:00:00 UTC · 5 min ago" in event


def delivery(**given):
    usual = {
        "receiver": "default/mail",
        "kind": "page",
        "reason": "opened",
        "step": 1,
        "state": "delivered",
        "attempts": 1,
        "due_at": NOON,
        "delivered_at": None,
        "failure": "",
    }
    return Delivery(**usual | given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"delivered_at": NOON}, "✓ told"),
        ({"state": "waiting", "attempts": 0}, "! on its way"),
        ({"state": "waiting", "attempts": 3, "failure": "status 503"}, "! tried again"),
        ({"state": "failed", "attempts": 5, "failure": "gave up"}, "✗ not reached"),
        ({"state": "failed", "attempts": 0, "failure": "resolved"}, "○ not needed any more"),
    ],
)
def test_each_message_says_whether_it_arrived(given, said):
    assert said in told([delivery(**given)])
