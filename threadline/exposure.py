"""What Prometheus is shown: KPIs, cases and hops of the last 30 days, sources, the derivation."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

import polars as pl
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from metrics.derive import Derived
from metrics.exposition import (
    CaseCount,
    KpiCollector,
    count_cases,
    heard,
    hop_times,
    told_by_sources,
)
from metrics.exposition.hops import EDGES
from metrics.kpis import evaluate
from metrics.states import with_states
from threadline.api import ApiServices
from threadline.api.receipts import received
from threadline.api.sources import ORPHANS_OVER
from threadline.clock import Clock
from threadline.errors import TelemetryUnavailable
from threadline.model.kpis import KpiValue, Window
from threadline.store.telemetry import cases, hops, identity, sources

logger = logging.getLogger(__name__)

WINDOW = timedelta(days=30)
HOP_WINDOWS = {"1d": timedelta(days=1), "30d": WINDOW}
LATENESS_OVER = timedelta(days=1)
REFRESH_SECONDS = 15  # as often as Prometheus usually asks
STALE_SECONDS = 60.0


class Exposed(Collector):
    """What takes a look through the store, computed beside the scrapes.

    A scrape gets what was computed last, and `refresh` computes anew if anybody has asked since;
    only what is older than `STALE_SECONDS` is waited for. How far the derivation is, is told as of
    the scrape.
    """

    def __init__(self, services: Callable[[], ApiServices], clock: Clock) -> None:
        self._services, self._clock = services, clock
        self._kpis = KpiCollector(lambda: _values(services()), lambda: _counts(services()))
        self._told: Sequence[Metric] = ()
        self._computed = float("-inf")
        self._asked = False
        self._computing = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry would otherwise compute everything on registration."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        self._asked = True
        with self._computing:
            if self._clock.monotonic() - self._computed > STALE_SECONDS:
                self._compute()
            told = self._told
        yield from _progress(self._services())
        yield from told

    def refresh(self) -> None:
        """Compute anew if Prometheus has asked since it was computed last."""
        if self._asked:
            self._asked = False
            self._compute()

    def _compute(self) -> None:
        told = [*self._kpis.collect(), *_from_store(self._services())]
        self._told, self._computed = told, self._clock.monotonic()


def _progress(services: ApiServices) -> Iterator[Metric]:
    status = services.status()
    lag, behind = status.lag.total_seconds(), float(status.entries_behind)
    yield GaugeMetricFamily(
        "threadline_derivation_lag_seconds", "Age of the oldest input not derived yet", lag
    )
    yield GaugeMetricFamily(
        "threadline_derivation_entries_behind", "Inputs that are not derived yet", behind
    )
    yield GaugeMetricFamily(
        "threadline_derivation_rebuilding",
        "1 while the index is derived anew: KPIs and cases are not complete, hops are not told",
        float(bool(services.rebuilding())),
    )


def _from_store(services: ApiServices) -> list[Metric]:
    """Hops and sources; only that they are missing, when the store does not answer."""
    up = GaugeMetricFamily("threadline_sources_up", "1 if sources and hops could be read")
    now, store = services.clock.now(), services.telemetry
    try:
        told = [*_sources(services)]
        if not services.rebuilding():
            ended = {
                name: hops.ended(store, now - length, now, EDGES)
                for name, length in HOP_WINDOWS.items()
            }
            told.append(hop_times(ended, services.definitions))
    except TelemetryUnavailable as error:
        logger.warning("hops and sources are not exposed: %s", error)
        up.add_metric([], 0)
        return [up]
    up.add_metric([], 1)
    return [up, *told]


def _sources(services: ApiServices) -> Iterator[Metric]:
    now, store = services.clock.now(), services.telemetry
    orphans = identity.orphans(store, now - ORPHANS_OVER, now)
    told = sources.gauges(store, now - LATENESS_OVER).join(orphans, on="source", how="left")
    yield from told_by_sources(told.with_columns(pl.col("orphans").fill_null(0)))
    last = dict(sources.systems(store).select("system", "last_received_at").iter_rows())
    yield from heard(last, services.mapping.cadences, services.silent_systems(now))


def _values(services: ApiServices) -> list[KpiValue]:
    now = services.clock.now()
    window = Window(start=now - WINDOW, end=now)
    since = window.before().start
    derived = Derived(**services.figures(since)._asdict())
    silent = services.silent_systems(now)
    return evaluate(
        services.definitions,
        derived,
        window=window,
        now=now,
        silent=silent,
        received=received(services),
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
