"""Where identifiers are in the course of time: few are elsewhere at another time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import polars as pl

from threadline.store.telemetry import Telemetry

# What has no beginning, and no end: the first and last instants that the tables can tell.
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER = datetime(2262, 4, 11, 23, 47, 16, 854775, tzinfo=UTC)  # and 807 nanoseconds
LAST = "fromUnixTimestamp64Nano(9223372036854775807, 'UTC')"

_IDENTIFIER = "object_type, namespace, value"
_SLICED = f"SELECT {_IDENTIFIER} FROM tenures FINAL"

# Every identifier, with the stretch of time that it spends in each of its places.
PLACES = f"""
SELECT {_IDENTIFIER}, toDateTime64(0, 9, 'UTC') AS valid_from, {LAST} AS valid_to, object_id,
    owner_id, root_id
FROM identifiers FINAL WHERE {{where}} AND ({_IDENTIFIER}) NOT IN ({_SLICED})
UNION ALL
SELECT {_IDENTIFIER}, valid_from, valid_to, object_id, owner_id, root_id
FROM tenures FINAL WHERE {{where}}
"""

# When a fact was, as far as that can be known: what decides where it belongs.
MOMENT = "if({0}plausible, ifNull({0}at, {0}received_at), {0}received_at)"

_AT_A_TIME = f"""
SELECT {_IDENTIFIER}, fact_id FROM mentions FINAL
INNER JOIN (SELECT * FROM tenures FINAL WHERE {{}}) AS away USING ({_IDENTIFIER})
WHERE ({_IDENTIFIER}) IN ({_SLICED})
    AND {MOMENT.format("mentions.")} >= away.valid_from
    AND {MOMENT.format("mentions.")} < away.valid_to
"""

# Which facts name an identifier while it leads nowhere, though it does at another time.
ADRIFT = _AT_A_TIME.format("root_id = ''")

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


def places(where: str) -> str:
    """A query for the places that fulfil `where`, a condition on the columns of `identifiers`."""
    return PLACES.format(where=where)


def homes(telemetry: Telemetry, roots: Collection[str]) -> set[str]:
    """The roots under which the cases stand of all objects that are ever under one of `roots`.

    Facts of `roots` may tell of these cases.
    """
    of_objects = telemetry.query(_OF_OBJECTS, {"roots": sorted(roots)})
    return set(roots) | set(_last(of_objects)["root_id"])


def pasts(telemetry: Telemetry, roots: Collection[str]) -> set[str]:
    """`roots`, and all under which objects ever were whose cases stand under one of them."""
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
