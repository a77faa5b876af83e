"""A contract's thread as a picture: systems as lanes, time from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import altair as alt

from dashboards.lanes import Mark, Placement, numbered
from threadline.wire import Thread, phrases

GOOD, BAD, QUIET, WAIT, INK = "#22703f", "#b3261e", "#7d8a97", "#d98a1f", "#1c2733"
ROW = 28  # pixels of one row of marks
DAYS = timedelta(days=4)  # from here on the axis needs no hours
NO_FRAME = alt.ViewConfig(stroke=None)
STEP_SIZE, FACT_SIZE = 360, 80


def timeline(thread: Thread, placement: Placement) -> alt.LayerChart:
    """The picture of `thread` as placed."""
    axes = _Axes(placement)
    layers = [
        _bands(placement, axes),
        *_waiting(thread, placement, axes),
        *_marks(thread, placement.marks, axes),
        *_rules(thread, placement, axes),
    ]
    height = placement.rows * ROW + 10
    return alt.LayerChart(layer=layers, height=height, config=alt.Config(view=NO_FRAME))


class _Axes:
    """The two shared scales; every layer names them alike, or they would not be shared."""

    def __init__(self, placement: Placement) -> None:
        centres = {lane.top + lane.rows / 2: lane.system for lane in placement.lanes}
        says = "".join(f"datum.value == {at} ? {_quoted(name)} : " for at, name in centres.items())
        self._lanes = alt.Axis(
            values=list(centres),
            labelExpr=f"{says}''",
            labelFontSize=13,
            labelLimit=130,
            labelPadding=8,
            grid=False,
            ticks=False,
            domain=False,
        )
        self._times = alt.Axis(
            orient="top",
            grid=True,
            gridOpacity=0.5,
            labelOverlap=True,
            tickCount=7,
            ticks=False,
            format="%d %b" if placement.end - placement.start > DAYS else "%d %b %H:%M",
        )
        domain = [_number(placement.start), _number(placement.end)]
        self._time = alt.Scale(domain=domain, type="utc", nice=False)
        self._row = alt.Scale(domain=[placement.rows, 0], nice=False, zero=False)

    def x(self, field: str = "at") -> alt.X:
        return alt.X(f"{field}:T", title=None, scale=self._time, axis=self._times)

    def y(self, field: str = "row") -> alt.Y:
        return alt.Y(f"{field}:Q", title=None, scale=self._row, axis=self._lanes)


def _bands(placement: Placement, axes: _Axes) -> alt.Chart:
    rows = [
        {
            "at": _number(placement.start),
            "until": _number(placement.end),
            "row": lane.top + 0.04,
            "below": lane.top + lane.rows - 0.04,
            "shade": 0.10 if place % 2 else 0.16,
        }
        for place, lane in enumerate(placement.lanes)
    ]
    shade = alt.Opacity("shade:Q", scale=None)
    bands: alt.Chart = _chart(rows).mark_rect(color="#8a97a4")
    return bands.encode(x=axes.x(), x2="until:T", y=axes.y(), y2="below:Q", opacity=shade)


def _waiting(thread: Thread, placement: Placement, axes: _Axes) -> list[alt.Chart]:
    stuck = thread.stuck
    lane = next((lane for lane in placement.lanes if stuck and lane.system == stuck.system), None)
    if stuck is None or lane is None or stuck.since is None:
        return []
    row = {
        "at": _number(stuck.since),
        "until": _number(thread.as_of),
        "row": lane.top + 0.1,
        "below": lane.top + lane.rows - 0.1,
        "words": f"{phrases.since(stuck.since, thread.as_of)} for “{stuck.title}”",
    }
    color = BAD if stuck.late else WAIT
    tooltip = [alt.Tooltip("words:N", title="Waits")]
    return [
        _chart([row])
        .mark_rect(color=color, opacity=0.2, cornerRadius=5)
        .encode(x=axes.x(), x2="until:T", y=axes.y(), y2="below:Q", tooltip=tooltip)
    ]


def _marks(thread: Thread, marks: Sequence[Mark], axes: _Axes) -> list[alt.Chart]:
    numbers = numbered(thread)
    rows = [_row(mark, numbers) for mark in marks]
    tooltip = [
        alt.Tooltip("name:N", title="Fact"),
        alt.Tooltip("system:N", title="System"),
        alt.Tooltip("when:N", title="At (UTC)"),
        alt.Tooltip("took:N", title="Took"),
        alt.Tooltip("outcome:N", title="Outcome"),
    ]
    tone = {"color": alt.Color("tone:N", scale=None), "opacity": alt.Opacity("pale:Q", scale=None)}
    bars = _chart(rows).mark_rule(strokeWidth=6, strokeCap="round")
    points = _chart(rows).mark_point(filled=True, shape="circle")
    words = _chart(rows).mark_text(color="white", fontSize=12, fontWeight="bold", dy=1)
    return [
        bars.encode(x=axes.x("from"), x2="at:T", y=axes.y(), tooltip=tooltip, **tone),
        points.encode(
            x=axes.x(), y=axes.y(), size=alt.Size("size:Q", scale=None), tooltip=tooltip, **tone
        ),
        words.encode(x=axes.x(), y=axes.y(), text="sign:N", tooltip=tooltip),
    ]


def _row(mark: Mark, numbers: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    fact = mark.fact
    closes = [place.partition("/") for place in fact.closes]
    steps = [(journey, step) for journey, _, step in closes]
    number = next((numbers[step] for step in steps if step in numbers), None)
    failed = fact.outcome == "error"
    sign = str(number) if number else "✗" if failed else ""
    return {
        "from": _number(mark.start),
        "at": _number(mark.end),
        "row": mark.row + 0.5,
        "sign": sign,
        "size": STEP_SIZE if sign else FACT_SIZE,
        "tone": BAD if failed else GOOD if number else QUIET,
        "pale": 0.5 if fact.how == "shared" else 1.0,
        "name": fact.name or fact.kind,
        "system": fact.system or fact.source,
        "when": phrases.moment(fact.at),
        "took": phrases.duration((mark.end - mark.start).total_seconds()),
        "outcome": fact.message or ("failed" if failed else "ok"),
    }


def _rules(thread: Thread, placement: Placement, axes: _Axes) -> list[alt.Chart]:
    live = [case for case in thread.cases if case.case.state in ("open", "paused")]
    rows = [
        {"at": _number(case.case.due_at), "words": "deadline", "tone": BAD, "row": 0.85}
        for case in live
        if case.case.due_at
    ]
    if live:
        now = {"at": _number(thread.as_of), "words": "now", "tone": INK, "row": placement.rows}
        rows.append(now)
    if not rows:
        return []
    tone = alt.Color("tone:N", scale=None)
    lines = _chart(rows).mark_rule(strokeDash=[5, 4], strokeWidth=1.5)
    words = _chart(rows).mark_text(align="right", baseline="bottom", dx=-5, dy=-2, fontSize=12)
    return [
        lines.encode(x=axes.x(), color=tone),
        words.encode(x=axes.x(), y=axes.y(), text="words:N", color=tone),
    ]


def _chart(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=list(rows)))


def _number(at: datetime | None) -> float:
    return 0.0 if at is None else at.timestamp() * 1000


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
