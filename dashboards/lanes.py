"""Where every mark of a thread's picture goes: pure placement, no drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from threadline.wire import Thread, ThreadFact

CLOSE = 0.03  # marks nearer than this share of the width go below each other
ODD = {"before-2000", "far-future", "end-before-start"}  # times that would stretch the picture


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One fact: from `start` to `end`, in the middle of row `row` (counted from the top).

    Those that stand out closed a step or failed.
    """

    fact: ThreadFact
    start: datetime
    end: datetime
    row: int

    @property
    def stands_out(self) -> bool:
        return _stands_out(self.fact)


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A system's band: `rows` rows from `top` on."""

    system: str
    top: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The picture's extent in time and rows; `left_out` counts facts whose time makes no sense."""

    start: datetime
    end: datetime
    lanes: list[Lane]
    marks: list[Mark]
    left_out: int

    @property
    def rows(self) -> int:
        return sum(lane.rows for lane in self.lanes)


def placed(thread: Thread) -> Placement | None:
    """Systems in the order in which they first spoke; None when no fact has a plausible time."""
    facts = [fact for fact in thread.facts if fact.at and not ODD & set(fact.annotations)]
    if not facts:
        return None
    facts.sort(key=_span)
    start, end = _extent(thread, facts)
    lanes: list[Lane] = []
    marks: list[Mark] = []
    for system in _systems(thread, facts):
        top = lanes[-1].top + lanes[-1].rows if lanes else 0
        own = _stacked([fact for fact in facts if _system(fact) == system], top, end - start)
        rows = max((mark.row - top + 1 for mark in own), default=1)
        lanes.append(Lane(system=system, top=top, rows=rows))
        marks += own
    left_out = len(thread.facts) - len(facts)
    return Placement(start=start, end=end, lanes=lanes, marks=marks, left_out=left_out)


def numbered(thread: Thread) -> dict[tuple[str, str], int]:
    """The number of every step, by journey and step: the same in the picture and beside it."""
    places = [(case.case.journey, step.step) for case in thread.cases for step in case.steps]
    return {place: number for number, place in enumerate(dict.fromkeys(places), start=1)}


def _systems(thread: Thread, facts: Sequence[ThreadFact]) -> list[str]:
    waiting = [thread.stuck.system] if thread.stuck and thread.stuck.system else []
    return list(dict.fromkeys([*map(_system, facts), *waiting]))


def _system(fact: ThreadFact) -> str:
    return fact.system or fact.source


def _span(fact: ThreadFact) -> tuple[datetime, datetime]:
    end = fact.ended_at or fact.at
    if end is None:
        raise ValueError(f"fact {fact.fact_id} has no time to be placed at")
    return min(fact.occurred_at or end, end), end


def _extent(thread: Thread, facts: Sequence[ThreadFact]) -> tuple[datetime, datetime]:
    instants = [instant for fact in facts for instant in _span(fact)]
    live = [case.case for case in thread.cases if case.case.state in ("open", "paused")]
    if live:
        instants += [thread.as_of, *(case.due_at for case in live if case.due_at)]
    first, last = min(instants), max(instants)
    margin = max((last - first) * 0.04, timedelta(seconds=30))
    return first - margin, last + margin


def _stacked(facts: Sequence[ThreadFact], top: int, width: timedelta) -> list[Mark]:
    """What stands out goes where it touches nothing else; all the rest shares the row below."""
    ends: list[datetime] = []
    marks = []
    for fact in filter(_stands_out, facts):
        start, end = _span(fact)
        free = (row for row, last in enumerate(ends) if start - last > width * CLOSE)
        row = next(free, len(ends))
        ends[row : row + 1] = [end]
        marks.append(Mark(fact=fact, start=start, end=end, row=top + row))
    for fact in facts:
        if not _stands_out(fact):
            start, end = _span(fact)
            marks.append(Mark(fact=fact, start=start, end=end, row=top + len(ends)))
    return marks


def _stands_out(fact: ThreadFact) -> bool:
    return bool(fact.closes) or fact.outcome == "error"
