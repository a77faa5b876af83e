"""What rules on figures, silence and growth are judged by, over a handmade world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import handmade_world
import pytest
from handmade_rows import NOW
from handmade_services import services

from alerts.policy import Policies, load
from threadline import readings
from threadline.api import ApiServices
from threadline.clock import FixedClock
from threadline.model.readings import Reading
from threadline.readings import Readings
from threadline.settings import TelemetrySettings
from threadline.store.telemetry import Telemetry

POLICY = """
policy: default
rules:
  - {when: kpi, name: attained, kpi: sla-attainment, window: last-30-days, below: 95%}
  - {when: kpi, name: by-region, kpi: sla-attainment, window: last-30-days, by: region, below: 95%}
  - {when: kpi, name: emea, kpi: sla-attainment, window: last-30-days, where: {region: emea},
     below: 95%}
  - {when: value-at-risk, name: at-risk, above: {EUR: 1000000, USD: 5}}
  - {when: silent-source}
  - {when: growth, name: letters, of: dead-letters, by: system, within: 1d}
  - {when: growth, name: orphans, of: orphans, within: 1d}
  - {when: growth, name: conflicts, of: conflicts, within: 90d}
  - {when: growth, name: mismatches, of: mismatches, within: 90d}
escalation: [{after: 0s, receivers: [log]}]
receivers: {log: {type: log}}
"""
CONFLICT_OF_A_KNOWN_FACT = """
INSERT INTO links SELECT * REPLACE((SELECT max(fact_id) FROM facts) AS fact_id) FROM links FINAL
WHERE state != 'held'
"""


@pytest.fixture(scope="module")
def world(telemetry_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServices]:
    settings = TelemetrySettings(dir=telemetry_dir, database="readings_world", durable=False)
    telemetry = Telemetry.open(settings)
    handmade_world.fill(telemetry)
    telemetry.command(CONFLICT_OF_A_KNOWN_FACT)
    with services(telemetry, tmp_path_factory.mktemp("readings")) as given:
        yield given
    telemetry.command("DROP DATABASE readings_world SYNC")
    telemetry.close()


@pytest.fixture
def policies(tmp_path: Path) -> Policies:
    (tmp_path / "default.yaml").write_text(POLICY)
    return load([tmp_path], {})


class Looking:
    """Readings over a world whose clock is moved by hand."""

    def __init__(self, world: ApiServices, policies: Policies) -> None:
        self.clock = FixedClock(NOW)
        self.world = replace(world, clock=self.clock)
        self.heard: dict[str, datetime] = {"erp": NOW, "billing": NOW - timedelta(days=20)}
        self.readings = Readings(
            lambda: self.world, lambda: policies, lambda: self.heard, self.clock
        )

    def look(self) -> dict[tuple[str, str], Reading]:
        """By rule and part."""
        self.readings.refresh()
        taken = self.readings.take(self.clock.now())
        return {(one.rule.removeprefix("default/"), one.part): one for one in taken}

    def wait(self, seconds: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(seconds=seconds))


@pytest.fixture
def looking(world: ApiServices, policies: Policies) -> Looking:
    return Looking(world, policies)


def test_a_kpi_is_read_as_its_page_shows_it_whole_by_part_and_of_one_part(looking):
    seen = looking.look()
    whole = seen["attained", ""]
    assert (whole.title, whole.unit, whole.criticality) == ("SLA attainment", "ratio", "revenue")
    parts = {part: one for (rule, part), one in seen.items() if rule == "by-region"}
    assert set(parts) == {f"region={name}" for name in ("amer", "apac", "emea")}
    assert sum(one.n for one in parts.values()) == whole.n
    (emea,) = [one for (rule, _), one in seen.items() if rule == "emea"]
    assert (emea.value, emea.n) == (parts["region=emea"].value, parts["region=emea"].n)


def test_value_at_risk_is_by_currency_and_nothing_where_there_is_none(looking):
    seen = looking.look()
    at_risk = seen["at-risk", "EUR"]
    assert at_risk.value is not None
    assert at_risk.value > 0
    assert at_risk.worth == {"EUR": str(at_risk.value)}
    assert at_risk.cases == at_risk.n > at_risk.breached > 0
    assert (seen["at-risk", "USD"].value, seen["at-risk", "USD"].n) == (Decimal(0), 0)


def test_a_silent_system_carries_the_open_cases_that_wait_for_it(looking):
    looking.heard = {"psa": NOW - timedelta(days=7), "erp": NOW}
    seen = looking.look()
    assert seen["", "erp"].value < 0
    assert (seen["", "erp"].cases, seen["", "erp"].hanging) == (0, None)
    psa = seen["", "psa"]
    assert psa.value > 0
    assert {one.case_id for one in psa.hanging} >= {
        f"contract:clm:C-10024{number}" for number in range(3)
    }
    assert (psa.cases, psa.criticality) == (len(psa.hanging), "revenue")
    assert psa.breached >= 1
    assert set(psa.worth) == {"EUR"}
    assert seen["", "crm"].value is None, "it was never heard of"


def test_what_has_grown_is_told_by_when_it_came(looking):
    seen = looking.look()
    assert sum(count for _, count in seen["orphans", ""].arrivals) == 1
    letters = {part: one.arrivals for (rule, part), one in seen.items() if rule == "letters"}
    assert set(letters) >= {"crm", "erp"}, "of what nothing came there is a reading too"
    assert any(letters.values())
    assert all(at <= NOW for one in letters.values() for at, _ in one)
    assert seen["conflicts", ""].arrivals
    assert ("mismatches", "") in seen


def test_figures_are_read_once_a_minute_and_silence_at_every_look(looking):
    assert ("attained", "") in looking.look()
    looking.wait(5)
    assert {rule for rule, _ in looking.look()} == {""}
    looking.wait(55)
    assert ("attained", "") in looking.look()


def test_nothing_is_read_while_nobody_asks_and_what_is_old_is_not_given(looking):
    looking.readings.refresh()
    looking.wait(600)
    looking.readings.refresh()
    assert looking.readings.take(looking.clock.now()) == []
    assert looking.look(), "asked again, it is read again"


@pytest.mark.parametrize("why", ["rebuilding", "alerting_waits"])
def test_nothing_is_read_while_cases_are_known_by_half(looking, why):
    looking.world = replace(looking.world, **{why: lambda: "an index is rebuilt"})
    assert looking.look() == {}


def test_without_such_rules_nothing_is_read(looking, monkeypatch, tmp_path):
    bare = "rules: [{when: case-deadline}]\nescalation: [{after: 0s, receivers: [log]}]\n"
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "p.yaml").write_text(
        f"policy: p\n{bare}receivers: {{log: {{type: log}}}}\n"
    )
    rules = load([tmp_path / "bare"], {})
    monkeypatch.setattr(readings.looks.growth, "known", lambda _: pytest.fail("it asks the store"))
    looking.world = replace(looking.world, telemetry=None)
    looking.readings = Readings(lambda: looking.world, lambda: rules, dict, looking.clock)
    assert looking.look() == {}
