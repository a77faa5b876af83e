"""KPIs, their parts and points as the API tells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from threadline.api.labels import title
from threadline.api.services import ApiServices
from threadline.model.kpis import Contribution, KpiValue, MoneyPart, Seen
from threadline.wire import (
    Kpi,
    KpiContribution,
    KpiMoney,
    KpiPart,
    KpiPercentile,
    KpiRate,
    KpiSeriesPoint,
    KpiSpan,
)


def kpi(services: ApiServices, value: KpiValue, parts: Sequence[KpiValue], by: str) -> Kpi:
    """One KPI, with those of `parts` that divide it `by` a dimension."""
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


def contribution(services: ApiServices, one: Contribution) -> KpiContribution:
    """What moved a KPI, its parts with their titles."""
    parts = [
        asdict(part) | {"title": title(services.definitions, one.by, part.label)}
        for part in one.parts
    ]
    return KpiContribution.model_validate(asdict(one) | {"parts": parts})


def point(value: KpiValue) -> KpiSeriesPoint:
    """A KPI over a part of a window."""
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


def span(seen: Seen) -> KpiSpan:
    """A window, and as of when it was seen."""
    return KpiSpan(start=seen.window.start, end=seen.window.end, as_of=seen.now)


def _same(part: KpiValue, value: KpiValue) -> bool:
    return (part.kpi, part.unit) == (value.kpi, value.unit)


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


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
