"""Which version of a journey judges which cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from metrics.calendars import Calendar
from threadline.model.journeys import Journey


@dataclass(frozen=True, kw_only=True)
class JourneyVersion:
    """A version of a journey, with the calendars it was activated with.

    It judges the cases that start in `[since, until)`, None being without end, and those it claims.
    """

    journey: Journey
    calendars: Mapping[str, Calendar]
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Activation:
    """All journeys and calendars that were in force from `at` on."""

    at: datetime
    journeys: Mapping[str, Journey]
    calendars: Mapping[str, Calendar]


def versions(activations: Sequence[Activation]) -> dict[str, tuple[JourneyVersion, ...]]:
    """The versions of every journey there ever was, by its name and in the order of time.

    `activations` are in that order. The first version of a journey judges what started before it,
    too: nothing else was in force.
    """
    found: dict[str, list[JourneyVersion]] = {}
    for activation in activations:
        for name in {**found, **activation.journeys}:
            known, fresh = found.setdefault(name, []), activation.journeys.get(name)
            last = known[-1] if known and known[-1].until is None else None
            if last and fresh and last.journey.version == fresh.version:
                continue
            if last:
                known[-1] = replace(last, until=activation.at)
            if fresh:
                since = activation.at if known else None
                known.append(
                    JourneyVersion(journey=fresh, calendars=activation.calendars, since=since)
                )
    return {name: tuple(known) for name, known in found.items()}
