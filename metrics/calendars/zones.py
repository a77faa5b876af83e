"""The offsets of a time zone over the years, from the bundled tz database, not the host's."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl

from threadline.zones import zone

DAY = 86_400


def offsets(name: str, first_year: int, last_year: int) -> pl.DataFrame:
    """The spans of constant offset: `[since, until)` in seconds since 1970 UTC, and `offset`.

    `offset` is in seconds. The spans touch and cover both years whole on the local clock.
    """
    here = zone(name)
    start = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp()) - DAY
    end = int(datetime(last_year + 1, 1, 1, tzinfo=UTC).timestamp()) + DAY
    since, values = [start], [_offset(here, start)]
    for day in range(start, end, DAY):
        if _offset(here, day + DAY) != values[-1]:
            since.append(_change(here, day, day + DAY))
            values.append(_offset(here, day + DAY))
    columns = {"since": since, "until": [*since[1:], end], "offset": values}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64))


def _offset(here: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, here).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _change(here: ZoneInfo, before: int, after: int) -> int:
    """The first second in `(before, after]` with the offset that `after` has."""
    new = _offset(here, after)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _offset(here, middle) == new else (middle, after)
    return after
