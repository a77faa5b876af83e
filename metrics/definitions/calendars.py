"""A calendar file as a `Calendar`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import holidays

from metrics.calendars import Calendar, Hours, PublicHolidays
from metrics.definitions.durations import duration
from metrics.definitions.faults import Faults
from threadline.definitions import Document
from threadline.zones import zone

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def calendar(document: Document) -> Calendar:
    """Raises `DefinitionErrors` on an unknown zone or country, a bad date, or overlapping hours."""
    raw, faults = document.content, Faults()
    with faults.at(document, "zone"):
        zone(raw["zone"])
    public = []
    for place, entry in enumerate(raw.get("holidays", [])):
        with faults.at(document, "holidays", place):
            public.append(_public(entry))
    days_off = []
    for place, text in enumerate(raw.get("days_off", [])):
        with faults.at(document, "days_off", place):
            days_off.append(date.fromisoformat(text))
    hours = [hour for weekday in WEEKDAYS for hour in _hours(document, weekday, faults)]
    if not hours:
        faults.add(document, ("hours",), "needs working hours on at least one weekday")
    day_seconds = 0.0
    with faults.at(document, "day"):
        day_seconds = _day(raw["day"])
    faults.raise_any()
    return Calendar(
        name=raw["calendar"],
        title=raw["title"],
        zone=raw["zone"],
        day_seconds=day_seconds,
        hours=tuple(hours),
        holidays=tuple(public),
        days_off=tuple(days_off),
    )


def _day(text: str) -> float:
    length = duration(text)
    if length.business or length.seconds > 86_400:
        raise ValueError("a business day is a plain time such as '8 hours', at most 24 hours")
    return length.seconds


def _public(entry: Mapping[str, Any]) -> PublicHolidays:
    country, subdivision = entry["country"], entry.get("subdivision", "")
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        raise ValueError(f"the holidays of {country!r} are not known")
    if subdivision and subdivision not in known[country]:
        raise ValueError(f"{country} has no subdivision {subdivision!r}")
    return PublicHolidays(country=country, subdivision=subdivision)


def _hours(document: Document, weekday: str, faults: Faults) -> list[Hours]:
    hours: list[Hours] = []
    for place, text in enumerate(document.content["hours"].get(weekday, [])):
        opens, closes = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
        if opens >= closes:
            faults.add(document, ("hours", weekday, place), "must close after it opens")
        elif hours and opens < hours[-1].closes:
            faults.add(document, ("hours", weekday, place), "must open after the ones before close")
        hours.append(Hours(weekday=WEEKDAYS.index(weekday), opens=opens, closes=closes))
    return hours
