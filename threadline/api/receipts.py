"""What KPIs ask of the intake: facts by how they stand, systems by when they were heard of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from functools import cache

import polars as pl

from collector.silence import patience
from metrics.kpis import RECEIVED, SOUND, Received
from metrics.kpis.scene import UNKNOWN
from threadline.api.services import ApiServices
from threadline.model.kpis import Kpi, Window
from threadline.store.telemetry import receipts


def received(services: ApiServices) -> Received:
    """Counts from the store, for one who evaluates KPIs; asked again, the same."""

    @cache
    def counted(kpi: Kpi, windows: tuple[Window, ...]) -> pl.DataFrame:
        if kpi.measure == "source-freshness":
            return _freshness(services, windows)
        return _facts(services, kpi, windows)

    return lambda kpi, windows: counted(kpi, tuple(windows))


def _facts(services: ApiServices, kpi: Kpi, windows: Sequence[Window]) -> pl.DataFrame:
    """The counts of the store; of all facts, what is left stands as it should."""
    spans = [(one.start, one.end) for one in windows]
    if kpi.measure == "failed-mapping":
        counts = receipts.failing(services.telemetry, spans, kpi.kinds)
    elif kpi.measure == "duplicate-events":
        counts = receipts.repeated(services.telemetry, spans, kpi.within)
    else:
        counts = receipts.orphans(services.telemetry, spans)
    others = ["", "not understood", "sent again by the transport"]  # all facts, and what are none
    apart = pl.when(pl.col("standing").is_in(others[1:])).then(0).otherwise(-pl.col("weight"))
    left = pl.when(pl.col("standing") == "").then(pl.col("weight")).otherwise(apart)
    sound = counts.group_by("window", "source", "system").agg(weight=left.sum())
    sound = sound.with_columns(standing=pl.lit(SOUND[kpi.measure]))
    told = counts.filter(pl.col("standing") != "")
    return _as_received(pl.concat([told, sound], how="diagonal"))


def _freshness(services: ApiServices, windows: Sequence[Window]) -> pl.DataFrame:
    """Every system that declares a cadence, at the end of each window."""
    heard = receipts.heard(services.telemetry, [(one.start, one.end) for one in windows])
    last = {(place, system): at for place, system, at in heard.iter_rows()}
    rows = []
    for place, window in enumerate(windows):
        for system, cadence in services.mapping.cadences.items():
            at = last.get((place, system))
            age = (window.end - at.replace(tzinfo=UTC)).total_seconds() if at else None
            allowed = patience(cadence).total_seconds()
            late = age is not None and age > allowed
            standing = UNKNOWN if age is None else "silent" if late else SOUND["source-freshness"]
            rows.append((place, system, standing, 1, age, allowed))
    names = ("window", "system", "standing", "weight", "measure", "allowed")
    return _as_received(pl.DataFrame(rows, schema={n: RECEIVED[n] for n in names}, orient="row"))


def _as_received(rows: pl.DataFrame) -> pl.DataFrame:
    absent = [pl.lit(None, kind).alias(n) for n, kind in RECEIVED.items() if n not in rows.columns]
    rows = rows.with_columns(absent).with_columns(pl.col("source", "system").fill_null(""))
    return rows.select(pl.col(name).cast(kind) for name, kind in RECEIVED.items())
