"""KPIs of a window, over time, and the cases behind each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from typing import Annotated, Literal

import polars as pl
from fastapi import APIRouter, Query

from metrics.derive import Derived
from metrics.kpis import cases_behind, evaluate, moved, series
from metrics.kpis.money import COUNTED_IN
from metrics.kpis.periods import DAYS, MONTHS, Every
from threadline.api import cases, cursors, kpi_rows, lost
from threadline.api.access import requires
from threadline.api.asked import Asked, Question
from threadline.api.facts_behind import facts_page, systems_page
from threadline.api.problems import Refusal
from threadline.api.receipts import received
from threadline.api.services import ApiServices, ServicesAsOf
from threadline.errors import NotAllowed, NotFound
from threadline.model.kpis import Counted, Seen, Window
from threadline.model.people import Permission
from threadline.store.telemetry import cases as case_store
from threadline.store.telemetry.alive import NEVER
from threadline.wire import (
    CaseRow,
    KpiContribution,
    KpiFact,
    KpiPage,
    KpiSeriesPoint,
    Page,
    SystemHeard,
)

UNDIVIDED = ("sla-burn", "start-to-step", "source-freshness")  # no sum, share or plain quantile
EVERY = re.compile(r"(\d{1,4})(h|d|w)")
EVERY_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
MOST_POINTS = 400
_OF_A_JOURNEY = ("cases", "steps", "exceptions")
_EVERY = "day, week, month, quarter, year, fiscal-quarter, fiscal-year; or a length: 1d, 12h, 1w"

router = APIRouter(prefix="/kpis", tags=["kpis"], dependencies=[requires(Permission.FIGURES)])


@router.get("")
def kpis(
    services: ServicesAsOf,
    asked: Question,
    by: Annotated[
        str,
        Query(description="a dimension: region, system, criticality, journey, hop, source…"),
    ] = "",
) -> KpiPage:
    """Every KPI over the window, each opened by a dimension if asked; as of `as_of`."""
    _require_seen(services, by)
    question = ("kpis", *asked.question, by)
    return services.answer(question, lambda: _page(services, asked.again(), by))


def _page(services: ApiServices, asked: Asked, by: str) -> KpiPage:
    derived = _derived(services, asked)
    told = asked.told | {"received": received(services), "previous": asked.previous}
    ago = _year_ago(services, asked)
    if ago:
        told |= {"year_ago": ago, "long_ago": _derived(services, asked, ago)}
    values = evaluate(services.definitions, derived, **told)
    parts = evaluate(services.definitions, derived, **told, by=[by]) if by else []
    rates = services.definitions.rates
    return KpiPage(
        items=[kpi_rows.kpi(services, value, parts, by) for value in values],
        start=asked.window.start,
        end=asked.window.end,
        as_of=asked.now,
        previous=kpi_rows.span(asked.previous),
        year_ago=kpi_rows.span(ago) if ago else None,
        fiscal=services.calendar.fiscal_start != 1,
        reporting_currency=rates.into if rates else "",
        rates_from=rates.source if rates else "",
    )


@router.get("/{kpi}/series")
def kpi_series(
    services: ServicesAsOf,
    asked: Question,
    kpi: str,
    every: Annotated[str, Query(description=_EVERY)] = "1d",
) -> Page[KpiSeriesPoint]:
    """The KPI over each part of the window, oldest first; the last part may be shorter."""
    question = ("series", kpi, *asked.question, every)
    points = services.answer(question, lambda: _points(services, asked.again(), kpi, every))
    return Page(items=points)


def _points(services: ApiServices, asked: Asked, kpi: str, every: str) -> list[KpiSeriesPoint]:
    parts = _parts(asked, every)
    derived = _derived(services, asked)
    told = asked.told | {"received": received(services)}
    del told["window"]
    values = series(services.definitions, derived, kpi=kpi, parts=parts, **told)
    return [kpi_rows.point(value) for value in values]


@router.get("/{kpi}/contribution")
def kpi_contribution(
    services: ServicesAsOf,
    asked: Question,
    kpi: str,
    by: Annotated[str, Query(description="a dimension: region, system, step, journey…")],
    against: Literal["previous", "year-ago"] = "previous",
) -> Page[KpiContribution]:
    """What moved the KPI since an earlier window: the change by a dimension, one per currency."""
    _require_seen(services, by)
    known = services.definitions.kpis.get(kpi)
    if known and known.measure in UNDIVIDED:
        raise Refusal(422, f"{kpi}: the change of a {known.measure} is not divided")
    seen, long_ago = asked.previous, None
    if against == "year-ago":
        ago = _year_ago(services, asked)
        if ago is None:
            raise Refusal(422, "against: history does not go back to a year ago")
        seen, long_ago = ago, _derived(services, asked, ago)
    told = asked.told | {"received": received(services), "earlier": seen}
    derived = _derived(services, asked)
    found = moved(services.definitions, derived, kpi=kpi, by=by, long_ago=long_ago, **told)
    return Page(items=[kpi_rows.contribution(services, one) for one in found])


@router.get("/{kpi}/cases")
def kpi_cases(
    services: ServicesAsOf,
    asked: Question,
    kpi: str,
    by: str = "",
    label: str = "",
    currency: str = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: str | None = None,
) -> Page[CaseRow]:
    """Exactly the cases the value was computed from; those that make it worse come first.

    For one part of it, `by` and `label` repeat the part's dimension and label; for money,
    `currency` repeats its unit.
    """
    _require_seen(services, by)
    _require(services, kpi, "cases")
    start = int(cursors.decode(cursor, int)[0]) if cursor else 0
    where = ({by: label} if by else {}) | ({COUNTED_IN: currency} if currency else {})

    def page() -> Page[CaseRow]:
        rows = _behind(services, asked.again(), kpi, where).slice(start, limit + 1)
        following = cursors.encode(start + limit) if rows.height > limit else None
        shown = [cases.row(services, row) for row in rows.head(limit).iter_rows(named=True)]
        return Page(items=lost.located(services, shown), next=following)

    question = ("cases", kpi, *asked.question, by, label, currency, start, limit)
    return services.answer((*question, services.asker.roles), page)  # roles see different values


def _behind(
    services: ApiServices, asked: Asked, kpi: str, where: Mapping[str, str]
) -> pl.DataFrame:
    """The cases behind a KPI, those that make it worse first."""
    derived = _derived(services, asked)
    behind = cases_behind(services.definitions, derived, kpi=kpi, where=where, **asked.told)
    worst_is_most = services.definitions.kpis[kpi].direction == "lower"
    unique = ["case_id", *(name for name in ("journey", "step") if name in behind.columns)]
    return behind.sort("contributes", *unique, descending=[worst_is_most] + [False] * len(unique))


@router.get("/{kpi}/facts")
def kpi_facts(
    services: ServicesAsOf,
    asked: Question,
    kpi: str,
    by: Annotated[str, Query(pattern="^(source|system)?$")] = "",
    label: str = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: str | None = None,
) -> Page[KpiFact]:
    """Exactly the facts that a KPI of facts counts against its target, the last received first.

    For one part of it, `by` and `label` repeat the part's dimension and label.
    """
    _require(services, kpi, "facts")
    span = (asked.window.start, min(asked.window.end, asked.now))
    part = {by: label} if by else {}
    return facts_page(services, services.definitions.kpis[kpi], span, part, limit, cursor)


@router.get("/{kpi}/systems")
def kpi_systems(services: ServicesAsOf, asked: Question, kpi: str) -> Page[SystemHeard]:
    """Every system that declares a cadence: when it was last heard of, the most overdue first."""
    _require(services, kpi, "systems")
    return systems_page(services, services.definitions.kpis[kpi], asked.window.start, asked.now)


def _require(services: ApiServices, kpi: str, behind: str) -> None:
    """Refuse to open a KPI to what it is not computed from."""
    of = "cases" if _counts(services, kpi) == "steps" else _counts(services, kpi)
    if of != behind:
        raise Refusal(404, f"{kpi}: is computed from {of}; ask for {kpi}/{of}")


def _counts(services: ApiServices, kpi: str) -> Counted:
    found = services.definitions.kpis.get(kpi)
    if found is None:
        raise NotFound("KPI", kpi)
    return found.counts


def _require_seen(services: ApiServices, dimension: str) -> None:
    """What is hidden from the asker's roles cannot be told apart by it either."""
    if dimension and services.redaction.hides(dimension):
        raise NotAllowed(f"by: {dimension!r} is hidden from the roles held")


def _year_ago(services: ApiServices, asked: Asked) -> Seen | None:
    """The window a year ago, where history goes back so far."""
    first = case_store.first_started(services.telemetry)
    long_enough = first is not None and first <= asked.period.year_ago.start
    return asked.period.seen(asked.period.year_ago, asked.now) if long_enough else None


def _derived(services: ApiServices, asked: Asked, seen: Seen | None = None) -> Derived:
    """What the window needs, and the window before it, which every value is compared with.

    `seen`: what that earlier window needs instead.
    """
    since = seen.window.start if seen else asked.period.previous.start
    until = seen.now if seen else NEVER
    several = any(
        kpi.measure == "revenue-leakage" and asked.journey in kpi.journeys
        for kpi in services.definitions.kpis.values()
    )
    journey = "" if several else asked.journey  # what one leaks, the other tells
    found = services.figures(since, until)._asdict()
    if journey:
        found |= {name: found[name].filter(journey=journey) for name in _OF_A_JOURNEY}
    return Derived(**found)


def _parts(asked: Asked, every: str) -> list[Window]:
    found = EVERY.fullmatch(every)
    length: Every = every
    if every not in (*DAYS, *MONTHS):
        if not found or int(found[1]) == 0:
            raise Refusal(422, f"every: is a length such as 12h, 1d or 1w, or {_EVERY}")
        length = int(found[1]) * EVERY_UNITS[found[2]]
    parts = list(islice(asked.calendar.parts(asked.window, length, asked.now), MOST_POINTS + 1))
    if len(parts) > MOST_POINTS:
        raise Refusal(422, f"every: gives more than {MOST_POINTS} points; take a longer one")
    return parts
