"""Scenarios set what happens and how it is told; what is told can be held against what was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from threadline.errors import DefinitionErrors
from threadline.simulator import World, scenario
from threadline.simulator import world as worlds
from threadline.simulator.acts import BILLING, ERP, NEW_ERP, PSA, Event, Span
from threadline.simulator.fates import AWAY
from threadline.simulator.services import Services

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_that_ships_makes_a_world(name: str) -> None:
    world = World(7, 30, now=NOW, scenario_name=name)
    assert len(world.fates) == 30
    assert len(world.acts) > 500


def test_the_named_scenarios_ship() -> None:
    named = {"calm", "quarter-end", "erp-outage", "migration", "dirty-data", "silent-source"}
    assert named <= set(scenario.names())


def test_a_fault_in_a_scenario_names_file_line_and_key(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "title: Mine\ndays: 30\ncontracts: 9\nfates: {smoth: 1}\nmilestones: [1]\namendments: [0]\n"
    )
    with pytest.raises(DefinitionErrors, match=r"mine.yaml.*4.*fates"):
        World(1, now=NOW, scenario_name=str(file))


def test_a_faithful_world_tells_every_act_once_as_it_was_and_nothing_else() -> None:
    world = World(7, 60, now=NOW, scenario_name="dirty-data")
    acts = [act for act in world.acts if not act.phantom]
    assert len(acts) < len(world.acts)
    signals = [signal for _, signal in world.signals(faithful=True)]
    assert [signal.act.at for signal in signals] == [act.at for act in acts]
    assert all(len(signal.arrives) == 1 for signal in signals)
    assert not world.touched


def test_what_is_told_is_wrong_late_lost_or_repeated_and_known_to_be() -> None:
    world = World(7, 60, now=NOW, scenario_name="dirty-data")
    signals = [(begins, signal) for begins, signal in world.signals()]
    assert {"lost", "late", "resent"} <= world.touched.keys()
    assert any(not signal.arrives for _, signal in signals)
    assert any(len(signal.arrives) > 1 for _, signal in signals)
    assert any(at - begins > timedelta(days=2) for begins, s in signals for at in s.arrives)
    assert all(at <= NOW for _, signal in signals for at in signal.arrives)


def test_while_the_erp_is_away_every_call_fails_and_is_tried_again() -> None:
    world = World(7, 90, now=NOW, scenario_name="erp-outage")
    outage = world.scenario.outage
    assert outage is not None
    tried = [
        act
        for act in world.acts
        if isinstance(act, Span) and act.service == ERP and outage.covers(act.started_at, NOW)
    ]
    steps = [act for act in tried if act.name.startswith("erp.")]
    assert any(act.error == AWAY for act in steps)


def test_a_silent_source_goes_on_working_unheard() -> None:
    world = World(7, 90, now=NOW, scenario_name="silent-source")
    silent = NOW - timedelta(days=8)
    unheard = [
        signal
        for _, signal in world.signals()
        if signal.act.service == PSA and signal.act.at > silent
    ]
    assert unheard
    assert not any(signal.arrives for signal in unheard)


def test_after_a_migration_projects_have_the_number_of_the_new_erp() -> None:
    world = World(7, 90, now=NOW, scenario_name="migration")
    moved = [
        act for act in world.acts if isinstance(act, Event) and act.type == "erp.project.migrated"
    ]
    assert moved
    assert all({"erp.project.id", "s4.project.id"} <= act.data.keys() for act in moved)
    since = world.scenario.migration
    assert since is not None
    anew = [act for act in world.acts if isinstance(act, Span) and act.service == NEW_ERP]
    assert anew
    assert min(act.started_at for act in anew) >= NOW - since


def test_most_milestones_of_a_quarters_end_complete_in_its_last_days() -> None:
    world = World(7, 90, now=NOW, scenario_name="quarter-end")
    done = [
        act.at
        for act in world.acts
        if isinstance(act, Event) and act.type == "psa.milestone.completed"
    ]
    last = sum(at > datetime(2026, 6, 28, tzinfo=UTC) - timedelta(days=1) for at in done)
    assert last > len(done) / 2


def test_a_mass_renewal_amends_many_contracts_in_one_trace() -> None:
    acts = World(7, 90, now=NOW, scenario_name="quarter-end").acts
    batch = next(act for act in acts if isinstance(act, Span) and act.key == "renewal")
    children = [act for act in acts if isinstance(act, Span) and act.parent == "renewal"]
    named = batch.attributes["contract.id"]
    assert isinstance(named, tuple)
    assert len(named) == 40
    assert {act.attributes.get("contract.id") for act in children} == {*named, None}


def test_a_traced_engagement_leaves_spans_beside_the_same_kinds_of_events(tmp_path: Path) -> None:
    text = (scenario.DIRECTORY / "calm.yaml").read_text(encoding="utf-8")
    traced = tmp_path / "traced.yaml"
    traced.write_text(text + "traced: true\n", encoding="utf-8")
    bare, rich = (World(7, 90, now=NOW, scenario_name=name) for name in ("calm", str(traced)))
    assert _kinds(bare) == _kinds(rich)
    assert _spans(rich) > 3 * _spans(bare)


def test_in_a_large_world_no_contract_takes_the_number_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for place, name in enumerate(("HERO", "PROMISED", "AWAITED")):
        monkeypatch.setattr(worlds, name, worlds.FIRST_NUMBER + 5 + place)
    assert len(World(7, 30, now=NOW, scenario_name="calm").fates) == 30


def _kinds(world: World) -> set[str]:
    return {act.type for act in world.acts if isinstance(act, Event)}


def _spans(world: World) -> int:
    return sum(isinstance(act, Span) for act in world.acts)


def test_a_system_that_delivers_two_days_late_tells_nothing_sooner() -> None:
    world = World(7, 60, now=NOW, scenario_name="quarter-end")
    told = [signal for _, signal in world.signals() if signal.act.service == BILLING]
    delays = {at - signal.act.at for signal in told for at in signal.arrives}
    assert delays
    assert all(timedelta(days=2) <= delay < timedelta(days=2, minutes=1) for delay in delays)


def test_a_sampled_trace_keeps_what_its_spans_say_and_tells_that_it_was_sampled() -> None:
    world = World(1, 24, now=NOW, scenario_name="quarter-end")
    batch, child = (
        next(act for act in world.acts if isinstance(act, Span) and act.key == key)
        for key in ("renewal", "renewal/3")
    )
    with Services.open("http://127.0.0.1", "127.0.0.1:1", 1, world.scenario) as services:
        recorded = [services.record(act) for act in (batch, child)]
    for act, span in zip((batch, child), recorded, strict=True):
        assert span is not None
        assert span.context is not None
        assert dict(span.attributes or {}) == act.attributes
        assert span.context.trace_state.get("ot") == "th:3333333333333"
