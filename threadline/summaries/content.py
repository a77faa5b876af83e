"""What a summary says: asked of the functions behind the API's own answers, not over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from threadline.api import kpis, sources
from threadline.api.asked import Asked
from threadline.api.services import ApiServices
from threadline.mail_sections import Every, SummarySettings
from threadline.model.kpis import Window
from threadline.summaries.changes import changes
from threadline.wire import CaseRow, Kpi, phrases
from threadline.wire.series import points_of
from threadline.wire.summaries import SummaryContent, SummaryRisk, SummaryTrend
from threadline.wire.verdict import gravity

TRENDS = 3
RISKS = 10
URGENT = ("value-at-risk", "stuck-cases")  # whose cases are at risk: the first with any
_PARTS: dict[Every, tuple[str, int]] = {
    "daily": ("day", 14),
    "weekly": ("week", 12),
    "monthly": ("month", 12),
}
_GRAVEST = ("breached", "warning", "ok")
WORTH_SAYING = timedelta(minutes=1)  # how far behind derivation is
_ASKED = 100  # cases, of which several may be of one contract
_INSTANT = timedelta(microseconds=1)


def gather(services: ApiServices, summary: SummarySettings, due_at: datetime) -> SummaryContent:
    """The content of the summary that was due at `due_at`, as known now.

    Raises `NotFound` for an unknown journey, `TelemetryUnavailable` where nothing answers.
    """
    asked = Asked(services, to=due_at, name=summary.covers, journey=summary.journey)
    page = kpis.kpis(services, asked)
    journey = services.definitions.journeys.get(summary.journey)
    return SummaryContent(
        window=summary.covers,
        period=period(summary.covers, asked.window, services.calendar.clock),
        journey=summary.journey,
        journey_title=journey.title if journey else "",
        page=page,
        trends=list(islice(_trends(services, asked, page.items, summary.every), TRENDS)),
        changes=changes(services, asked, page.items),
        risks=_risks(services, asked, page.items),
        silent=[row for row in sources.sources(services).items if row.silent],
        waiting=_waiting(services),
    )


def period(name: str, window: Window, clock: str) -> str:
    """A window in the words of people: `week to 29 Nov`, `29 Nov`, `November 2026`."""
    start, end = (at.astimezone(ZoneInfo(clock)) for at in (window.start, window.end - _INSTANT))
    unit = name.partition("-")[2]
    if unit == "day":
        return f"{end:%A} {end.day} {end:%b}"
    if unit == "week":
        return f"week to {end.day} {end:%b}"
    if unit == "month":
        return f"{end:%B %Y}"
    return f"{start.day} {start:%b} to {end.day} {end:%b %Y}"


def _trends(
    services: ApiServices, asked: Asked, items: Sequence[Kpi], every: Every
) -> Iterator[SummaryTrend]:
    """The gravest KPIs over the last days, weeks or months, up to the end of the window."""
    unit, parts = _PARTS[every]
    start = services.calendar.named(f"this-{unit}", asked.window.end - _INSTANT).window.start
    for _ in range(parts - 1):
        start = services.calendar.named(f"last-{unit}", start).window.start
    long = Asked(services, since=start, to=asked.window.end, name="", journey=asked.journey)
    for kpi in _gravest(items):
        points = points_of(kpi, kpis.kpi_series(services, long, kpi.kpi, every=unit).items)
        if sum(point.value is not None for point in points) > 1:  # one alone goes nowhere
            yield SummaryTrend(kpi=kpi, points=points, clock=services.calendar.clock)


def _gravest(items: Sequence[Kpi]) -> list[Kpi]:
    measured = [kpi for kpi in items if kpi.value is not None and kpi.state in _GRAVEST]
    return sorted(measured, key=lambda kpi: (_GRAVEST.index(kpi.state), *gravity(kpi)))


def _risks(services: ApiServices, asked: Asked, items: Sequence[Kpi]) -> list[SummaryRisk]:
    """The contracts behind the most urgent KPI that has any, the most at risk first."""
    measured = {kpi.kpi for kpi in items if kpi.n}
    for name in URGENT:
        if name not in measured:
            continue
        once: dict[str, CaseRow] = {}
        for row in kpis.kpi_cases(services, asked, name, limit=_ASKED).items:
            once.setdefault(row.contract or row.case_id, row)
        if once:
            return [_risk(services, row) for row in islice(once.values(), RISKS)]
    return []


def _risk(services: ApiServices, row: CaseRow) -> SummaryRisk:
    known = services.definitions.known_journey(row.journey)
    return SummaryRisk(case=row, journey=known.title if known else row.journey)


def _waiting(services: ApiServices) -> str:
    """How far derivation is behind, where that is worth a word."""
    status = services.status()
    if status.lag < WORTH_SAYING:
        return ""
    behind = phrases.duration(status.lag.total_seconds())
    return f"{status.entries_behind:,} inputs wait to be read, the oldest for {behind}."
