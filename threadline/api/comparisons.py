"""Did a fix work: a KPI before and after, or of two parts, and the cases on either side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from metrics.derive import Derived
from metrics.kpis import cases_behind
from metrics.kpis.comparison import Side, Verdict, compare
from metrics.kpis.money import COUNTED_IN
from threadline.api import cases, cursors
from threadline.api.access import requires
from threadline.api.labels import title
from threadline.api.problems import Refusal
from threadline.api.receipts import received
from threadline.api.services import ApiServices, ServicesAsOf
from threadline.errors import NotAllowed, NotFound
from threadline.model.kpis import KpiValue, Window
from threadline.model.people import Permission
from threadline.wire import CaseRow, ComparedSide, KpiComparison, Page

DEFAULT_WINDOW = timedelta(days=30)
WORDS: dict[Verdict, str] = {
    "better": "It is better, and chance alone hardly does that.",
    "worse": "It is worse, and chance alone hardly does that.",
    "unclear": "Chance alone may have done it.",
    "too_few": "Too few to say.",
    "unknown": "One side has no value.",
    "not_a_sample": "These are all there are: the difference is exact, chance is no question.",
}

router = APIRouter(prefix="/kpis", tags=["kpis"], dependencies=[requires(Permission.FIGURES)])


class Sides:
    """What is compared with what.

    With `at`, the window from there to `to` with as long a one before (or the one from `from` on);
    the side before is seen as long after its end as the other side is after its own. Else two parts
    of `by` in one window, named by `before` and `after`.
    """

    def __init__(
        self,
        services: ServicesAsOf,
        kpi: str,
        at: Annotated[AwareDatetime | None, Query(description="when the change was made")] = None,
        since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        to: AwareDatetime | None = None,
        by: Annotated[str, Query(description="a dimension whose parts are compared")] = "",
        before: Annotated[str, Query(description="the part on the side before")] = "",
        after: Annotated[str, Query(description="the part on the side after")] = "",
        journey: str = "",
    ) -> None:
        if kpi not in services.definitions.kpis:
            raise NotFound("KPI", kpi)
        if by and services.redaction.hides(by):
            raise NotAllowed(f"by: {by!r} is hidden from the roles held")
        self.kpi, self.journey = services.definitions.kpis[kpi], journey or None
        now = services.clock.now()
        end = min((to or now).astimezone(UTC), now)
        if at is not None:
            self.before, self.after = _spans(now, since, at.astimezone(UTC), end)
        elif by:
            start = (since or end - DEFAULT_WINDOW).astimezone(UTC)
            self.before = Side(window=_window(start, end), now=now)
            self.after = self.before
        else:
            raise Refusal(422, "at: say when the change was made, or by, before and after")
        self.before = _part(self.before, by, before)
        self.after = _part(self.after, by, after or (before if at is not None else ""))
        self.silent = services.silent_systems(now)


Question = Annotated[Sides, Depends()]


@router.get("/{kpi}/comparison")
def comparison(services: ServicesAsOf, asked: Question, currency: str = "") -> KpiComparison:
    """The KPI on both sides, the difference with its own interval, and whether chance may be it."""
    found = compare(
        services.definitions,
        _derived(services, asked),
        kpi=asked.kpi.name,
        before=asked.before,
        after=asked.after,
        currency=currency,
        journey=asked.journey,
        silent=asked.silent,
        received=received(services),
    )
    known = found.after or found.before
    return KpiComparison(
        kpi=asked.kpi.name,
        title=asked.kpi.title,
        unit=known.unit if known else asked.kpi.unit,
        business=asked.kpi.business,
        direction=asked.kpi.direction,
        before=_side(services, asked.before, found.before),
        after=_side(services, asked.after, found.after),
        change=found.change,
        interval=found.interval,
        verdict=found.verdict,
        words=WORDS[found.verdict],
    )


@router.get("/{kpi}/comparison/cases")
def compared_cases(
    services: ServicesAsOf,
    asked: Question,
    side: Literal["before", "after"],
    currency: str = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: str | None = None,
) -> Page[CaseRow]:
    """Exactly the cases that the value of one side was computed from; the worst come first."""
    if asked.kpi.asks_intake:
        raise Refusal(404, f"{asked.kpi.name}: is computed from {asked.kpi.counts}, not from cases")
    seen = asked.before if side == "before" else asked.after
    where = ({seen.by: seen.label} if seen.by else {}) | (
        {COUNTED_IN: currency} if currency else {}
    )
    behind = cases_behind(
        services.definitions,
        _derived(services, asked),
        kpi=asked.kpi.name,
        window=seen.window,
        now=seen.now,
        where=where,
        journey=asked.journey,
        silent=asked.silent if seen.now == asked.after.now else (),
    )
    worst_is_most = asked.kpi.direction == "lower"
    behind = behind.sort("contributes", "case_id", descending=[worst_is_most, False])
    start = int(cursors.decode(cursor, int)[0]) if cursor else 0
    following = cursors.encode(start + limit) if behind.height > start + limit else None
    shown = behind.slice(start, limit).iter_rows(named=True)
    return Page(items=[cases.row(services, row) for row in shown], next=following)


def _spans(now: datetime, since: datetime | None, at: datetime, end: datetime) -> tuple[Side, Side]:
    after = Side(window=_window(at, end), now=now)
    start = since.astimezone(UTC) if since else at - after.window.length
    return Side(window=_window(start, at), now=at + (now - end)), after


def _window(start: datetime, end: datetime) -> Window:
    if start >= end:
        raise Refusal(422, f"{start.isoformat()} is not before {end.isoformat()}")
    return Window(start=start, end=end)


def _part(side: Side, by: str, label: str) -> Side:
    return Side(window=side.window, now=side.now, by=by, label=label)


def _derived(services: ApiServices, asked: Sides) -> Derived:
    return Derived(**services.figures(asked.before.window.start)._asdict())


def _side(services: ApiServices, side: Side, value: KpiValue | None) -> ComparedSide:
    def number(found: object) -> float | None:
        return None if found is None else float(str(found))

    return ComparedSide(
        start=side.window.start,
        end=side.window.end,
        as_of=side.now,
        label=side.label,
        title=title(services.definitions, side.by, side.label),
        value=number(value.value) if value else None,
        n=value.n if value else 0,
        interval=(number(value.low), number(value.high)) if value else (None, None),
        coverage=value.coverage if value else None,
        why=value.note if value else "nothing counts on this side",
    )
