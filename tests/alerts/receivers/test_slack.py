"""Slack: blocks within its limits, strangers' words as words, one thread for one incident."""

from __future__ import annotations

import json

import pytest
from notifications import STORM, notification
from recording_peer import peer
from vendor_schemas import SLACK

HOOKED = (200, "ok", {})
POSTED = (200, {"ok": True, "channel": "C1", "ts": "1772452800.000100"}, {})


@pytest.fixture
def slack():
    with peer(usual=POSTED, schemas=SLACK) as server:
        yield server


@pytest.fixture
def bot(slack, receiver):
    url = f"{slack.url}/api/chat.postMessage"
    return receiver("slack", url=url, token="xoxb-s3cret", channel="#on-call")


@pytest.fixture
def hook(slack, receiver):
    slack.usual = HOOKED
    return receiver("slack", url=f"{slack.url}/services/T0/B0/x")


def test_a_message_says_what_how_many_how_much_and_what_to_do(hook, slack):
    assert hook.deliver(notification(**STORM)).delivered
    (sent,) = [one.json for one in slack.received]
    told = str(sent["blocks"])
    for said in (
        "Failure: erp: 23 cases hang",
        "23 cases, 4 of them past a deadline",
        "EUR 1,200,000.50 and USD 90,000",
        "2 Mar 2026 11:30 UTC",
        "integration-operations",
        "1. replay the project request",
        "3. set it up by hand",
        "|Acknowledge>",
        "|Incident>",
        "|Contract>",
        "|Hop>",
        "|Runbook>",
    ):
        assert said in told
    assert sent["text"].startswith("Failure: erp")


def test_all_that_is_told_of_an_incident_is_one_thread(bot, slack):
    first = bot.deliver(notification())
    assert first.reference == "1772452800.000100"
    for kind in ("page", "update", "resolved"):
        later = bot.deliver(notification(kind, reference=first.reference))
        assert later.reference == first.reference
    sent = [one.json for one in slack.received]
    assert "thread_ts" not in sent[0]
    assert {one["thread_ts"] for one in sent[1:]} == {first.reference}
    assert [one["reply_broadcast"] for one in sent[1:]] == [True, False, False]
    assert slack.received[0].headers["authorization"] == "Bearer xoxb-s3cret"


def test_a_digest_joins_no_thread_and_shows_as_much_as_fits(bot, slack):
    items = [
        {
            "what": "<C> & " + "x" * 400,
            "incident": f"i{n}",
            "severity": "breach",
            "link": "https://a/b|c>d",
        }
        for n in range(20)
    ]
    outcome = bot.deliver(notification("digest", items=items, reference="1.2"))
    assert (outcome.delivered, outcome.reference) == (True, "")
    assert "thread_ts" not in slack.received[0].json


@pytest.mark.parametrize("words", ["<!channel> & <https://evil.example|here>", "a|b > c", "&lt;"])
def test_strangers_words_call_nobody_and_link_nowhere(words, hook, slack):
    told = dict.fromkeys(("what", "error", "owner", "contract", "assignee"), words)
    assert hook.deliver(notification(**told, next_moves=[words])).delivered
    text = str(slack.received[0].json["blocks"][1:])
    assert "<!channel>" not in text
    assert "<https://evil" not in text


def test_all_blocks_together_are_shorter_than_any_that_was_refused(hook, slack):
    """Slack names no bound; 11,341 characters of text were too many (bolt-js, issue 2867)."""
    names = ("what", "error", "owner", "contract", "case", "assignee", "system", "step", "journey")
    told = dict.fromkeys(names, '"' * 5000)  # two characters each in JSON
    assert hook.deliver(notification(**told, next_moves=[told["what"]] * 3, repeat=True)).delivered
    blocks = json.dumps(slack.received[0].json["blocks"], ensure_ascii=False)
    assert len(blocks) < 11_300


@pytest.mark.parametrize(
    ("error", "reason", "retry"),
    [
        ("channel_not_found", "refused: channel_not_found", False),
        ("invalid_auth", "refused: invalid_auth", False),
        ("ratelimited", "throttled", True),
        ("internal_error", "refused: internal_error", True),
        ("xoxb-s3cret <b>", "refused: not understood", False),
        ("", "refused: not understood", False),
    ],
)
def test_a_success_that_says_it_is_none_is_a_failure(error, reason, retry, bot, slack):
    slack.usual = (200, {"ok": False, "error": error}, {})
    outcome = bot.deliver(notification())
    assert (outcome.delivered, outcome.reason, outcome.retry) == (False, reason, retry)


@pytest.mark.parametrize(("error", "unclear"), [("fatal_error", True), ("ratelimited", False)])
def test_what_broke_down_on_the_way_may_have_arrived(error, unclear, bot, slack):
    slack.usual = (200, {"ok": False, "error": error}, {})
    assert bot.deliver(notification()).unclear == unclear


def test_a_headline_too_long_for_a_header_is_told_whole_below_it(hook, slack):
    told = f"erp: 412 cases hang on “{'no answer ' * 20}”, contracts worth EUR 4,812,300.50"
    assert hook.deliver(notification(what=told)).delivered
    header, below, *_ = slack.received[0].json["blocks"]
    assert header["text"]["text"].endswith("…")
    assert below["text"]["text"] == f"Breach: {told}"


def test_a_link_longer_than_a_block_is_left_out_and_the_others_are_not(hook, slack):
    links = {"incident": f"https://threadline.example/{'i' * 3000}", "hop": "https://t.example/h"}
    assert hook.deliver(notification(links=links, runbook="")).delivered
    assert slack.received[0].json["blocks"][-1]["text"]["text"] == "<https://t.example/h|Hop>"
    assert hook.deliver(notification(links={"incident": links["incident"]}, runbook="")).delivered
    assert slack.received[1].json["blocks"][-1]["text"]["text"].startswith("*Next*")


def test_a_webhook_that_answers_something_else_than_ok_is_a_failure(hook, slack):
    slack.usual = (200, "invalid_payload", {})
    outcome = hook.deliver(notification())
    assert (outcome.delivered, outcome.reason) == (False, "refused: invalid_payload")


def test_a_throttled_bot_is_asked_again_when_slack_said(bot, slack):
    slack.usual = (429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"})
    outcome = bot.deliver(notification())
    assert (outcome.reason, outcome.retry_after.total_seconds()) == ("throttled", 30)
