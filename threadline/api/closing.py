"""Taking a monthly close: from the view of an instant, into the control store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from metrics.definitions import Definitions
from metrics.derive import Derived
from metrics.kpis import Closed, closed, packed
from threadline.api.receipts import received
from threadline.api.services import ApiServices
from threadline.model.closes import Close, ClosedFigure, ClosedKpi
from threadline.model.kpis import KpiValue, Window
from threadline.store.control.closes import AlreadyClosed
from threadline.store.telemetry.alive import alive_since

MOST_ROWS = 500_000  # of one KPI; more are not kept, so that a close stays some megabytes


def take(
    services: ApiServices, period: str, at: datetime, *, who: str, note: str, again: bool
) -> Close:
    """Close the month `period` from what was known at `at`.

    Raises `ValueError` for what is no month, or one that had not ended; `AlreadyClosed`; and what
    `ApiServices.as_of` raises.
    """
    window = services.calendar.month(period)
    if window.end > at:
        ends, by = (f"{instant:%Y-%m-%d %H:%M} UTC" for instant in (window.end, at))
        raise ValueError(f"{period} ends on {ends}, so it was not over on {by}")
    _require_open(services, period, again=again)
    then = services.as_of(at)
    close = Close(
        period=period,
        window=window,
        zone=services.calendar.clock,
        at=at,
        who=who,
        note=note,
        silent=tuple(sorted(then.silent_systems(at))),
        silent_before=tuple(sorted(then.silent_systems(window.end))),
        taken_at=services.clock.now(),
    )
    found = figures(then, known(then, window, at), window, at, then.silent_systems)
    kpis = [frozen(then.definitions, one) for one in found]
    return services.closes.take(close, kpis, again=again)


def known(services: ApiServices, window: Window, at: datetime) -> Derived:
    """The cases that may count in `window`, of those that had started by `at`.

    From as long before it on as it lasts: a copy that differs is told of with its contract.
    """

    return Derived(**alive_since(services.telemetry, window.before().start, at)._asdict())


def figures(
    services: ApiServices,
    derived: Derived,
    window: Window,
    at: datetime,
    silent: Callable[[datetime], Collection[str]],
    only: str = "",
) -> Iterator[Closed]:
    """Every KPI of the period, or `only` one, under the definitions of `services`."""
    asked: Mapping[str, Any] = {"window": window, "at": at, "silent": silent, "only": only}
    return closed(services.definitions, derived, received=received(services), **asked)


def figure(value: KpiValue) -> ClosedFigure:
    """A value as it is frozen."""
    by, label = next(iter(value.dimensions.items()), ("", ""))
    return ClosedFigure(
        dimension=by,
        label=label,
        value=_exact(value.value),
        unit=value.unit,
        n=value.n,
        target=_exact(value.target),
        state=value.state,
        coverage=value.coverage,
        low=_exact(value.low),
        high=_exact(value.high),
        counts=dict(value.counts),
        note=value.note,
    )


def digest(definitions: Definitions, kpi: str) -> str:
    """SHA-256 of a KPI's definition; '' where there is none of the name."""
    content = definitions.content["kpis"].get(kpi)
    if content is None:
        return ""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _require_open(services: ApiServices, period: str, *, again: bool) -> None:
    """Before a view is derived for nothing."""
    found = [] if again else services.closes.of(period)
    if found:
        raise AlreadyClosed(found[-1])


def frozen(definitions: Definitions, one: Closed) -> ClosedKpi:
    """A KPI as it is kept."""
    rows = one.population.height
    kept = rows <= MOST_ROWS
    return ClosedKpi(
        kpi=one.kpi.name,
        title=one.kpi.title,
        business=one.kpi.business,
        direction=one.kpi.direction,
        counts=one.kpi.counts,
        digest=digest(definitions, one.kpi.name),
        now=one.now,
        figures=tuple(figure(value) for value in one.values),
        rows=rows,
        population=packed(one.population) if kept else None,
        kept=kept,
    )


def _exact(number: float | Decimal | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))
