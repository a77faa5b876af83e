"""Teams: a card within 28 KB, in which strangers' words are words."""

from __future__ import annotations

import pytest
from notifications import STORM, notification
from recording_peer import peer
from vendor_schemas import TEAMS


@pytest.fixture
def teams():
    with peer(usual=(202, "", {}), schemas=TEAMS) as server:
        yield server


@pytest.fixture
def flow(teams, receiver):
    return receiver("teams", url=f"{teams.url}/workflows/x?sig=s3cret")


def test_a_card_says_what_how_many_how_much_and_what_to_do(flow, teams):
    assert flow.deliver(notification(**STORM)).delivered
    card = teams.received[0].json["attachments"][0]["content"]
    lines = ["".join(run["text"] for run in block["inlines"]) for block in card["body"]]
    assert lines[0].startswith("Failure: erp: 23 cases hang")
    assert {
        "How many: 23 cases, 4 of them past a deadline",
        "How much: EUR 1,200,000.50 and USD 90,000",
        "Owner: integration-operations",
        "1. replay the project request",
    } <= set(lines)
    titles = [action["title"] for action in card["actions"]]
    assert titles == ["Acknowledge", "Incident", "Contract", "Hop", "Runbook"]


@pytest.mark.parametrize("kind", ["page", "update", "resolved", "digest", "test"])
def test_every_kind_has_a_card(kind, flow):
    assert flow.deliver(notification(kind)).delivered


def test_what_is_too_large_is_cut_not_refused(flow, teams):
    told = dict.fromkeys(("what", "error", "owner", "contract", "assignee"), "🙂" * 20_000)
    items = [{"what": "🙂" * 500, "severity": "breach", "link": ""}] * 20
    for one in (
        notification(**told, next_moves=["🙂" * 9000] * 3),
        notification("digest", items=items),
    ):
        assert flow.deliver(one).delivered
    assert all(len(one.body) <= 28 * 1024 for one in teams.received)


def test_an_error_inside_a_success_is_a_failure(flow, teams):
    said = (
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error"
    )
    teams.usual = (200, f"{said} 429 with ContextId x", {})
    assert flow.deliver(notification()).reason == "throttled"
    teams.usual = (200, f"{said} 403 with ContextId x", {})
    outcome = flow.deliver(notification())
    assert (outcome.reason, outcome.retry) == ("status 403", False)
