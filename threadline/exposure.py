"""The KPIs and case states that Prometheus is shown: those of the last 30 days, as of now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import polars as pl

from metrics.derive import Derived
from metrics.exposition import CaseCount, KpiCollector, count_cases
from metrics.kpis import evaluate
from metrics.states import with_states
from threadline.api import ApiServices
from threadline.api.kpis import received
from threadline.model.kpis import KpiValue, Window
from threadline.store.telemetry import cases, mastery

WINDOW = timedelta(days=30)


def kpi_collector(services: Callable[[], ApiServices]) -> KpiCollector:
    """For the service's registry; `services` gives the parts in force when Prometheus asks."""
    return KpiCollector(lambda: _values(services()), lambda: _counts(services()))


def _values(services: ApiServices) -> list[KpiValue]:
    now = services.clock.now()
    window = Window(start=now - WINDOW, end=now)
    since = window.before().start
    derived = Derived(
        **{
            table: cases.alive_since(services.telemetry, table, since)
            for table in ("cases", "steps", "exceptions")
        },
        mismatches=mastery.alive_since(services.telemetry, since),
    )
    silent = services.silent_systems(now)
    return evaluate(
        services.definitions,
        derived,
        window=window,
        now=now,
        silent=silent,
        received=received(services.telemetry),
    )


def _counts(services: ApiServices) -> list[CaseCount]:
    now = services.clock.now()
    silent = services.silent_systems(now)
    clocks = [cases.clocks(services.telemetry, name) for name in services.definitions.journeys]
    stated = [
        with_states(frame.with_columns(journey=pl.lit(name)), now, silent)
        for name, frame in zip(services.definitions.journeys, clocks, strict=True)
    ]
    return count_cases(pl.concat(stated)) if stated else []
