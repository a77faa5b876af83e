"""What the systems tell of what they do, and when it arrives: never quite the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from threadline.simulator.acts import Act, Event, Span
from threadline.simulator.scenario import Conditions, Scenario

TRANSIT = timedelta(seconds=2)
LATE = timedelta(days=2)
NIGHT = 2  # o'clock
SILENCED, LOST, LATE_KIND, RESENT = "silenced", "lost", "late", "resent"


@dataclass(frozen=True, kw_only=True)
class Signal:
    """An act as it is told, and when each copy of it arrives: at none where it is lost."""

    act: Act
    arrives: tuple[datetime, ...]


class Emission:
    """Tells the acts of a world that ends at `end` under the conditions of its scenario.

    A `faithful` one tells everything as it was and at once: by it one knows what happened. After
    `signals` was read, `touched` says which contracts each kind of trouble has touched.
    """

    def __init__(self, scenario: Scenario, seed: int, end: datetime, *, faithful: bool) -> None:
        self._scenario, self._end, self._faithful = scenario, end, faithful
        self._random = Random(seed)
        self.touched: dict[str, set[str]] = defaultdict(set)

    def signals(self, acts: Iterable[Act]) -> Iterator[Signal]:
        """One signal for each act, in the acts' order; what arrives after the end is left out."""
        for act in acts:
            if self._faithful:
                if not act.phantom:
                    yield Signal(act=_plain(act), arrives=(act.at + TRANSIT,))
                continue
            conditions = self._scenario.conditions(act.service)
            arrives = tuple(at for at in self._arrivals(act, conditions) if at <= self._end)
            yield Signal(act=_as_told(act, conditions), arrives=arrives)

    def _arrivals(self, act: Act, conditions: Conditions) -> Iterator[datetime]:
        if isinstance(act, Event) and act.sure:
            yield _due(act.at, conditions) + TRANSIT
            return
        # Drawn whether needed or not, so that one share changes nothing but what it is about.
        lost, late, resent = (self._random.random() for _ in range(3))
        silence = self._scenario.silence
        if silence and silence.service == act.service and silence.covers(act.at, self._end):
            self._touch(SILENCED, act)
            return
        if lost < conditions.lost:
            self._touch(LOST, act)
            return
        at = _due(act.at, conditions) + TRANSIT
        if late < conditions.late:
            self._touch(LATE_KIND, act)
            at += LATE
        if act.late:
            at = max(at, self._end)
        yield at
        if resent < conditions.resent:
            self._touch(RESENT, act)
            yield at + timedelta(hours=24)

    def _touch(self, kind: str, act: Act) -> None:
        if act.of:
            self.touched[kind].add(act.of)


def _due(at: datetime, conditions: Conditions) -> datetime:
    if conditions.delivery == "live":
        return at
    if conditions.delivery == "two-days-late":
        return at + LATE
    if conditions.delivery == "hourly":
        return at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    local = at.astimezone(conditions.zone)
    night = local.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return (night if night > local else night + timedelta(days=1)).astimezone(at.tzinfo)


def _plain(act: Act) -> Act:
    if isinstance(act, Event) and act.sends > 1:
        return replace(act, sends=1)
    return act


def _as_told(act: Act, conditions: Conditions) -> Act:
    skew = conditions.skew
    if isinstance(act, Span):
        said = act.attributes if act.told is None else act.told
        return replace(
            act,
            attributes=said,
            started_at=act.started_at + skew,
            ended_at=act.ended_at + skew,
        )
    if isinstance(act, Event):
        said = act.data if act.told is None else act.told
        at = act.told_at or act.at + skew
        return replace(act, data=said, at=at.astimezone(conditions.zone))
    return replace(act, at=act.at + skew)
