"""Since and until when ties hold, as the facts themselves say: attributes named in objects.yaml."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_

import polars as pl

from collector.mapping import Mapping, ObjectType

ALWAYS, FOREVER = 0, 2**63 - 1  # nanoseconds of the epoch; what lies beyond is taken for these
UNREADABLE = "validity-unreadable"

_SECOND = 1_000_000_000
_WHOLE = timedelta(seconds=1)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d))?", re.ASCII
)
_BOUNDS = {"row": pl.UInt32, "type": pl.String, "since": pl.Int64, "until": pl.Int64}


def bounds(facts: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """What each of `facts` says by its `payload`: row, type (of the child), since, until.

    Instants are nanoseconds of the epoch, null where a fact says nothing readable. A fact that says
    nothing about a type, readable or not, has no row for it.
    """
    told = [pl.DataFrame(schema=_BOUNDS)]
    if mapping.bounded:
        some = facts.select("payload", row=pl.int_range(pl.len(), dtype=pl.UInt32))
        some = some.filter(pl.col("payload") != "{}")
        told += [_of_type(some, kind) for kind in mapping.bounded if some.height]
    return pl.concat(told)


def unreadable(facts: pl.DataFrame, mapping: Mapping) -> pl.Series:
    """A mask over `facts`: which say something of validity that cannot be read."""
    told = bounds(facts, mapping)
    faulty = told.filter(pl.col("since").is_null() & pl.col("until").is_null())["row"]
    return pl.select(
        pl.int_range(facts.height, dtype=pl.UInt32).is_in(faulty.implode())
    ).to_series()


def _of_type(some: pl.DataFrame, kind: ObjectType) -> pl.DataFrame:
    mentioned = [pl.col("payload").str.contains(f'"{name}"', literal=True) for name in kind.bounds]
    told = some.filter(reduce(or_, mentioned)).with_columns(
        _text(kind.valid_from).alias("from"), _text(kind.valid_to).alias("to")
    )
    rows = [
        (row, kind.name, *_stretch(since, until))
        for row, since, until in told.select("row", "from", "to").iter_rows()
        if since or until
    ]
    return pl.DataFrame(rows, schema=_BOUNDS, orient="row")


def _text(attribute: str) -> pl.Expr:
    return pl.col("payload").str.json_path_match(f'$["{attribute}"]') if attribute else pl.lit("")


def _stretch(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """Both ends of a stretch that is one; what cannot be read says nothing at all."""
    try:
        start = _instant(since) if since else ALWAYS
        end = _instant(until) if until else FOREVER
    except ValueError:
        return None, None
    return (start, end) if start < end else (None, None)


def _instant(text: str) -> int:
    """Nanoseconds of an RFC 3339 instant, or of a date, which begins at midnight UTC."""
    parts = _INSTANT.fullmatch(text.strip())
    if parts is None:
        raise ValueError(f"{text!r} is neither an RFC 3339 instant nor a date")
    date, clock, fraction, zone = parts.groups()
    at = datetime.fromisoformat(f"{date}T{clock or '00:00:00'}{zone or 'Z'}".upper())
    whole = (at - datetime(1970, 1, 1, tzinfo=UTC)) // _WHOLE
    return min(max(whole * _SECOND + int((fraction or "").ljust(9, "0")), ALWAYS), FOREVER)
