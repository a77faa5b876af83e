"""Duty kept in a calendar: the events of an iCalendar (RFC 5545) text, each naming members."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import icalendar
import recurring_ical_events

from alerts.duty import wall_clock
from threadline.zones import zone

LONGEST_TEXT = 1024 * 1024  # characters
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN = timedelta(days=32)  # events are worked out for so long at once
_SPANS_AHEAD = 3
_SPANS_KEPT = 64
_MARGIN = timedelta(days=2)  # no clock is so far from another
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY"})


class Named(Protocol):
    """Somebody whom an event can name."""

    @property
    def name(self) -> str: ...
    @property
    def known_as(self) -> Sequence[str]: ...


@dataclass(frozen=True, kw_only=True)
class Shift:
    """`members` are on duty over `[starts_at, ends_at)`."""

    starts_at: datetime
    ends_at: datetime
    members: tuple[str, ...]


class DutyCalendar:
    """Events of a calendar as shifts, recurring ones included; safe to ask from several threads.

    An event names members in its summary, or has them as attendees: by name, or by what they are
    `known_as`, in any case, as whole words. Times without a zone, and whole days, are on the clock
    of `place`. A cancelled event is none.

    Raises `ValueError` for a text that is no calendar, and for an event that names nobody.
    """

    def __init__(self, text: str, members: Sequence[Named], place: str) -> None:
        self._here = zone(place)
        self._called = {
            called.casefold(): member.name
            for member in members
            for called in (member.name, *member.known_as)
        }
        calendar = _parsed(text)
        events = calendar.walk("VEVENT")
        if not events:
            raise ValueError("is a calendar without a single event")
        for event in events:
            self._require_sense(event)
        self._known: dict[int, tuple[Shift, ...]] = {}
        self._working_out = threading.Lock()
        try:
            self._query = recurring_ical_events.of(calendar)
            self._shifts(0)  # rules that cannot be worked out are told of now
        except recurring_ical_events.InvalidCalendar as error:
            raise ValueError(f"has an event that recurs by no rule of RFC 5545: {error}") from error

    def on_duty(self, at: datetime) -> tuple[str, ...]:
        """Whom the events that last at `at` name, in the order of their beginning."""
        lasting = [one for one in self._shifts(_span(at)) if one.starts_at <= at < one.ends_at]
        return tuple(dict.fromkeys(name for shift in lasting for name in shift.members))

    def edges(self, at: datetime) -> Iterator[datetime]:
        """When an event begins or ends next after `at`, if any does for three months."""
        for ahead in range(_SPANS_AHEAD + 1):
            span = _span(at) + ahead
            ends = _EPOCH + (span + 1) * _SPAN
            edges = [edge for shift in self._shifts(span) for edge in _edges(shift)]
            # Later ones may have others before them, which the next span knows of.
            if found := [edge for edge in edges if at < edge <= ends]:
                yield min(found)
                return

    def _shifts(self, span: int) -> tuple[Shift, ...]:
        """The shifts of which a part may lie in that span."""
        with self._working_out:
            if span not in self._known:
                if len(self._known) >= _SPANS_KEPT:
                    self._known.clear()
                self._known[span] = tuple(self._worked_out(_EPOCH + span * _SPAN))
            return self._known[span]

    def _worked_out(self, since: datetime) -> Iterator[Shift]:
        found = self._query.between(since - _MARGIN, since + _SPAN + _MARGIN)
        shifts = [
            Shift(
                starts_at=self._instant(event.start),
                ends_at=self._instant(event.end),
                members=self._members(event),
            )
            for event in found
            if not _cancelled(event)
        ]
        yield from sorted(shifts, key=lambda shift: (shift.starts_at, shift.members))

    def _instant(self, at: date) -> datetime:
        if not isinstance(at, datetime):
            return wall_clock.first(wall_clock.midnight(at), self._here)
        return wall_clock.first(at, self._here) if at.tzinfo is None else at.astimezone(UTC)

    def _members(self, event: Any) -> tuple[str, ...]:
        """Of the words that call somebody the longest count: 'billing' is not 'billing-lead'."""
        said = " \n ".join(_words(event)).casefold()
        found: dict[int, str] = {}
        for called in sorted(self._called, key=len, reverse=True):
            for place in re.finditer(rf"(?<![\w@.-]){re.escape(called)}(?![\w@-])", said):
                found[place.start()] = self._called[called]
                said = said[: place.start()] + "\0" * len(called) + said[place.end() :]
        return tuple(dict.fromkeys(found[start] for start in sorted(found)))

    def _require_sense(self, event: Any) -> None:
        called = f"the event {str(event.get('SUMMARY', ''))!r} (UID {event.get('UID', 'none')})"
        try:
            rules = [rule for _, rule in event.property_items(recursive=False) if _is_rule(rule)]
            if any(_TOO_OFTEN & {str(one) for one in rule.get("FREQ", ())} for rule in rules):
                raise ValueError("recurs every minute or more often")
            if any(int(one) < 1 for rule in rules for one in rule.get("INTERVAL", ())):
                raise ValueError("recurs at no INTERVAL")
            if event.end < event.start:
                raise ValueError("ends before it begins")
            if place := _unknown_zone(event):
                raise ValueError(f"its time zone {place!r} is not known")
        except (icalendar.InvalidCalendar, ValueError, TypeError) as error:
            raise ValueError(f"{called}: {error}") from error
        if not _cancelled(event) and not self._members(event):
            names = ", ".join(sorted(set(self._called.values())))
            raise ValueError(f"{called} names none of the members in summary or attendees: {names}")


def _parsed(text: str) -> Any:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"is longer than {LONGEST_TEXT:,} characters: leave old events out")
    try:
        return icalendar.Calendar.from_ical(text)
    except ValueError as error:
        raise ValueError(f"is no calendar (RFC 5545): {error}") from error


def _words(event: Mapping[str, Any]) -> Iterator[str]:
    yield str(event.get("SUMMARY", ""))
    attendees = event.get("ATTENDEE", [])
    for attendee in attendees if isinstance(attendees, list) else [attendees]:
        yield str(attendee).removeprefix("mailto:").removeprefix("MAILTO:")
        yield str(getattr(attendee, "params", {}).get("CN", ""))


def _cancelled(event: Mapping[str, Any]) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _unknown_zone(event: Mapping[str, Any]) -> str:
    for begins_or_ends in (event.get("DTSTART"), event.get("DTEND")):
        at = getattr(begins_or_ends, "dt", None)
        if isinstance(at, datetime) and at.tzinfo is None:
            return str(begins_or_ends.params.get("TZID", "")) if begins_or_ends else ""
    return ""


def _is_rule(value: Any) -> bool:
    return isinstance(value, icalendar.vRecur)


def _edges(shift: Shift) -> tuple[datetime, datetime]:
    return shift.starts_at, shift.ends_at


def _span(at: datetime) -> int:
    return (at - _EPOCH) // _SPAN
