"""Not too much at once, and somebody else when a receiver cannot be reached."""

from __future__ import annotations

from datetime import timedelta

import pytest
from control_databases import NOON

from alerts.outbox import LEASE, backoff, dispatch
from alerts.receivers import Outcome
from alerts.receivers.declared import Rate

RATE = Rate(limit=5, per=timedelta(minutes=1))


@pytest.mark.parametrize(
    ("rate", "sent", "waiting", "how"),
    [
        (None, 1_000, 1_000, "one"),
        (RATE, 0, 100, "one"),
        (RATE, 3, 100, "one"),
        (RATE, 4, 100, "digest"),
        (RATE, 4, 1, "one"),
        (RATE, 5, 1, "wait"),
        (RATE, 9, 100, "wait"),
    ],
)
def test_the_last_message_a_rate_allows_is_for_all_that_waits(rate, sent, waiting, how):
    assert dispatch(rate, sent, waiting) == how


def limited(desk):
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 0s, receivers: [webhook]}]
        receivers:
          webhook: {type: webhook, url: '${webhook_url}', rate: {limit: 3, per: 1m}}
    """)


def test_beyond_its_rate_a_receiver_gets_one_digest_and_nothing_is_lost(desk):
    limited(desk)
    for number in range(40):
        desk.case(f"contract:clm:C-{number:02}", warn_at=None)
    desk.at(hours=2)
    assert [one["kind"] for one in desk.webhook.received] == ["page", "page", "digest"]
    digest = desk.webhook.received[-1]
    assert (digest["total"], len(digest["items"])) == (38, 20)
    assert digest["what"].startswith("38 notifications at once: 38 need somebody. First: C-")
    desk.case("contract:clm:C-99", warn_at=None, due_at=NOON + timedelta(hours=2, seconds=30))
    desk.at(hours=2, seconds=31)
    assert len(desk.webhook.received) == 3, "it has had its three of this minute"
    desk.at(hours=2, minutes=1)
    assert desk.webhook.received[-1]["contract"] == "C-99"


def test_who_keeps_incidents_gets_each_by_itself_at_its_rate(desk, monkeypatch):
    monkeypatch.setenv("ROUTING_KEY", 32 * "k")
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 0s, receivers: [pager]}]
        receivers:
          pager:
            type: pagerduty
            url: ${webhook_url}
            routing_key: ${env:ROUTING_KEY}
            rate: {limit: 3, per: 1m}
    """)
    for number in range(5):
        desk.case(f"contract:clm:C-{number:02}", warn_at=None)
    desk.at(hours=2)
    assert len(desk.webhook.received) == 3
    desk.at(hours=2, minutes=1)
    assert [one["event_action"] for one in desk.webhook.received] == 5 * ["trigger"]
    assert len({one["dedup_key"] for one in desk.webhook.received}) == 5


def test_what_is_given_up_takes_nothing_newer_of_its_digest_along(desk):
    desk.declare("""
        rules: [{when: case-deadline}]
        escalation: [{after: 0s, receivers: [webhook]}]
        receivers:
          webhook: {type: webhook, url: '${webhook_url}', rate: {limit: 1, per: 1m}}
    """)
    desk.webhook.down()
    desk.case("contract:clm:C-1", warn_at=None)
    desk.case("contract:clm:C-2", warn_at=None, due_at=NOON + timedelta(hours=25, minutes=59))
    desk.at(hours=2)
    desk.at(hours=25, minutes=59)
    desk.at(hours=26, minutes=10)
    desk.webhook.up()
    desk.at(hours=26, minutes=20)
    assert [one["contract"] for one in desk.webhook.received] == ["C-2"], "the other is a day old"


def test_a_digest_that_fails_is_owed_whole(desk):
    limited(desk)
    for number in range(10):
        desk.case(f"contract:clm:C-{number}", warn_at=None)
    desk.webhook.status = 503
    desk.at(hours=2)
    desk.webhook.status = 200
    desk.at(hours=2, seconds=7)
    assert [one["kind"] for one in desk.webhook.received] == ["page", "page", "digest"]
    assert desk.webhook.received[-1]["total"] == 8


def test_who_cannot_be_reached_is_stood_in_for_at_the_second_failure(desk, another_webhook):
    desk.declare_stand_in(another_webhook)
    desk.webhook.down()
    desk.case(warn_at=None)
    desk.at(hours=2)
    assert another_webhook.received == []
    desk.at(hours=2, seconds=6)
    desk.at(hours=2, seconds=7)
    assert len(another_webhook.received) == 1
    desk.webhook.up()
    desk.at(hours=2, minutes=2)
    assert len(desk.pages) == 1, "the receiver itself is not forgotten"
    desk.at(hours=3)
    assert len(another_webhook.received) == 1


def test_who_wants_to_be_left_alone_for_long_is_stood_in_for_at_once(desk, another_webhook):
    desk.declare_stand_in(another_webhook)
    desk.webhook.status, desk.webhook.headers = 429, {"Retry-After": "1800"}
    desk.case(warn_at=None)
    desk.at(hours=2)
    desk.at(hours=2, seconds=1)
    assert len(another_webhook.received) == 1


def test_a_delivery_after_a_crash_is_marked_as_a_repeat_and_no_other(desk):
    desk.case(warn_at=None)
    desk.move(hours=2)
    desk.evaluate()
    now = desk.clock.now()
    claimed = desk.control.outbox.claim(
        now, receiver="default/webhook", owner="dying", lease_until=now + LEASE
    )
    assert len(claimed) == 1
    desk.clock.move_to(now + LEASE)
    desk.service.deliver(desk.clock.now())
    assert [page["repeat"] for page in desk.received("page")] == [True]
    desk.at(hours=2, minutes=16)
    assert [page["repeat"] for page in desk.received("page")] == [True, False]


def test_news_does_not_overtake_the_page_it_belongs_to(desk):
    for number in range(3):
        desk.fails(f"C-{number}")
    desk.webhook.down()
    desk.at(minutes=1)
    for number in range(3, 30):
        desk.fails(f"C-{number}", minutes=2)
    desk.webhook.up()
    desk.at(minutes=2, seconds=30)
    assert [one["kind"] for one in desk.webhook.received] == ["page"]


def test_retries_are_spread_by_up_to_a_fifth():
    failed = Outcome(delivered=False, reason="status 503", retry=True)
    assert backoff(failed, 1, 0.0) == timedelta(seconds=5)
    assert backoff(failed, 1, 1.0) == timedelta(seconds=6)
