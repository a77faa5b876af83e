"""A summary in words: each said once, for the HTML and the text of a letter alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from threadline.api.redaction import HIDDEN
from threadline.summaries.links import Links
from threadline.wire import CaseRow, Kpi, KpiSeriesPoint, SourceRow, case_phrases, phrases
from threadline.wire.summaries import SummaryChange, SummaryContent, SummaryRisk, SummaryTrend
from threadline.wire.verdict import verdict

GROUPS = {
    "money": "Money",
    "time": "Time and promises",
    "quality": "Quality",
    "integration": "Integrations",
}
SIGNS = {"good": "✓", "warning": "!", "bad": "✗", "quiet": "○"}
TONES = {"ok": "good", "warning": "warning", "breached": "bad"}
WHOSE = ("customer", "region")  # what a contract is known by beside its number
PARTS = 4  # of a dimension, in a change
_AT_RISK = "value-at-risk"


@dataclass(frozen=True, kw_only=True)
class KpiLine:
    """A KPI: value and state, what they rest on, and where it is going."""

    title: str
    url: str
    value: str
    state: str
    sign: str
    tone: str
    basis: str
    trend: str
    notes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class PartLine:
    """What one part of a dimension did to a KPI."""

    name: str
    effect: str
    values: str


@dataclass(frozen=True, kw_only=True)
class ChangeLine:
    """What moved a KPI."""

    title: str
    url: str
    by: str
    sentence: str
    parts: Sequence[PartLine]


@dataclass(frozen=True, kw_only=True)
class RiskLine:
    """A contract at risk."""

    number: str
    url: str
    value: str
    whose: str
    journey: str
    where: str
    deadline: str
    late: bool
    owner: str


@dataclass(frozen=True, kw_only=True)
class TrendLine:
    """A chart, and what it shows for who sees no pictures."""

    cid: str
    title: str
    url: str
    points: str


@dataclass(frozen=True, kw_only=True)
class Words:
    """Everything that a letter says, in order."""

    subject: str
    tone: str
    sign: str
    verdict: str
    window: str
    compared: str
    notes: Sequence[str]
    groups: Sequence[tuple[str, Sequence[KpiLine]]]
    trends: Sequence[TrendLine]
    changes: Sequence[ChangeLine]
    risks: Sequence[RiskLine]
    page: str
    then: str
    stop: str


def words(content: SummaryContent, links: Links, contact: str) -> Words:
    """The words of a summary whose reader writes to `contact` to stop getting it."""
    page = content.page
    tone, sentence = verdict(page.items)
    return Words(
        subject=subject(content),
        tone=tone,
        sign=SIGNS[tone],
        verdict=sentence,
        window=_window(content),
        compared=phrases.compared(page),
        notes=list(_notes(content)),
        groups=[
            (title, [_kpi(kpi, links) for kpi in page.items if kpi.group == name])
            for name, title in GROUPS.items()
            if any(kpi.group == name for kpi in page.items)
        ],
        trends=[_trend(one, place, links) for place, one in enumerate(content.trends, start=1)],
        changes=[_change(one, links) for one in content.changes],
        risks=[_risk(one, page.as_of, links) for one in content.risks],
        page=links.executive(),
        then=links.executive(as_of=page.as_of),
        stop=f"To stop getting this summary, write to {contact or 'whoever runs Threadline'}.",
    )


def subject(content: SummaryContent) -> str:
    """The verdict in one line: `3 of 12 KPIs off target, EUR 1.2 M at risk — week to 29 Nov`."""
    items = content.page.items
    money = [
        phrases.kpi_value(kpi)
        for kpi in items
        if kpi.kpi == _AT_RISK and kpi.value and kpi.currency
    ]
    said = [_standing(items), *([f"{' and '.join(money)} at risk"] if money else [])]
    whose = f" ({content.journey_title})" if content.journey_title else ""
    return " ".join(f"{', '.join(said)} — {content.period}{whose}".split())


def _standing(items: Sequence[Kpi]) -> str:
    judged = [kpi for kpi in items if kpi.state in TONES]
    off, near = (sum(kpi.state == state for kpi in judged) for state in ("breached", "warning"))
    if off:
        return f"{off} of {len(judged)} KPIs off target"
    if near:
        return f"{near} of {len(judged)} KPIs near the limit"
    if not judged:
        return "Too little evidence to judge"
    unjudged = len(items) - len(judged)
    rest = f", {unjudged} cannot be judged" if unjudged else ""
    return f"{len(judged)} of {len(items)} KPIs on target{rest}"


def _window(content: SummaryContent) -> str:
    whose = f" of {content.journey_title}" if content.journey_title else ""
    at = phrases.instant(content.page.as_of)
    return f"{phrases.sentence(content.period)}{whose}, as known {at}."


def _notes(content: SummaryContent) -> Iterator[str]:
    """What makes the figures older or fewer than they should be."""
    for row in content.silent:
        yield _silent(row)
    if content.waiting:
        yield content.waiting
    partly = [
        f"{kpi.title} {phrases.quantity(kpi.coverage, 'ratio')}"
        for kpi in content.page.items
        if kpi.coverage is not None and kpi.coverage < 1
    ]
    if partly:
        yield f"Only a part of the cases could be measured: {', '.join(partly)}."
    unsaid = sum(kpi.state in ("unknown", "too_few") for kpi in content.page.items)
    if unsaid:
        yield (
            f"{unsaid} of {len(content.page.items)} KPIs cannot be judged: not measured, or too few"
            " to say. That is no good news."
        )


def _silent(row: SourceRow) -> str:
    systems = ", ".join(row.systems) or row.source
    cadence = f" (it should be heard of {row.cadence})" if row.cadence else ""
    at = phrases.instant(row.last_received_at)
    return f"Figures of {systems} are as of {at}: {row.source} has been silent since{cadence}."


def _kpi(kpi: Kpi, links: Links) -> KpiLine:
    sample = f"{kpi.n:,} {kpi.of if kpi.n != 1 else kpi.of.removesuffix('s')}"
    tone = TONES.get(kpi.state, "quiet")
    notes = [phrases.sentence(said) for said in (phrases.stated(kpi), kpi.why) if said]
    if kpi.coverage is not None and kpi.coverage < 1:
        notes.append(f"{phrases.quantity(kpi.coverage, 'ratio')} could be measured")
    return KpiLine(
        title=kpi.title,
        url=links.kpi(kpi),
        value=phrases.kpi_value(kpi),
        state=phrases.KPI[kpi.state],
        sign=SIGNS[tone],
        tone=tone,
        basis=f"{phrases.sentence(phrases.target(kpi))} · {sample}",
        trend="" if kpi.value is None else phrases.trend(kpi),
        notes=notes,
    )


def _trend(trend: SummaryTrend, place: int, links: Links) -> TrendLine:
    kpi = trend.kpi
    points = [_point(trend, point) for point in trend.points]
    title = f"{kpi.title} ({phrases.target(kpi)})"
    return TrendLine(
        cid=f"chart-{place}", title=title, url=links.kpi(kpi), points=", ".join(points)
    )


def _point(trend: SummaryTrend, point: KpiSeriesPoint) -> str:
    start = point.start.astimezone(ZoneInfo(trend.clock))
    unsure = f" ({phrases.KPI['too_few']})" if point.state == "too_few" else ""
    return f"{start.day} {start:%b} {phrases.kpi_quantity(trend.kpi, point.value)}{unsure}"


def _change(change: SummaryChange, links: Links) -> ChangeLine:
    kpi, told = change.kpi, change.moved
    parts = [
        PartLine(
            name=phrases.part(part),
            effect=phrases.effect(kpi, part.effect),
            values=" → ".join(
                phrases.kpi_quantity(kpi, value) for value in (part.previous, part.value)
            ),
        )
        for part in told.parts[:PARTS]
        if part.effect
    ]
    return ChangeLine(
        title=kpi.title,
        url=links.kpi(kpi, by=told.by),
        by=told.by.replace("_", " "),
        sentence=phrases.moved(kpi, told),
        parts=parts,
    )


def _risk(risk: SummaryRisk, now: datetime, links: Links) -> RiskLine:
    case = risk.case
    known = [str(case.dimensions.get(name) or "") for name in WHOSE]
    return RiskLine(
        number=case.number or case.case_id,
        url=links.contract(case.contract or case.case_id),
        value=phrases.amount(case.value),
        whose=" · ".join(name for name in known if name not in ("", HIDDEN)),
        journey=risk.journey,
        where=_where(case, now),
        deadline=phrases.deadline(case.due_at, now),
        late=case.due_at is not None and case.due_at < now,
        owner=case.owner,
    )


def _where(case: CaseRow, now: datetime) -> str:
    """At which step since when, and what is known of why."""
    verb = "Paused" if case.state == "paused" else "Waiting"
    since = ""
    if case.current_since:
        waited = phrases.since(case.current_since, now)
        since = f" since {case.current_since.day} {case.current_since:%b %Y} ({waited})"
    why = case_phrases.lost_briefly(case.lost) if case.lost else case.stuck_message
    place = f" for “{case.current_title}”" if case.current_title else ""
    return f"{verb}{place}{since}." + (f" {why}" if why else "")
