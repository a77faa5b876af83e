"""Executive summaries by mail: what one says, and how its sending went."""

from __future__ import annotations

from typing import Literal

from threadline.wire.cases import CaseRow
from threadline.wire.kpis import Kpi, KpiContribution, KpiPage, KpiSeriesPoint
from threadline.wire.operations import SourceRow
from threadline.wire.values import Instant, Shape


class SummaryTrend(Shape):
    """A KPI over the last windows, in its unit; days are those of the zone `clock`."""

    kpi: Kpi
    points: list[KpiSeriesPoint]
    clock: str


class SummaryChange(Shape):
    """A KPI that moved, divided by the dimension in which one part moved it most."""

    kpi: Kpi
    moved: KpiContribution


class SummaryRisk(Shape):
    """A contract at risk by its gravest case, and what the case's journey is called."""

    case: CaseRow
    journey: str


class SummaryContent(Shape):
    """Everything a summary says, before it is worded.

    `period` names the window for people, `window` for the API. `silent` are the sources whose
    figures are older than they should be; `waiting` says how far derivation is behind, '' if not.
    """

    window: str
    period: str
    journey: str
    journey_title: str
    page: KpiPage
    trends: list[SummaryTrend]
    changes: list[SummaryChange]
    risks: list[SummaryRisk]
    silent: list[SourceRow]
    waiting: str = ""


class SummaryLetter(Shape):
    """A summary as it would be sent. In `html` the pictures are part of the text, to look at."""

    name: str
    to: list[str]
    subject: str
    text: str
    html: str


class SummaryDelivery(Shape):
    """One attempt to send, or that a summary was given up; `due_at` says which it was of."""

    at: Instant
    due_at: Instant
    outcome: Literal["sent", "delayed", "given-up", "unclear"]
    reason: str
    who: str = ""


class SummaryRow(Shape):
    """A summary that is set up: when it is due next, and how the last attempts went."""

    name: str
    every: Literal["daily", "weekly", "monthly"]
    to: list[str]
    next_at: Instant | None  # None: no mail server is set, so none is sent
    deliveries: list[SummaryDelivery]
