"""KPIs and case states for Prometheus.

The labels are bounded: names of KPIs and journeys, states, and currencies, of which no more than
`MOST_CURRENCIES` are told apart.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

import polars as pl
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from threadline.errors import TelemetryUnavailable
from threadline.model.kpis import KpiState, KpiValue

logger = logging.getLogger(__name__)

MOST_CURRENCIES = 30
LABELS = ("kpi", "unit")


@dataclass(frozen=True, kw_only=True)
class CaseCount:
    """How many cases of a journey are in a state, and stand so to their promise."""

    journey: str
    state: str
    sla: str
    cases: int


def count_cases(stated: pl.DataFrame) -> list[CaseCount]:
    """How many cases stand how; `stated` has journey, state and sla."""
    keys = ["journey", "state", "sla"]
    counted = stated.group_by(keys).agg(cases=pl.len()).sort(keys)
    return [CaseCount(**row) for row in counted.iter_rows(named=True)]


class KpiCollector(Collector):
    """Asks for values when Prometheus does; register it once with the service's registry.

    `values` gives the undivided values of all KPIs over the window the service publishes; `counts`
    the cases by journey and state. When the telemetry store does not answer, `threadline_kpis_up`
    is 0 and the other series are missing, so that no stale figure passes for a fresh one.
    """

    def __init__(
        self,
        values: Callable[[], Sequence[KpiValue]],
        counts: Callable[[], Iterable[CaseCount]],
    ) -> None:
        self._values, self._counts = values, counts

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry would otherwise evaluate every KPI on registration."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every family, with whatever could be had."""
        up = GaugeMetricFamily("threadline_kpis_up", "1 if KPIs could be evaluated for this scrape")
        try:
            families = [*_kpis(self._values()), _cases(self._counts())]
            up.add_metric([], 1)
        except TelemetryUnavailable as error:
            logger.warning("KPIs are not exposed: %s", error)
            families = []
            up.add_metric([], 0)
        yield from (up, *families)


def _kpis(values: Sequence[KpiValue]) -> Iterator[Metric]:
    told = _bounded(values)
    yield _family("value", "Value of the KPI in its unit", told, lambda value: value.value)
    yield _family("target", "Target of the KPI in its unit", told, lambda value: value.target)
    yield _family("samples", "Cases the value was computed from", told, lambda value: value.n)
    yield _family(
        "coverage_ratio", "Share of cases that could be judged", told, lambda value: value.coverage
    )
    yield _stated(told)
    states = GaugeMetricFamily(
        "threadline_kpi_state", "1 for the state the KPI is in", labels=(*LABELS, "state")
    )
    for value in told:
        for state in get_args(KpiState):
            states.add_metric([value.kpi, value.unit, state], float(value.state == state))
    yield states


def _family(
    name: str,
    text: str,
    values: Sequence[KpiValue],
    number: Callable[[KpiValue], object],
) -> Metric:
    family = GaugeMetricFamily(f"threadline_kpi_{name}", text, labels=LABELS)
    for value in values:
        found = number(value)
        if found is not None:
            family.add_metric([value.kpi, value.unit], float(str(found)))
    return family


def _stated(values: Sequence[KpiValue]) -> Metric:
    """What sums of money were made of, before anything was converted."""
    family = GaugeMetricFamily(
        "threadline_kpi_stated",
        "Money in the KPI as it was stated, by the currency it was stated in",
        labels=("kpi", "currency"),
    )
    told: Counter[tuple[str, str]] = Counter()
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for value in values:
        for part in value.money:  # of one currency some may have had a rate, and some not
            told[value.kpi, part.currency] += part.n
            sums[value.kpi, part.currency] += part.amount
    for kpi in sorted({kpi for kpi, _ in told}):
        frequent = [key for key, _ in told.most_common() if key[0] == kpi]
        for key in sorted(frequent[:MOST_CURRENCIES]):
            family.add_metric(key, float(sums[key]))
    return family


def _bounded(values: Sequence[KpiValue]) -> list[KpiValue]:
    """The undivided values; currencies are whatever systems state, so only the most frequent."""
    frequent = sorted(values, key=lambda value: (-value.n, value.unit))
    seen: Counter[str] = Counter()
    kept = []
    for value in frequent:
        seen[value.kpi] += not value.dimensions
        if not value.dimensions and seen[value.kpi] <= MOST_CURRENCIES:
            kept.append(value)
    return sorted(kept, key=lambda value: (value.kpi, value.unit))


def _cases(counts: Iterable[CaseCount]) -> Metric:
    family = GaugeMetricFamily(
        "threadline_cases", "Cases by state", labels=("journey", "state", "sla")
    )
    for count in counts:
        family.add_metric([count.journey, count.state, count.sla], count.cases)
    return family
