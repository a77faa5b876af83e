"""What Prometheus is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from metrics_worlds import BASE, SUCCESSES, World, frames
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from metrics.derive import derive
from metrics.exposition import KpiCollector, count_cases
from metrics.exposition.kpis import MOST_CURRENCIES
from metrics.kpis import evaluate
from metrics.states import with_states
from threadline.errors import TelemetryUnavailable
from threadline.model.kpis import Window

NOW = BASE + timedelta(hours=30)


def scrape(collector: KpiCollector) -> dict[tuple, float]:
    registry = CollectorRegistry()
    registry.register(collector)
    text = generate_latest(registry).decode()
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def collector(shipped):
    worlds = [World(number) for number in range(1, 9)]
    for world in worlds:
        terms = {"contract__value": "100.50", "contract__tier": "expedited"}
        world.fact(SUCCESSES[0], 0, contract__currency=f"X{world.number:02}", **terms)
        world.fact(SUCCESSES[1], 1)
        if world.number > 1:
            world.fact(SUCCESSES[2], 3)
    derived = derive(*frames(*worlds), shipped)
    window = Window(start=BASE - timedelta(days=1), end=BASE + timedelta(days=9))

    def values(by=()):
        return evaluate(shipped, derived, window=window, now=NOW, by=by)

    stated = with_states(derived.cases, NOW)
    return KpiCollector(lambda: [*values(), *values(["region"])], lambda: count_cases(stated))


def test_values_targets_and_states_are_told_undivided(collector):
    told = scrape(collector)
    assert told["threadline_kpis_up",] == 1
    assert told["threadline_kpi_value", "project-setup-time", "seconds"] == 3 * 3600
    assert told["threadline_kpi_target", "project-setup-time", "seconds"] == 24 * 3600
    assert told["threadline_kpi_samples", "project-setup-time", "seconds"] == 7
    assert told["threadline_kpi_state", "ok", "project-setup-time", "seconds"] == 1
    assert told["threadline_kpi_state", "breached", "project-setup-time", "seconds"] == 0
    assert told["threadline_kpi_value", "ratio", "sla-attainment"] == 0
    assert told["threadline_kpi_value", "X03", "value-at-risk"] == 100.5
    assert told["threadline_kpi_stated", "X03", "value-at-risk"] == 100.5
    assert told["threadline_cases", "breached", "contract-activation", "open"] == 8
    assert ("threadline_kpi_value", "activation-cycle-time", "seconds") not in told


def test_currencies_are_bounded(collector):
    values = collector._values()
    risk = next(value for value in values if value.kpi == "value-at-risk")
    many = [type(risk)(**{**vars(risk), "unit": f"U{n}", "n": n}) for n in range(100)]
    told = scrape(KpiCollector(lambda: many, list))
    assert sum(name[0] == "threadline_kpi_value" for name in told) == MOST_CURRENCIES
    assert ("threadline_kpi_value", "U99", "value-at-risk") in told


def test_a_currency_that_has_a_rate_for_some_is_told_once(collector):
    risk = next(value for value in collector._values() if value.kpi == "value-at-risk")
    both = [replace(risk, unit="EUR"), risk]
    told = scrape(KpiCollector(lambda: both, list))
    assert told["threadline_kpi_stated", risk.unit, "value-at-risk"] == 201


def test_a_store_that_is_away_is_said_and_nothing_stale_is_shown():
    def away():
        raise TelemetryUnavailable("it is being rebuilt")

    assert scrape(KpiCollector(away, list)) == {("threadline_kpis_up",): 0}
