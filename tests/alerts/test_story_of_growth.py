"""More and more that people have to look into: dead letters, orphans."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from control_databases import NOON

RULES = """
rules:
  - {when: growth, name: watched, of: OF, by: system, more: 5, within: 1h}
escalation: [{after: 0s, receivers: [webhook]}]
"""


def came(*minutes: float, part: str = "billing") -> dict[str, Any]:
    """One came at each of these minutes after noon, and waits still."""
    arrivals = tuple((NOON + timedelta(minutes=each), 1) for each in minutes)
    return {"part": part, "arrivals": arrivals, "criticality": "reference"}


@pytest.fixture
def letters(desk):
    desk.declare(RULES.replace("OF", "dead-letters"))
    return desk


def test_so_many_within_the_rules_time_page_once(letters):
    letters.look(minutes=4, **came(0, 1, 2, 3))
    assert not letters.service.page().items
    letters.look(minutes=10, **came(0, 1, 2, 3, 4))
    letters.look(minutes=12, **came(0, 1, 2, 3, 4, 11))
    (page,) = letters.received("page")
    assert page["what"] == "5 more dead letters of billing within 1 h"
    assert (page["about"], page["system"]) == ("growth", "billing")
    assert letters.incident().cases == 6


def test_as_many_over_a_longer_time_do_not(letters):
    letters.look(minutes=90, **came(0, 20, 40, 60, 80))
    assert not letters.service.page().items


def test_dead_letters_are_over_when_no_more_come_and_they_were_replayed(letters):
    letters.look(minutes=5, **came(0, 1, 2, 3, 4))
    letters.look(minutes=60, **came(0, 1, 2, 3, 4))
    assert letters.incident().state == "open", "more may come"
    letters.look(minutes=65, **came(0, 1, 2, 3, 4))
    assert letters.incident().state == "open", "they wait to be replayed"
    assert letters.incident().said == (
        "5 dead letters of billing wait to be replayed; no more have come"
    )
    letters.look(minutes=70, **came())
    assert letters.incident().state == "resolved"


def test_orphans_are_over_when_no_more_come(desk):
    desk.declare(RULES.replace("OF", "orphans"))
    desk.look(minutes=5, **came(0, 1, 2, 3, 4))
    desk.look(minutes=65, **came(0, 1, 2, 3, 4))
    assert (desk.incident().state, desk.incident().reason) == ("resolved", "recovered")


def test_closed_by_hand_it_opens_again_only_by_as_many_new_ones(letters):
    letters.look(minutes=5, **came(0, 1, 2, 3, 4))
    letters.service.resolve(letters.incident().id, who="billing-primary", text="junk")
    letters.look(minutes=20, **came(0, 1, 2, 3, 4, 10, 11, 12, 13))
    assert letters.incident().state == "resolved"
    letters.look(minutes=21, **came(0, 1, 2, 3, 4, 10, 11, 12, 13, 20))
    assert letters.pages == [("opened", "warning"), ("reopened", "warning")]


def test_the_rule_that_names_a_source_is_in_charge_of_it(desk):
    desk.declare(
        """
        rules:
          - {when: growth, name: watched, of: orphans, by: system, more: 5}
          - {when: growth, name: strict, of: orphans, systems: [billing], more: 1}
        escalation: [{after: 0s, receivers: [webhook]}]
        """
    )
    desk.look(minutes=5, **came(0, 1, 2, 3, 4))
    assert not desk.service.page().items
    desk.look(minutes=6, rule="default/strict", **came(0))
    assert desk.incident().rule == "default/strict"


def test_a_source_that_is_told_with_all_others_from_now_on_has_no_incident_of_its_own(letters):
    letters.look(minutes=5, **came(0, 1, 2, 3, 4))
    letters.at(minutes=6)
    assert letters.incident().state == "open"
    letters.declare(RULES.replace("OF, by: system", "dead-letters"))
    letters.at(minutes=7)
    assert (letters.incident().state, letters.incident().reason) == ("resolved", "no-rule")
