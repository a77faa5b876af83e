"""Rulings are inputs like any other: kept in order, as of when they were made."""

from __future__ import annotations

from datetime import timedelta

from control_databases import NOON

from threadline.model.identifiers import Identifier

CONTRACT = Identifier(object_type="contract", namespace="clm", value="C-1:a")
PROJECT = Identifier(object_type="project", namespace="erp", value="P-00417")


def test_a_ruling_counts_from_when_it_was_made(control, clock):
    control.rulings.rule("retract", "belongs_to", PROJECT, CONTRACT, who="ana", why="typo in CRM")
    clock.move_to(NOON + timedelta(hours=1))
    control.rulings.rule("assert", "belongs_to", PROJECT, CONTRACT, who="ben", why="it was right")
    assert control.rulings.received_by(NOON - timedelta(seconds=1)) == []
    (first,) = control.rulings.received_by(NOON + timedelta(minutes=59))
    assert (first.act, first.child, first.parent) == ("retract", PROJECT, CONTRACT)
    assert (first.who, first.at, first.why) == ("ana", NOON, "typo in CRM")
    assert [r.act for r in control.rulings.received_by(clock.now())] == ["retract", "assert"]


def test_a_ruling_is_in_the_audit(control):
    control.rulings.rule("assert", "same_as", CONTRACT, PROJECT, who="ana", why="seen on paper")
    (entry,) = control.audit.latest()
    assert (entry.who, entry.what) == ("ana", "link.asserted")
    assert entry.detail["why"] == "seen on paper"
