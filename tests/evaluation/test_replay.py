"""Rules played over what is known: as a live evaluator would have judged the same story."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import handmade_world
import polars as pl
import pytest
from handmade_rows import NOW
from handmade_services import served, services

from alerts import policy
from alerts.policy import Policies
from alerts.service import AlertsService
from threadline.api import ApiServices, create_api
from threadline.cli import main
from threadline.clock import FixedClock
from threadline.model.incidents import Briefing
from threadline.replaying import replay
from threadline.settings import ControlSettings, TelemetrySettings
from threadline.store.control import ControlStore
from threadline.store.telemetry import Telemetry, failing

DAYS = 60
RULES = """
policy: default
rules:
  - {when: case-warning, name: warned}
  - {when: case-deadline, name: due}
  - {when: step-deadline, name: stuck}
  - {when: kpi, name: attained, kpi: sla-attainment, window: last-30-days, below: 99.9%, for: 1h}
  - {when: value-at-risk, name: at-risk, above: {EUR: 1}}
  - {when: growth, name: letters, of: dead-letters, more: 1}
  - {when: silent-source, name: silent}
escalation: [{after: 0s, receivers: [log]}]
receivers: {log: {type: log}}
"""
OF_CASES = ("warned", "due", "stuck")


@pytest.fixture(scope="module")
def world(telemetry_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServices]:
    settings = TelemetrySettings(dir=telemetry_dir, database="replayed_world", durable=False)
    telemetry = Telemetry.open(settings)
    handmade_world.fill(telemetry)
    with services(telemetry, tmp_path_factory.mktemp("replayed")) as given:
        yield given
    telemetry.command("DROP DATABASE replayed_world SYNC")
    telemetry.close()


@pytest.fixture
def policies(tmp_path: Path) -> Policies:
    (tmp_path / "default.yaml").write_text(RULES)
    return policy.load([tmp_path], {})


def lived(world: ApiServices, policies: Policies, tmp_path: Path) -> Counter[str]:
    """What fires how often in an evaluator whose clock runs through the same time.

    The world's cases wait for one step each, which is all that their rows know: of a case that is
    over, the promise of the case alone was judged.
    """
    clock = FixedClock(NOW - timedelta(days=DAYS))
    control = ControlStore.open(ControlSettings(path=tmp_path / "lived.sqlite"), clock)
    control.migrate()
    alerts = AlertsService(
        control, policies, clock, briefing=lambda _: Briefing(title=""), links=lambda _: {}
    )
    cases = world.telemetry.query("SELECT * EXCEPT (generation, deleted) FROM cases FINAL")
    moments = {at for name in ("warn_at", "due_at", "current_due_at") for at in cases[name]}
    moments |= {at for name in ("completed_at", "cancelled_at") for at in cases[name]}
    for at in sorted(one for one in moments if one and clock.now() < one <= NOW):
        now = min(at + timedelta(seconds=1), NOW)
        clock.move_to(now)
        alerts.evaluate(as_of(cases, now), now, failing=failing.steps(world.telemetry).clear())
    counted = Counter(
        f"{one.about} {event.detail['severity']}"
        for one in alerts.page(limit=500).items
        for event in alerts.history(one.id)
        if event.what in ("opened", "reopened", "raised")
    )
    alerts.close()
    control.close()
    return counted


def as_of(cases: pl.DataFrame, now: datetime) -> pl.DataFrame:
    begun = cases.filter(pl.col("started_at") <= now)
    return begun.with_columns(
        pl.when(pl.col(name) <= now).then(pl.col(name)).alias(name)
        for name in ("completed_at", "cancelled_at")
    )


def test_cases_fire_as_often_as_they_did_live(world, policies, tmp_path):
    of_cases = replace(policies, rules=tuple(one for one in policies.rules if one.name in OF_CASES))
    found = replay(world, of_cases, DAYS)
    replayed: Counter[str] = Counter()
    for ruled in found.rules:
        for one in ruled.fired:
            replayed[f"{one.incident.about} {one.incident.severity}"] += 1
    assert replayed == lived(world, of_cases, tmp_path)
    assert set(replayed) == {"case warning", "case breach", "step breach"}


def test_every_rule_says_how_often_when_on_what_and_what_it_cannot_know(world, policies):
    found = replay(world, policies, DAYS)
    by_name = {one.rule.name: one for one in found.rules}
    assert set(by_name) == {*OF_CASES, "attained", "at-risk", "letters", "silent"}
    assert all("C-" in one.said for one in by_name["due"].fired)
    assert by_name["at-risk"].fired[0].said.startswith("Value at risk: EUR")
    assert by_name["attained"].fired[0].incident.deadline < NOW
    assert by_name["letters"].pages == 1
    assert len(found.unknown) >= 5


def test_a_look_back_that_ends_before_anything_happened_finds_nothing(world, policies):
    early = replace(world, clock=FixedClock(NOW - timedelta(days=300)))
    found = replay(early, policies, 5)
    assert [len(one.fired) for one in found.rules] == [0] * 7


def test_cases_that_hang_on_one_cause_fire_each_and_page_once(world, tmp_path):
    text = RULES.replace("rules:\n", "rules:\n  - {when: hop-late, cases: 1, within: 90d}\n")
    (tmp_path / "default.yaml").write_text(text)
    found = replay(world, policy.load([tmp_path], {}), DAYS)
    by_name = {one.rule.name: one for one in found.rules}
    assert by_name["hop-late"].pages >= 1
    assert by_name["due"].pages < len(by_name["due"].fired)


def test_the_shipped_rule_on_growth_is_quiet_over_a_few_dead_letters(world):
    found = replay(world, policy.load([policy.SHIPPED], {"webhook_url": None}), DAYS)
    watched = {one.rule.on: len(one.fired) for one in found.rules}
    assert watched["growth"] == 0
    assert watched["case-deadline"] > 0


@pytest.fixture
def asking(world: ApiServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policies").mkdir()
    monkeypatch.setenv("THREADLINE_DEFINITIONS_DIR", str(tmp_path))
    with served(create_api(world)) as url:
        monkeypatch.setenv("REPLAYED", url)
        yield tmp_path / "policies" / "default.yaml"


def test_check_asks_the_running_service(asking, capsys):
    asking.write_text(RULES)
    address = os.environ["REPLAYED"]
    assert main(["check", "--replay", address, "--rule", "default/due", "--since", "60d"]) == 0
    said = capsys.readouterr().out
    assert "default/due would have fired" in said
    assert "/contract?id=contract" in said
    assert "What this cannot know" in said
    assert main(["check", "--replay", address, "--rule", "default/attained", "--since", "60d"]) == 0
    said = "".join(capsys.readouterr().out.split())  # however its lines are folded
    assert "/kpi?kpi=sla-attainment&window=last-30-days&as_of=2026-" in said
    assert main(["check", "--replay", address, "--rule", "default/other"]) != 0
    assert "there is no 'default/other', but default/warned" in capsys.readouterr().err
