"""A contract's thread as a picture: systems as lanes, time from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import altair as alt

from threadline.wire import Thread, ThreadFact, phrases

GOOD, BAD, QUIET, WAIT, NOW = "#2f7d6d", "#b3261e", "#8a97a4", "#e8a33d", "#1c2733"
ROW = 26  # pixels of one row of marks
CLOSE = 0.028  # marks nearer than this share of the width go below each other
STEADY = 60.0  # a span shorter than this share of the picture is drawn as a point


@dataclass(frozen=True)
class Lane:
    """A system's band: from row `top`, `rows` high."""

    system: str
    top: int
    rows: int


def timeline(thread: Thread) -> alt.LayerChart | None:
    """The picture; None when no fact of the contract has a time."""
    facts = [fact for fact in thread.facts if fact.at]
    if not facts:
        return None
    start, end = _extent(thread, facts)
    rows, lanes = _placed(thread, facts, start, end)
    height = sum(lane.rows for lane in lanes)
    x = alt.X(
        "at:T",
        title=None,
        scale=alt.Scale(domain=[start.isoformat(), end.isoformat()], type="utc"),
        axis=alt.Axis(grid=True, gridOpacity=0.35, labelOverlap=True, tickCount=7, orient="top"),
    )
    y = alt.Y("row:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False))
    layers = [
        *_bands(lanes, start, x, y),
        *_waiting(thread, lanes, x, y),
        *_marks(rows, x, y),
        *_rules(thread, height, x, y),
    ]
    chart = alt.layer(*layers).properties(height=height * ROW + 24, width="container")
    return chart.configure_view(stroke=None).resolve_scale(color="independent")


def numbered(thread: Thread) -> dict[tuple[str, str], int]:
    """The number of every step in the picture and beside it, by journey and step."""
    places = [(case.case.journey, step.step) for case in thread.cases for step in case.steps]
    return {place: number for number, place in enumerate(dict.fromkeys(places), start=1)}


def _extent(thread: Thread, facts: Sequence[ThreadFact]) -> tuple[datetime, datetime]:
    plain = [fact for fact in facts if not _odd(fact)] or facts
    instants = [at for fact in plain for at in (fact.occurred_at, fact.at) if at]
    live = [case.case for case in thread.cases if case.case.state in ("open", "paused")]
    deadlines = [case.due_at for case in live if case.due_at]
    if live:
        instants += [*deadlines, thread.as_of]
    first, last = min(instants), max(instants)
    margin = max((last - first) * 0.03, timedelta(minutes=1))
    return first - margin, last + margin


def _odd(fact: ThreadFact) -> bool:
    return bool({"before-2000", "far-future", "end-before-start"} & set(fact.annotations))


def _placed(
    thread: Thread, facts: Sequence[ThreadFact], start: datetime, end: datetime
) -> tuple[list[dict[str, Any]], list[Lane]]:
    """Marks with the row each lies in, so that none hides another, and the lanes they make."""
    width = (end - start).total_seconds()
    systems = dict.fromkeys(fact.system or fact.source for fact in facts)
    waiting = [thread.stuck.system] if thread.stuck and thread.stuck.system else []
    lanes, marks, top = [], [], 0
    for system in dict.fromkeys([*systems, *waiting]):
        own = [fact for fact in facts if (fact.system or fact.source) == system]
        drawn = [fact for fact in own if fact.at and start <= fact.at <= end]
        ends: list[float] = []
        for fact in drawn:
            mark = _mark(thread, fact)
            place = (_first(fact) - start).total_seconds() / width
            row = next((row for row, last in enumerate(ends) if place - last > CLOSE), len(ends))
            last = (_last(fact) - start).total_seconds() / width
            ends[row:] = [last] if row == len(ends) else [last, *ends[row + 1 :]]
            marks.append({**mark, "row": top + row + 0.5, "lane": system})
        rows = max(len(ends), 1) + 0
        lanes.append(Lane(system, top, rows))
        top += rows
    return marks, lanes


def _first(fact: ThreadFact) -> datetime:
    assert fact.at is not None
    return min(fact.occurred_at or fact.at, fact.at)


def _last(fact: ThreadFact) -> datetime:
    assert fact.at is not None
    return fact.at


def _mark(thread: Thread, fact: ThreadFact) -> dict[str, Any]:
    numbers = numbered(thread)
    closes = [place.split("/", 1) for place in fact.closes]
    number = next((numbers.get((journey, step)) for journey, step in closes), None)
    failed = fact.outcome == "error"
    shown = (
        "failed" if failed else "step" if number else "shared" if fact.how == "shared" else "fact"
    )
    return {
        "from": _first(fact).isoformat(),
        "at": _last(fact).isoformat(),
        "shown": shown,
        "number": "✗" if failed else str(number) if number else "",
        "name": fact.name or fact.kind,
        "message": fact.message or phrases.NOTHING,
        "when": phrases.moment(fact.at),
        "took": phrases.duration((_last(fact) - _first(fact)).total_seconds()),
    }


def _bands(lanes: Sequence[Lane], start: datetime, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    rows = [
        {
            "row": lane.top,
            "below": lane.top + lane.rows,
            "system": lane.system,
            "odd": place % 2 == 0,
        }
        for place, lane in enumerate(lanes)
    ]
    data = alt.Chart(alt.Data(values=rows))
    band = data.mark_rect(color="#8a97a4", opacity=0.13).encode(y=y, y2="below:Q")
    return [band.transform_filter("datum.odd"), _labels(rows, start, y)]


def _labels(rows: Sequence[dict[str, Any]], start: datetime, y: alt.Y) -> alt.Chart:
    placed = [{**row, "row": row["row"], "at": start.isoformat()} for row in rows]
    return (
        alt.Chart(alt.Data(values=placed))
        .mark_text(
            align="left", baseline="top", dx=4, dy=4, fontSize=12, fontWeight=600, opacity=0.75
        )
        .encode(x=alt.value(0), y=y, text="system:N")
    )


def _waiting(thread: Thread, lanes: Sequence[Lane], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    stuck = thread.stuck
    lane = next((lane for lane in lanes if stuck and lane.system == stuck.system), None)
    if stuck is None or lane is None or stuck.since is None:
        return []
    row = {
        "at": stuck.since.isoformat(),
        "until": thread.as_of.isoformat(),
        "row": lane.top + 0.12,
        "below": lane.top + lane.rows - 0.12,
        "words": f"waits for {stuck.title}",
    }
    data = alt.Chart(alt.Data(values=[row]))
    return [
        data.mark_rect(color=BAD if stuck.late else WAIT, opacity=0.16, cornerRadius=4).encode(
            x=x, x2="until:T", y=y, y2="below:Q", tooltip=alt.Tooltip("words:N", title="Stuck")
        )
    ]


def _marks(rows: list[dict[str, Any]], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    data = alt.Chart(alt.Data(values=rows))
    tooltip = [
        alt.Tooltip("name:N", title="Fact"),
        alt.Tooltip("lane:N", title="System"),
        alt.Tooltip("when:N", title="At (UTC)"),
        alt.Tooltip("took:N", title="Took"),
        alt.Tooltip("message:N", title="Message"),
    ]
    color = alt.Color(
        "shown:N",
        scale=alt.Scale(
            domain=["step", "failed", "fact", "shared"], range=[GOOD, BAD, QUIET, QUIET]
        ),
        legend=None,
    )
    opacity = alt.condition("datum.shown == 'shared'", alt.value(0.45), alt.value(1.0))
    bars = data.mark_rule(strokeWidth=5, strokeCap="round").encode(
        x=alt.X("from:T", scale=x.scale, axis=None), x2="at:T", y=y, color=color, opacity=opacity
    )
    size = alt.condition("datum.number != ''", alt.value(330), alt.value(70))
    points = data.mark_point(filled=True).encode(
        x=x, y=y, color=color, size=size, opacity=opacity, tooltip=tooltip
    )
    numbers = data.mark_text(color="white", fontSize=11, fontWeight=700, baseline="middle").encode(
        x=x, y=y, text="number:N", tooltip=tooltip
    )
    return [bars, points, numbers]


def _rules(thread: Thread, height: int, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    live = [case for case in thread.cases if case.case.state in ("open", "paused")]
    rows = [
        {"at": case.case.due_at.isoformat(), "words": "deadline", "tone": BAD, "row": height}
        for case in live
        if case.case.due_at
    ]
    if live:
        rows.append({"at": thread.as_of.isoformat(), "words": "now", "tone": NOW, "row": height})
    if not rows:
        return []
    data = alt.Chart(alt.Data(values=rows))
    color = alt.Color("tone:N", scale=None)
    return [
        data.mark_rule(strokeDash=[5, 4], strokeWidth=1.5).encode(x=x, color=color),
        data.mark_text(align="right", baseline="bottom", dx=-4, dy=-3, fontSize=11).encode(
            x=x, y=y, text="words:N", color=color
        ),
    ]
