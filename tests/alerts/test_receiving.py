"""How receivers take what they are owed, for whoever wonders why nothing came."""

from __future__ import annotations

from datetime import timedelta

DAY = timedelta(days=1)


def test_a_receiver_that_fails_is_known_until_something_arrives_again(desk):
    desk.case()
    desk.webhook.status = 503
    desk.at(hours=1)

    failing = desk.service.receiving(desk.clock.now() - DAY)["default/webhook"]
    assert (failing.waiting, failing.failure, failing.delivered_at) == (1, "status 503", None)

    desk.webhook.status = 200
    desk.at(hours=1, minutes=5)
    reached = desk.service.receiving(desk.clock.now() - DAY)["default/webhook"]
    assert (reached.waiting, reached.failure) == (0, "")
    assert reached.delivered_at is not None


def test_what_is_long_past_says_nothing_of_now(desk):
    desk.case()
    desk.at(hours=1)
    desk.move(days=2)

    assert desk.service.receiving(desk.clock.now() - DAY) == {}


def test_what_was_taken_back_is_no_failure_of_a_receiver(desk):
    desk.case()
    desk.webhook.status = 503
    desk.at(hours=1)
    desk.service.acknowledge(desk.incident().id, who="ana")

    receiving = desk.service.receiving(desk.clock.now() - DAY)
    assert "default/webhook" not in receiving or not receiving["default/webhook"].failure
