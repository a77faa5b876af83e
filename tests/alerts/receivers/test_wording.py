"""What people are told, and in which order."""

from __future__ import annotations

import logging

from notifications import STORM, notification

from alerts.receivers.log import LogReceiver
from alerts.receivers.wording import headline, message


def test_the_text_says_all_that_on_call_needs():
    told = message(notification(**STORM, escalated=True, repeat=True).payload)
    assert told.text() == (
        "Failure: erp: 23 cases hang on “no answer within 30 s”, contracts worth EUR 1,200,000.50\n"
        "\n"
        "You may have had this message before.\n"
        "\n"
        "How many: 23 cases, 4 of them past a deadline\n"
        "How much: EUR 1,200,000.50 and USD 90,000\n"
        "Since: 2 Mar 2026 11:30 UTC\n"
        "Due: 2 Mar 2026 12:00 UTC\n"
        "Journey: contract-activation\n"
        "Step: erp-project\n"
        "System: erp\n"
        "Error: no answer within 30 s\n"
        "State: open, nobody has acknowledged it so far\n"
        "Owner: integration-operations\n"
        "\n"
        "Next:\n"
        "1. replay the project request\n"
        "2. ask ERP operations\n"
        "3. set it up by hand\n"
        "\n"
        "Acknowledge: https://threadline.example/acknowledge/inc-7.signed-and-expiring\n"
        "Incident: https://threadline.example/on-call?incident=inc-7\n"
        "Contract: https://threadline.example/contract?id=contract%3Aclm%3AC-1\n"
        "Hop: https://threadline.example/hops?system=erp&journey=contract-activation\n"
        "Runbook: https://runbooks.example/erp-project\n"
    )


def test_what_is_over_asks_nobody_to_act():
    over = {"what": "Over: C-1: has missed its deadline", "assignee": "billing-primary"}
    told = message(notification("resolved", **over).payload)
    assert told.headline == "Resolved: C-1: has missed its deadline"
    assert told.moves == ()
    assert ("State", "resolved, with billing-primary") in told.facts


def test_a_digest_says_how_many_it_stands_for_and_lists_the_gravest():
    told = message(notification("digest").payload)
    assert told.headline == "Digest: 240 notifications at once: 240 need somebody"
    assert told.items[0] == (
        "Breach: C-1: has missed its deadline",
        "https://threadline.example/on-call?incident=inc-1",
    )
    assert told.items[-1] == ("and 220 more", "")
    assert told.facts == told.moves == told.links == ()


def test_one_case_is_not_counted_and_what_nobody_owns_is_said():
    told = dict(message(notification(owner="", breached=0, value=None).payload).facts)
    assert "How many" not in told
    assert "How much" not in told
    assert told["Owner"] == "none named"


def test_what_grows_is_no_cases():
    grown = notification(about="growth", cases=1_200, breached=0, value=None, worth={})
    assert dict(message(grown.payload).facts)["How many"] == "1,200 in all"


def test_every_kind_and_severity_has_its_word():
    words = [headline(notification(kind).payload).split(":")[0] for kind in ("update", "test")]
    words += [
        headline(notification(severity=one).payload).split(":")[0] for one in ("warning", "breach")
    ]
    assert words == ["Update", "Test", "Warning", "Breach"]


def test_an_update_says_first_what_has_changed():
    reasons = ("acknowledged", "grown", "raised", "returned")
    told = [headline(notification("update", reason=one).payload).split(":")[0] for one in reasons]
    assert told == ["Acknowledged", "Growing", "Worse", "Back"]


def test_a_runbook_that_is_no_address_is_told_and_not_linked():
    told = message(notification(runbook="see the wiki", links={"incident": "javascript:a"}).payload)
    assert told.facts[-1] == ("Runbook", "see the wiki")
    assert told.links == ()


def test_the_log_says_it_in_a_line_as_loud_as_it_is(caplog):
    caplog.set_level(logging.INFO, "threadline.pages")
    told = (notification(), notification(severity="warning"), notification("resolved"))
    assert all(LogReceiver().deliver(one).delivered for one in told)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING", "INFO"]
    assert caplog.messages[0] == (
        "Breach: C-1: Contract activation has missed its deadline, at “erp-project” (incident"
        " inc-7, opened, step 1 of its escalation; owner: integration-operations; next: replay the"
        " project request)"
    )
