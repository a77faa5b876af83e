"""What is owed reaches its receivers: over failures, restarts and several workers."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from control_databases import NOON
from jsonschema import Draft202012Validator

import alerts
from alerts.outbox import LEASE, backoff
from alerts.receivers import Outcome
from alerts.receivers.http import HttpClient, judge
from alerts.receivers.options import WebhookOptions
from alerts.receivers.webhook import WebhookReceiver

DUE = {"hours": 2}


def test_the_notification_says_all_that_on_call_needs(desk):
    desk.case(warn_at=None)
    desk.at(**DUE)
    (page,) = desk.webhook.received
    schema = json.loads(Path(alerts.__file__).with_name("notification.schema.json").read_text())
    Draft202012Validator(schema).validate(page)
    expected = {
        "what": "C-1: Contract activation has missed its deadline, at “erp-project”",
        "severity": "breach",
        "journey": "contract-activation",
        "contract": "C-1",
        "step": "erp-project",
        "since": "2026-03-02T11:30:00Z",
        "due_at": "2026-03-02T14:00:00Z",
        "value": "120000.00",
        "currency": "EUR",
        "owner": "integration-operations",
        "next_moves": ["replay the project request"],
        "runbook": "https://runbooks.example/contract-activation/erp-project",
        "incident": desk.incident().id,
        "links": {"incident": f"https://threadline.example/incidents/{desk.incident().id}"},
    }
    assert expected.items() <= page.items()


def test_a_receiver_that_is_down_is_told_when_it_is_up_again(desk):
    desk.case(warn_at=None)
    desk.webhook.down()
    desk.at(**DUE)
    log, webhook = desk.service.deliveries(desk.incident().id)
    assert log.delivered_at is not None, "one receiver's trouble is not another's"
    assert (webhook.delivered_at, webhook.failure, webhook.attempts) == (None, "connection", 1)
    desk.webhook.up()
    desk.at(hours=2, seconds=4)
    assert desk.pages == [], "not before five seconds are over"
    desk.at(hours=2, seconds=6)
    assert desk.pages == [("opened", "breach")]
    history = [event.what for event in desk.service.history(desk.incident().id)]
    assert sorted(history[1:3]) == ["notification-delayed", "notified"], "each by its own worker"
    assert history[0::3] == ["opened", "notified"]


def test_a_crash_between_storing_and_delivering_loses_and_doubles_nothing(desk):
    desk.case(warn_at=None)
    desk.move(**DUE)
    desk.evaluate()
    desk.restart()
    desk.at(**DUE)
    desk.at(hours=2, seconds=1)
    assert desk.pages == [("opened", "breach")]


def test_a_worker_that_dies_while_delivering_is_followed_by_another_with_the_same_key(desk):
    desk.case(warn_at=None)
    desk.move(**DUE)
    desk.evaluate()
    now = desk.clock.now()
    http = HttpClient(timedelta(seconds=5), desk.clock)
    receiver = WebhookReceiver(WebhookOptions(url=desk.webhook.url), http, desk.clock)
    (claim,) = desk.control.outbox.claim(
        now, receiver="default/webhook", owner="dying", lease_until=now + LEASE
    )
    assert receiver.deliver(claim.notification).delivered
    receiver.close()
    desk.service.deliver(now)
    assert len(desk.pages) == 1, "its lease still runs"
    desk.clock.move_to(now + LEASE)
    desk.service.deliver(desk.clock.now())
    assert len(desk.webhook.keys) == 2
    assert len(set(desk.webhook.keys)) == 1
    assert not desk.control.outbox.delivered([claim], desk.clock.now(), message="late"), (
        "its lease was lost"
    )


def test_a_refusal_is_final_and_said(desk, caplog):
    desk.case(warn_at=None)
    desk.webhook.status = 404
    desk.at(**DUE)
    _, webhook = desk.service.deliveries(desk.incident().id)
    assert (webhook.failure, webhook.failed_at) == ("status 404", desk.clock.now())
    desk.webhook.status = 200
    desk.at(hours=2, minutes=5)
    assert desk.pages == []
    assert "was not delivered: status 404" in caplog.text


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asked", ["90", format_datetime(NOON + timedelta(hours=2, seconds=90))])
def test_a_busy_receiver_is_asked_again_when_it_said(asked, status, desk):
    desk.case(warn_at=None)
    desk.webhook.status, desk.webhook.headers = status, {"Retry-After": asked}
    desk.at(**DUE)
    desk.webhook.status = 200
    desk.at(hours=2, seconds=89)
    assert desk.pages == []
    desk.at(hours=2, seconds=90)
    assert len(desk.pages) == 1


def test_a_page_nobody_could_be_given_for_a_day_is_given_up(desk):
    desk.case(warn_at=None)
    desk.webhook.status = 503
    desk.at(**DUE)
    desk.at(days=1, hours=2)
    first = desk.service.deliveries(desk.incident().id)[1]
    assert first.failure == "gave up: status 503"
    assert first.failed_at is not None


def test_what_waits_is_withdrawn_when_somebody_acknowledges(desk):
    desk.case(warn_at=None)
    desk.webhook.down()
    desk.at(**DUE)
    desk.service.acknowledge(desk.incident().id, who="ana")
    desk.webhook.up()
    desk.at(hours=3)
    assert desk.pages == []
    assert desk.service.deliveries(desk.incident().id)[1].failure == "acknowledged"


def test_a_breach_takes_the_place_of_a_warning_that_still_waits(desk):
    desk.case()
    desk.webhook.down()
    desk.at(hours=1)
    desk.webhook.up()
    desk.move(hours=2)
    desk.evaluate()
    desk.service.deliver(desk.clock.now())
    assert desk.pages == [("raised", "breach")]


def test_one_failing_receiver_costs_one_time_limit_per_round_however_much_is_owed(desk):
    for number in range(5):
        desk.case(f"contract:clm:C-{number}", warn_at=None)
    desk.webhook.status = 500
    desk.move(**DUE)
    desk.evaluate()
    assert desk.service.deliver(desk.clock.now()) == {"delivered": 5, "status 500": 1}


@pytest.mark.parametrize(
    ("outcome", "attempt", "seconds"),
    [
        (Outcome(delivered=False, reason="timeout", retry=True), 1, 5),
        (Outcome(delivered=False, reason="timeout", retry=True), 3, 20),
        (Outcome(delivered=False, reason="timeout", retry=True), 10_000, 300),
        (judge(503, "30", NOON), 5, 30),
        (judge(503, "0", NOON), 1, 5),
        (judge(503, "99999999", NOON), 1, 3600),
        (judge(503, "soon", NOON), 2, 10),
    ],
)
def test_the_wait_doubles_unless_the_receiver_asks_for_another(outcome, attempt, seconds):
    assert backoff(outcome, attempt) == timedelta(seconds=seconds)


def test_secrets_in_a_url_reach_neither_logs_nor_history(desk, caplog):
    caplog.set_level(logging.DEBUG)
    desk.case(warn_at=None)
    desk.at(**DUE)
    desk.webhook.down()
    desk.at(hours=2, minutes=15)
    told = caplog.text + repr(desk.service.history(desk.incident().id))
    assert "s3cret" not in told
    assert "127.0.0.1" in told, "where it went is said"
