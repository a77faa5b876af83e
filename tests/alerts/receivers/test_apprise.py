"""Any service Apprise knows, without a word of its URL in any log."""

from __future__ import annotations

import logging

import pytest
from notifications import STORM, notification
from recording_peer import peer

SECRET = "s3cret"


def test_a_service_is_told_by_its_url(receiver, caplog):
    caplog.set_level(logging.DEBUG)
    with peer() as server:
        pager = receiver("apprise", url=f"json://u:{SECRET}@{server.url[7:]}/{SECRET}")
        for kind in ("page", "resolved", "digest", "test"):
            assert pager.deliver(notification(kind)).delivered
        pager.deliver(notification(**STORM))
    told = [request.json for request in server.received]
    assert told[0]["title"].startswith("Breach: C-1")
    assert "1. replay the project request" in told[0]["message"]
    assert [one["type"] for one in told] == ["failure", "success", "failure", "success", "failure"]
    assert SECRET not in caplog.text


@pytest.mark.parametrize("status", [302, 401, 500])
def test_a_failure_is_worth_another_try(status, receiver, caplog):
    caplog.set_level(logging.DEBUG)
    with peer() as server:
        server.usual = (status, {}, {"Location": f"{server.url}/elsewhere"})
        pager = receiver("apprise", url=f"json://{server.url[7:]}/{SECRET}")
        outcome = pager.deliver(notification())
    assert (outcome.delivered, outcome.reason, outcome.retry) == (False, "Apprise failed", True)
    assert len(server.received) == 1, "no redirect is followed"
    assert SECRET not in caplog.text


def test_a_url_nobody_knows_is_a_bad_configuration(receiver, caplog):
    outcome = receiver("apprise", url=f"nosuch://{SECRET}").deliver(notification())
    assert (outcome.reason, outcome.retry) == (
        "bad configuration: no URL that Apprise knows",
        False,
    )
    assert SECRET not in caplog.text
