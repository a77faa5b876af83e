"""Where identifiers are in the course of time: few are elsewhere at another time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from threadline.store.telemetry import Telemetry

# What has no beginning, and no end: the first and last instants that the tables can tell.
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER = datetime(2262, 4, 11, 23, 47, 16, 854775, tzinfo=UTC)  # and 807 nanoseconds
LAST = "fromUnixTimestamp64Nano(9223372036854775807, 'UTC')"

_IDENTIFIER = "object_type, namespace, value"
_SLICED = f"SELECT {_IDENTIFIER} FROM tenures FINAL"

_ALWAYS_THERE = f"""
SELECT {_IDENTIFIER}, toDateTime64(0, 9, 'UTC') AS valid_from, {LAST} AS valid_to, object_id,
    owner_id, root_id
FROM identifiers FINAL WHERE {{where}}
"""
_THERE_AT_TIMES = f"""
{_ALWAYS_THERE} AND ({_IDENTIFIER}) NOT IN ({_SLICED})
UNION ALL
SELECT {_IDENTIFIER}, valid_from, valid_to, object_id, owner_id, root_id
FROM tenures FINAL WHERE {{where}}
"""

# When a fact was, as far as that can be known: what decides where it belongs.
_MOMENT = "if({0}plausible, ifNull({0}at, {0}received_at), {0}received_at)"
_MEANWHILE = f"{_MOMENT} >= {{1}}.valid_from AND {_MOMENT} < {{1}}.valid_to"
_AT_A_TIME = f"""({_IDENTIFIER}, fact_id) IN (
    SELECT {_IDENTIFIER}, fact_id FROM mentions FINAL
    INNER JOIN (SELECT * FROM tenures FINAL WHERE {{0}}) AS away USING ({_IDENTIFIER})
    WHERE ({_IDENTIFIER}) IN ({_SLICED}) AND {_MEANWHILE.format("mentions.", "away")})
"""


class Reading(NamedTuple):
    """The parts of queries that tell where things are.

    As long as nothing is elsewhere at another time, looking out for it costs nothing.
    """

    there: str  # a query for places, each while it holds, that fulfil `{where}`
    meanwhile: str  # whether a mention was while its place among `members` held
    adrift: (
        str  # whether a mention was while its identifier, though it leads to a root, led to none
    )

    def places(self, where: str) -> str:
        """A query for the places that fulfil `where`, a condition on columns of `identifiers`."""
        return self.there.format(where=where)


_TIMELESS = Reading(
    there=_ALWAYS_THERE,
    meanwhile="true",
    adrift="false",
)
_IN_TIME = Reading(
    there=_THERE_AT_TIMES,
    meanwhile=_MEANWHILE.format("", "members"),
    adrift=_AT_A_TIME.format("root_id = ''"),
)

_OF_OBJECTS = """
SELECT object_id, valid_from, valid_to, root_id FROM tenures FINAL
WHERE root_id != '' AND object_id IN (
    SELECT object_id FROM tenures FINAL WHERE root_id IN {roots:Array(String)})
"""

_OF = f"""
SELECT concat(object_type, ':', namespace, ':', value) AS identifier, * EXCEPT (generation, deleted)
FROM tenures FINAL WHERE identifier IN {{identifiers:Array(String)}}
ORDER BY {_IDENTIFIER}, valid_from
"""


def reading(telemetry: Telemetry) -> Reading:
    """How to read where things are, as it stands."""
    known = telemetry.query("SELECT count() AS rows FROM tenures")
    return _IN_TIME if known["rows"].item() else _TIMELESS


def homes(telemetry: Telemetry, roots: Collection[str]) -> set[str]:
    """The roots under which the cases stand of all objects that are ever under one of `roots`.

    Facts of `roots` may tell of these cases.
    """
    if reading(telemetry) is _TIMELESS:
        return set(roots)
    of_objects = telemetry.query(_OF_OBJECTS, {"roots": sorted(roots)})
    return set(roots) | set(_last(of_objects)["root_id"])


def pasts(telemetry: Telemetry, roots: Collection[str]) -> set[str]:
    """`roots`, and all under which objects ever were whose cases stand under one of them."""
    if reading(telemetry) is _TIMELESS:
        return set(roots)
    of_objects = telemetry.query(_OF_OBJECTS, {"roots": sorted(roots)})
    ours = _last(of_objects).filter(pl.col("root_id").is_in(sorted(roots)))["object_id"]
    past = of_objects.filter(pl.col("object_id").is_in(ours.implode()))
    return set(roots) | set(past["root_id"])


def of(telemetry: Telemetry, identifiers: Collection[str]) -> pl.DataFrame:
    """The tenures of `identifiers` (`type:namespace:value`) that have any, in the order of time."""
    return telemetry.query(_OF, {"identifiers": sorted(identifiers)})


def bound(instant: datetime) -> datetime | None:
    """An end of a stretch as it is shown; None where it has none."""
    return instant if ALWAYS < instant < FOREVER else None


def _last(of_objects: pl.DataFrame) -> pl.DataFrame:
    ordered = of_objects.sort("object_id", "valid_to", "valid_from", "root_id")
    return ordered.unique("object_id", keep="last")
