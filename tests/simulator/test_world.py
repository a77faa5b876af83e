"""The simulated world is equal for equal seeds, and holds what a demonstration needs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from threadline.simulator import World
from threadline.simulator.acts import Act, Event, Row, Span
from threadline.simulator.fates import AWAY

NOW = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)


def test_equal_seeds_give_equal_worlds() -> None:
    first, second = World(11, now=NOW), World(11, now=NOW)
    assert first.acts == second.acts
    assert first.hero == second.hero
    assert first.fates == second.fates


def test_another_seed_gives_another_world() -> None:
    assert World(11, now=NOW).acts != World(12, now=NOW).acts


def test_nothing_has_happened_yet_that_lies_after_now() -> None:
    assert all(act.at <= NOW for act in World(11, now=NOW).acts)


def test_no_span_begins_before_its_parent_or_arrives_before_it() -> None:
    begun: dict[str, datetime] = {}
    for act in World(11, now=NOW).acts:
        if isinstance(act, Span):
            assert not act.parent or begun.get(act.parent, NOW) <= act.started_at
            begun[act.key] = act.started_at


def test_every_fate_occurs_and_most_contracts_fare_well() -> None:
    fates = Counter(World(11, now=NOW).fates.values())
    assert fates["smooth"] > 40
    wanted = {"slow", "heals", "rejected", "recovered", "dropped", "answered", "cancelled"}
    assert wanted | {"linked_late", "repeated", "waiting", "unmapped"} <= set(fates)


def test_both_windows_of_thirty_days_have_cases_of_their_own() -> None:
    approved = [
        act.at
        for act in World(11, now=NOW).acts
        if isinstance(act, Event) and act.type == "clm.contract.approved"
    ]
    recent = sum(at > NOW - timedelta(days=30) for at in approved)
    assert recent > 40
    assert len(approved) - recent > 40


def test_the_hero_is_stuck_in_the_erp_under_all_its_names() -> None:
    world = World(11, now=NOW)
    hero = world.hero
    facts = [act for act in world.acts if _names(act).get("contract.id") == hero.contract]
    names = {value for act in facts for value in _names(act).values()}
    assert {hero.project, hero.purchase_order, hero.opportunity, hero.reason} <= names
    traced = [act for act in facts if isinstance(act, Span)]
    assert {f"{act.trace_id:032x}" for act in traced} == {hero.trace}
    refused = [act for act in traced if act.name == "erp.project.created"]
    assert refused
    assert all(act.error == hero.reason for act in refused)


def test_promises_break_shortly_after_now_without_an_event() -> None:
    world = World(11, now=NOW)
    for breach in world.live_breaches:
        assert timedelta(seconds=20) < breach.due_at - NOW < timedelta(minutes=1)
        facts = [a for a in world.acts if _names(a).get("contract.id") == breach.contract]
        assert facts
        assert all(act.at < NOW for act in facts)


def test_the_link_of_a_late_project_arrives_last_though_it_happened_early() -> None:
    acts = World(11, now=NOW).acts
    late = [act for act in acts if act.late]
    assert late
    assert acts[-len(late) :] == tuple(late)
    assert late[0].at < acts[0].at + timedelta(days=60)
    assert {"contract.id", "erp.project.id"} <= set(_names(late[0]))


def test_a_project_linked_late_is_never_named_with_its_contract_before() -> None:
    acts = World(11, now=NOW).acts
    for late in (act for act in acts if act.late):
        project = _names(late)["erp.project.id"]
        naming = [act for act in acts if _names(act).get("erp.project.id") == project]
        assert len(naming) > 1
        assert all(
            "contract.id" not in _names(act) and not getattr(act, "baggage", "")
            for act in naming
            if act is not late
        )


def test_the_nightly_batch_names_many_projects_and_its_children_one_each() -> None:
    acts = [act for act in World(11, now=NOW).acts if isinstance(act, Span)]
    batch = next(act for act in acts if "batch.id" in act.attributes)
    children = [act for act in acts if act.parent == batch.key]
    named = batch.attributes["erp.project.id"]
    assert isinstance(named, tuple)
    assert sorted(named) == sorted(str(c.attributes["erp.project.id"]) for c in children)
    assert all(child.links for child in children)


def test_a_world_needs_room_for_more_than_its_special_contracts() -> None:
    with pytest.raises(ValueError, match="more than 3"):
        World(11, 3, now=NOW)


def _names(act: Act) -> dict[str, object]:
    if isinstance(act, Row):
        return dict(act.cells)
    return dict(act.data if isinstance(act, Event) else act.attributes)


def test_while_the_erp_is_away_live_contracts_fail_there_and_go_on_when_it_is_back() -> None:
    world = World(7, 20, now=NOW)
    world.go_live(NOW)
    assert world.live_outage is not None
    begin, end = world.live_outage
    erp = [
        act
        for second in range(0, 120, 3)
        for act in world.next_course(NOW + timedelta(seconds=second), 4.0).acts
        if isinstance(act, Span) and act.name == "erp.project.created"
    ]
    during = [act for act in erp if begin <= act.begins < end]
    assert len(during) > 10
    assert all(act.error for act in during)
    assert {AWAY} < {act.error for act in during}, "the usual refusals go on"
    back = {act.of for act in erp if act.begins >= end and not act.error}
    assert len(back & {act.of for act in during}) > 5
