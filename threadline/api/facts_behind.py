"""The facts and systems that a KPI of the intake opens to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from threadline.api import cursors
from threadline.api.identity import orphans_page
from threadline.api.receipts import received
from threadline.api.services import ApiServices
from threadline.model.kpis import Kpi, Window
from threadline.store.telemetry import receipts
from threadline.wire import KpiFact, Page, SystemHeard


def facts_page(
    services: ApiServices,
    kpi: Kpi,
    span: tuple[datetime, datetime],
    part: Mapping[str, str],
    limit: int,
    cursor: str | None,
) -> Page[KpiFact]:
    """The facts received in `span` that count against the KPI, of one `part` of it if given."""
    if kpi.measure == "orphan-share":
        return _orphans(services, span, part, limit, cursor)
    if kpi.measure == "failed-mapping":
        found = receipts.facts_failing(services.telemetry, span, kpi.kinds)
    else:
        found = receipts.facts_repeated(services.telemetry, span, kpi.within)
    for name, value in part.items():
        found = found.filter(pl.col(name) == value)
    start = int(cursors.decode(cursor, int)[0]) if cursor else 0
    following = cursors.encode(start + limit) if found.height > start + limit else None
    shown = found.slice(start, limit)
    return Page(items=[KpiFact(**row) for row in shown.iter_rows(named=True)], next=following)


def systems_page(
    services: ApiServices, kpi: Kpi, start: datetime, now: datetime
) -> Page[SystemHeard]:
    """Every system with a cadence as of `now`, the furthest beyond it first."""
    counts = received(services)(kpi, [Window(start=start, end=now)])
    share = pl.col("measure") / pl.col("allowed")
    ordered = counts.sort(share, "system", descending=[True, False], nulls_last=True)
    return Page(
        items=[
            SystemHeard(
                system=row["system"],
                cadence=services.mapping.cadences[row["system"]],
                last_received_at=_ago(now, row["measure"]),
                silent_seconds=row["measure"],
                allowed_seconds=row["allowed"],
                standing=row["standing"],
            )
            for row in ordered.iter_rows(named=True)
        ]
    )


def _ago(now: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else now - timedelta(seconds=seconds)


def _orphans(
    services: ApiServices,
    span: tuple[datetime, datetime],
    part: Mapping[str, str],
    limit: int,
    cursor: str | None,
) -> Page[KpiFact]:
    source = part.get("source", "")
    page = orphans_page(services, span, source=source, limit=limit, cursor=cursor)
    return Page(
        items=[KpiFact(**one.model_dump(exclude={"at"})) for one in page.items], next=page.next
    )
