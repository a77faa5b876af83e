"""Who is on duty: a pure function of a rota, what people decided since, and the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from alerts.duty import wall_clock
from alerts.duty.calendar import DutyCalendar
from alerts.duty.hours import DAY, Hours
from threadline.model.duty import Override
from threadline.zones import zone

By = Literal["override", "calendar", "layer", "nobody"]

LOOK = timedelta(days=100)  # longer than any turn


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody who can be on duty, and where they are told (each `policy/receiver`).

    `known_as` is what calendars call them: a name, a mail address.
    """

    name: str
    receivers: tuple[str, ...]
    known_as: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Layer:
    """`members` take turns of so many `days`, in order, the first from `start` on.

    A turn begins at `handover`, the time since midnight on the clock of `zone`; where the clock
    skips that time, at the instant it does, and where it shows it twice, at the first. With `hours`
    whoever has the turn is on duty within them only.
    """

    name: str
    zone: str
    members: tuple[str, ...]
    days: int
    start: date
    handover: timedelta
    hours: Hours | None = None

    def on_duty(self, at: datetime) -> str | None:
        """The member on duty at `at`, if this layer has one then."""
        turn = self._turn(at)
        if turn < 0 or (self.hours is not None and not self.hours.open(at)):
            return None
        return self.members[turn % len(self.members)]

    def next_change(self, at: datetime) -> datetime:
        """When it may be somebody else next after `at`."""
        turned = self._begins(self._turn(at) + 1)
        change = self.hours.next_change(at) if self.hours else None
        return turned if change is None else min(turned, change)

    def _turn(self, at: datetime) -> int:
        """The number of the turn that lasts at `at`, from 0; -1 before the first."""
        today = wall_clock.shown(at, zone(self.zone)).date()
        turn = max((today - self.start).days // self.days, -1)
        # Clocks may have been moved over the handover, even into another day.
        while turn >= 0 and self._begins(turn) > at:
            turn -= 1
        while self._begins(turn + 1) <= at:
            turn += 1
        return turn

    def _begins(self, turn: int) -> datetime:
        day = self.start + turn * self.days * DAY
        return wall_clock.first(wall_clock.midnight(day) + self.handover, zone(self.zone))


@dataclass(frozen=True, kw_only=True)
class Rota:
    """Of overrides, calendar and layers the first that has somebody at an instant counts.

    Layers come in the order in which they are asked. `overrides` are those of the definition;
    people decide others while the service runs. `hours` are business hours, to which steps of
    escalations may keep; they do not say who is on duty.
    """

    name: str
    title: str
    zone: str
    members: Mapping[str, Member]
    layers: tuple[Layer, ...] = ()
    overrides: tuple[Override, ...] = ()
    calendar: DutyCalendar | None = None
    hours: Hours | None = None


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Who is on duty, where they are told, until when, and what says so.

    `until` is when it is somebody else's; None: nothing changes for `LOOK`. Nobody may be on duty.
    `override` is the one that counts, if one does.
    """

    members: tuple[str, ...]
    receivers: tuple[str, ...]
    until: datetime | None
    by: By
    override: Override | None = None


def on_duty(rota: Rota, at: datetime, overrides: Iterable[Override] = ()) -> Duty:
    """Who is on duty at `at`; `overrides` were decided since the rota was defined.

    An override by somebody for another rota, or for a member who has left, does not count.
    """
    since = [one for one in overrides if one.rota == rota.name and one.member in rota.members]
    decided = sorted((*rota.overrides, *since), key=lambda one: -one.number)
    by, members, override = _at(rota, decided, at)
    told = (receiver for name in members for receiver in rota.members[name].receivers)
    return Duty(
        members=members,
        receivers=tuple(dict.fromkeys(told)),
        until=_until(rota, decided, at, members),
        by=by,
        override=override,
    )


def coming(
    rota: Rota, at: datetime, overrides: Sequence[Override] = (), most: int = 2
) -> list[tuple[datetime, Duty]]:
    """Who is on duty at `at`, and from when on who follows: `most` in all, fewer where it ends."""
    found = [(at, on_duty(rota, at, overrides))]
    while len(found) < most and (until := found[-1][1].until) is not None:
        found.append((until, on_duty(rota, until, overrides)))
    return found


def unattended(rota: Rota, since: datetime, until: datetime) -> datetime | None:
    """The first instant in `[since, until)` at which nobody is on duty."""
    at: datetime | None = since
    while at is not None and at < until:
        duty = on_duty(rota, at)
        if not duty.members:
            return at
        at = duty.until
    return None


def _at(
    rota: Rota, decided: Sequence[Override], at: datetime
) -> tuple[By, tuple[str, ...], Override | None]:
    for override in decided:
        if override.covers(at):
            return "override", (override.member,), override
    if rota.calendar is not None and (shifts := rota.calendar.on_duty(at)):
        return "calendar", shifts, None
    for layer in rota.layers:
        if (member := layer.on_duty(at)) is not None:
            return "layer", (member,), None
    return "nobody", (), None


def _until(
    rota: Rota, decided: Sequence[Override], at: datetime, members: tuple[str, ...]
) -> datetime | None:
    """The first instant after `at` at which it is not `members`."""
    now, horizon = at, at + LOOK
    while edges := [edge for edge in _edges(rota, decided, now) if now < edge <= horizon]:
        now = min(edges)
        if _at(rota, decided, now)[1] != members:
            return now
    return None


def _edges(rota: Rota, decided: Sequence[Override], at: datetime) -> Iterator[datetime]:
    """When it may be somebody else, the next of each part."""
    for override in decided:
        yield override.starts_at
        yield override.until
    if rota.calendar is not None:
        yield from rota.calendar.edges(at)
    for layer in rota.layers:
        yield layer.next_change(at)
