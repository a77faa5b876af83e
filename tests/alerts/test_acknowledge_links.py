"""The link in a message: whose it is, when there is one, and that nothing stored has it."""

from __future__ import annotations

import json

import pytest
from control_databases import NOON

from alerts.service import AlertsService, load_policies
from threadline.settings import AlertsSettings


@pytest.fixture
def desk(desk):
    """Links name what they are for, so that a test can read them."""

    def service():
        return AlertsService(
            desk.control,
            load_policies(AlertsSettings(webhook_url=desk.webhook.url), [desk.directory]),
            desk.clock,
            briefing=desk.service._telling._briefing,
            links=desk.service._telling._links,
            acknowledging=lambda *permitted: f"https://a.example/{permitted}",
        )

    desk._service = service
    desk.restart()
    return desk


def test_a_page_carries_its_receivers_link_and_keeps_the_others(desk):
    desk.case()
    desk.at(hours=1)

    links = desk.received("page")[0]["links"]
    incident = desk.incident()
    permitted = (incident.id, incident.episode, "default/webhook")
    assert links["acknowledge"] == f"https://a.example/{permitted}"
    assert links["incident"].endswith(incident.id)


def test_what_is_acknowledged_or_over_asks_nobody(desk):
    desk.case()
    desk.at(hours=1)
    desk.service.acknowledge(desk.incident().id, who="ana")
    desk.at(hours=1, minutes=1)
    desk.service.resolve(desk.incident().id, who="ana")
    desk.at(hours=1, minutes=2)

    kinds = [(one["kind"], "acknowledge" in one["links"]) for one in desk.webhook.received]
    assert kinds == [("page", True), ("update", False), ("resolved", False)]


def test_the_outbox_and_the_history_hold_no_link(desk):
    desk.case()
    desk.at(hours=1)

    incident = desk.incident()
    kept = [one.notification.payload for one in desk.service.deliveries(incident.id)]
    kept += [one.detail for one in desk.service.history(incident.id)]
    assert desk.webhook.received
    assert "a.example" not in json.dumps(kept, default=str)


def test_a_page_that_is_tried_again_later_has_a_link_of_then(desk):
    made = []
    desk.service._courier._acknowledging = lambda *_: made.append(desk.clock.now()) or "x"
    desk.case()
    desk.webhook.status = 503
    desk.at(hours=1)
    desk.webhook.status = 200
    desk.at(hours=2)

    assert desk.received("page")[0]["links"]["acknowledge"] == "x"
    assert (made[-1] - NOON).total_seconds() >= 7200
