"""Business time held against walking minute by minute, in all IANA zones and twenty countries."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime

from minute_walk import (
    COUNTRIES,
    SPAN,
    WORK,
    calendar,
    differences,
    distinct,
    every_zone,
    stretches,
)
from rich.console import Console

from metrics.calendars.arithmetic import business_time
from metrics.calendars.calendar import working_intervals

console = Console()


def main() -> int:
    """Ends with 1 where the two differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=4, help="of holidays, from 2024 on")
    years = parser.parse_args().years
    began = time.monotonic()
    wrong = _zones() + _countries(years)
    console.print(f"{wrong} differences, {time.monotonic() - began:.0f} s")
    return int(wrong > 0)


def _zones() -> int:
    names = every_zone()
    clocks = distinct(names)
    compared = wrong = places = 0
    for name in clocks:
        spans = list(stretches(name))
        places += len(spans)
        for work in WORK:
            here = calendar(name, work)
            for span in spans:
                count, found = differences(here, *span)
                compared, wrong = compared + count, wrong + len(found)
                _say(name, work, found)
            business_time.cache_clear()
            working_intervals.cache_clear()
    console.print(
        f"{len(names)} zones, {len(clocks)} different clocks from {SPAN[0].year} to"
        f" {SPAN[1].year - 1}; {places} stretches, {len(WORK)} kinds of hours,"
        f" {compared:,} instants"
    )
    return wrong


def _countries(years: int) -> int:
    compared = wrong = 0
    for country, name in COUNTRIES.items():
        here = calendar(name, "office", country)
        span = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024 + years, 1, 1, tzinfo=UTC)
        count, found = differences(here, *span)
        compared, wrong = compared + count, wrong + len(found)
        _say(name, f"holidays of {country}", found)
    console.print(f"{len(COUNTRIES)} countries, {years} years each, {compared:,} instants")
    return wrong


def _say(name: str, what: str, found: list[datetime]) -> None:
    if found:
        console.print(f"{name}, {what}: {len(found)} differ, first at {found[0].isoformat()}")


if __name__ == "__main__":
    sys.exit(main())
