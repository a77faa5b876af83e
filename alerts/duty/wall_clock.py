"""From what a clock on the wall shows to the instant it means.

Local times are without a zone, instants in UTC. Where clocks are put forward, a time between does
not exist: it is taken for the instant they were. Where clocks are put back, it is there twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def first(local: datetime, here: ZoneInfo) -> datetime:
    """The first instant at which the clock shows `local` or later."""
    early = local.replace(tzinfo=here, fold=0).astimezone(UTC)
    if shown(early, here) == local:
        return early
    return _change(here, local.replace(tzinfo=here, fold=1).astimezone(UTC), early)


def last(local: datetime, here: ZoneInfo) -> datetime:
    """The last instant at which the clock shows `local`; where it never does, as `first`."""
    late = local.replace(tzinfo=here, fold=1).astimezone(UTC)
    return late if shown(late, here) == local else first(local, here)


def shown(at: datetime, here: ZoneInfo) -> datetime:
    """What the clock shows at `at`."""
    return at.astimezone(here).replace(tzinfo=None, fold=0)


def midnight(day: date) -> datetime:
    """The beginning of a local day."""
    return datetime.combine(day, time())


def changes(day: date, here: ZoneInfo) -> Iterator[datetime]:
    """The instant of that local day at which clocks are changed, if any."""
    since, until = (
        midnight(one).replace(tzinfo=here, fold=0).astimezone(UTC)
        for one in (day, day + timedelta(days=1))
    )
    if since.astimezone(here).utcoffset() != until.astimezone(here).utcoffset():
        yield _change(here, since, until)


def _change(here: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second in `(before, after]` with the offset that `after` has."""
    new = after.astimezone(here).utcoffset()
    before, after = (one.replace(microsecond=0) for one in (before, after))
    while after - before > _SECOND:
        middle = before + (after - before) // 2 // _SECOND * _SECOND
        if middle.astimezone(here).utcoffset() == new:
            after = middle
        else:
            before = middle
    return after
