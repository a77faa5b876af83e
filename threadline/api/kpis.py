"""KPIs of a window, over time, and the cases behind each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Literal

import polars as pl
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from metrics.derive import Derived
from metrics.kpis import FirmCalendar, Period, cases_behind, evaluate, moved, series
from metrics.kpis.money import COUNTED_IN
from metrics.kpis.periods import DAYS, MONTHS, Every
from threadline.api import cases, cursors, lost
from threadline.api.access import requires
from threadline.api.facts_behind import facts_page, systems_page
from threadline.api.labels import title
from threadline.api.problems import Refusal
from threadline.api.receipts import received
from threadline.api.services import ApiServices, ServicesAsOf
from threadline.errors import NotAllowed, NotFound
from threadline.model.kpis import Contribution, Counted, KpiValue, MoneyPart, Seen, Window
from threadline.model.people import Permission
from threadline.store.telemetry import cases as case_store
from threadline.store.telemetry.alive import NEVER
from threadline.wire import (
    CaseRow,
    Kpi,
    KpiContribution,
    KpiFact,
    KpiMoney,
    KpiPage,
    KpiPart,
    KpiPercentile,
    KpiRate,
    KpiSeriesPoint,
    KpiSpan,
    Page,
    SystemHeard,
)

UNDIVIDED = ("sla-burn", "start-to-step", "source-freshness")  # no sum, share or plain quantile
DEFAULT_WINDOW = timedelta(days=30)
EVERY = re.compile(r"(\d{1,4})(h|d|w)")
EVERY_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
MOST_POINTS = 400
_OF_A_JOURNEY = ("cases", "steps", "exceptions")
_EVERY = "day, week, month, quarter, year, fiscal-quarter, fiscal-year; or a length: 1d, 12h, 1w"

router = APIRouter(prefix="/kpis", tags=["kpis"], dependencies=[requires(Permission.FIGURES)])


_WINDOW = (
    "a window by name: this- or last- day, week, month, quarter, year, fiscal-quarter or"
    " fiscal-year, last-30-days, all-time; around `to`, by default now"
)


class Asked:
    """The window, journey and instant that a question about KPIs names."""

    def __init__(
        self,
        services: ServicesAsOf,
        since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        to: AwareDatetime | None = None,
        name: Annotated[str, Query(alias="window", description=_WINDOW)] = "",
        journey: str = "",
    ) -> None:
        self.question = (since, to, name, journey)
        self.services = services
        self.now = services.clock.now()
        if journey and journey not in services.definitions.journeys:
            raise NotFound("journey", journey)
        self.journey = journey
        self.calendar = services.calendar
        self.period = _period(self.calendar, name, since, (to or self.now).astimezone(UTC))
        self.window = self.period.window
        self.previous = self.period.seen(self.period.previous, self.now)
        self.told: dict[str, Any] = {
            "window": self.window,
            "now": self.now,
            "journey": journey or None,
            "silent": services.silent_systems(self.now),
        }

    def again(self) -> Asked:
        """The same asked now."""
        since, to, name, journey = self.question
        return Asked(self.services, since, to, name, journey)


def _period(calendar: FirmCalendar, name: str, since: datetime | None, end: datetime) -> Period:
    if name:
        if since:
            raise Refusal(422, "window: names a window, and from: begins one; say one of both")
        try:
            return calendar.named(name, end)
        except (ValueError, OverflowError) as error:
            raise Refusal(422, f"window: {error}") from error
    start = (since or end - DEFAULT_WINDOW).astimezone(UTC)
    if start >= end:
        raise Refusal(422, f"from: {start.isoformat()} is not before to: {end.isoformat()}")
    return calendar.between(Window(start=start, end=end))


Question = Annotated[Asked, Depends()]


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
        items=[_kpi(services, value, parts, by) for value in values],
        start=asked.window.start,
        end=asked.window.end,
        as_of=asked.now,
        previous=_span(asked.previous),
        year_ago=_span(ago) if ago else None,
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
    return [_point(value) for value in values]


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
    return Page(items=[_contribution(services, one) for one in found])


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


def _span(seen: Seen) -> KpiSpan:
    return KpiSpan(start=seen.window.start, end=seen.window.end, as_of=seen.now)


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


def _same(part: KpiValue, value: KpiValue) -> bool:
    return (part.kpi, part.unit) == (value.kpi, value.unit)


def _kpi(services: ApiServices, value: KpiValue, parts: Sequence[KpiValue], by: str) -> Kpi:
    bounded = value.low is not None and value.high is not None
    return Kpi(
        kpi=value.kpi,
        title=value.title,
        description=services.definitions.kpis[value.kpi].description,
        value=_number(value.value),
        unit=value.unit,
        business=value.business,
        of=services.definitions.kpis[value.kpi].counts,
        group=services.definitions.kpis[value.kpi].group,
        n=value.n,
        target=_number(value.target),
        direction=value.direction,
        state=value.state,
        coverage=value.coverage,
        previous=_number(value.previous.value) if value.previous else None,
        previous_n=value.previous.n if value.previous else None,
        year_ago=_number(value.year_ago.value) if value.year_ago else None,
        year_ago_n=value.year_ago.n if value.year_ago else None,
        interval=(float(value.low or 0), float(value.high or 0)) if bounded else None,
        percentiles=[KpiPercentile(**asdict(one)) for one in value.percentiles],
        beside=dict(value.beside),
        counts=dict(value.counts),
        money=[_money(one) for one in value.money],
        why=value.note,
        by=[_part(services, part, by) for part in parts if _same(part, value)],
    )


def _contribution(services: ApiServices, one: Contribution) -> KpiContribution:
    parts = [
        asdict(part) | {"title": title(services.definitions, one.by, part.label)}
        for part in one.parts
    ]
    return KpiContribution.model_validate(asdict(one) | {"parts": parts})


def _money(part: MoneyPart) -> KpiMoney:
    rates = [
        KpiRate(since=rate.on, one=rate.one, other=rate.other, rate=rate.rate)
        for rate in part.rates
    ]
    return KpiMoney(
        currency=part.currency, amount=part.amount, value=part.value, n=part.n, rates=rates
    )


def _part(services: ApiServices, value: KpiValue, by: str) -> KpiPart:
    label = value.dimensions.get(by, "")
    return KpiPart(
        dimension=by,
        label=label,
        title=title(services.definitions, by, label),
        value=_number(value.value),
        unit=value.unit,
        n=value.n,
        state=value.state,
        coverage=value.coverage,
    )


def _point(value: KpiValue) -> KpiSeriesPoint:
    return KpiSeriesPoint(
        start=value.window.start,
        end=value.window.end,
        value=_number(value.value),
        unit=value.unit,
        n=value.n,
        target=_number(value.target),
        state=value.state,
        coverage=value.coverage,
    )


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
