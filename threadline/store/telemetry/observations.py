"""What the metrics room derives cases from: the facts of some roots, as their objects see them."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.tenures import ALWAYS, LAST, Reading, reading

INSTANT = pl.Datetime("ns", "UTC")

# Keys first, of all versions, by the projections; then what is current of them. Without a key,
# FINAL reads a whole table.
_HERE = """(
    SELECT object_type, namespace, value FROM identifiers WHERE root_id IN {roots:Array(String)}
    UNION ALL
    SELECT object_type, namespace, value FROM tenures WHERE root_id IN {roots:Array(String)})"""

_PLACED = f"root_id IN {{roots:Array(String)}} AND (object_type, namespace, value) IN {_HERE}"


@cache
def _members(times: Reading) -> str:
    return f"""
SELECT root_id, object_type, object_id, owner_id, namespace, value, valid_from, valid_to
FROM ({times.places(_PLACED)})
"""


# A fact that speaks of several roots is evidence only when it names them itself and is not a span.
@cache
def _observations(times: Reading) -> str:
    return f"""
WITH members AS ({_members(times)}),
seen AS (
    SELECT members.root_id AS root_id, object_type, members.object_id AS object_id,
        members.owner_id AS owner_id, namespace, value, fact_id, kind, source, system, name,
        outcome, message, at, occurred_at, plausible, sampled, payload, received_at, how, of,
        uniqExact(object_type, namespace, value) OVER (PARTITION BY root_id, fact_id) AS here
    FROM mentions FINAL
    INNER JOIN members USING (object_type, namespace, value)
    WHERE (object_type, namespace, value) IN (SELECT object_type, namespace, value FROM members)
        AND (name IN {{names:Array(String)}} OR payload != '{{}}'
            OR arrayExists(pattern -> name LIKE pattern, {{patterns:Array(String)}}))
        AND {times.meanwhile}
)
SELECT * EXCEPT (of, here), here = of AS whole FROM seen
WHERE (how = 'own' AND kind != 'span') OR here = of
"""


_LINK = """kind, child_type, child_namespace, child_value,
    parent_type, parent_namespace, parent_value"""

_END = """(object_type, namespace, value) IN (
    SELECT child_type, child_namespace, child_value FROM tied
    UNION ALL SELECT parent_type, parent_namespace, parent_value FROM tied)"""


# The ends of a relation are what they were when it was said to hold, or else said.
@cache
def _relations(times: Reading) -> str:
    return f"""
WITH tied AS (
    SELECT {_LINK}, valid_from, valid_to,
        if(valid_from > toDateTime64(0, 9, 'UTC'), valid_from, ifNull(at, {LAST} - 1)) AS of
    FROM links FINAL
    WHERE kind NOT IN ('same_as', 'belongs_to') AND state = 'held' AND ({_LINK}) IN (
        SELECT {_LINK} FROM links WHERE kind NOT IN ('same_as', 'belongs_to')
            AND (child_type, child_namespace, child_value) IN {_HERE}
        UNION ALL
        SELECT {_LINK} FROM links WHERE (parent_type, parent_namespace, parent_value) IN {_HERE})
), ends AS ({times.places(_END)})
SELECT DISTINCT tied.kind AS kind, child.object_id AS child_id, parent.object_id AS parent_id,
    tied.valid_from AS valid_from, tied.valid_to AS valid_to,
    concat(child_type, ':', child_namespace, ':', child_value) AS child
FROM tied
INNER JOIN ends AS child
    ON child.object_type = child_type AND child.namespace = child_namespace
        AND child.value = child_value
INNER JOIN ends AS parent
    ON parent.object_type = parent_type AND parent.namespace = parent_namespace
        AND parent.value = parent_value
WHERE (child.root_id IN {{roots:Array(String)}} OR parent.root_id IN {{roots:Array(String)}})
    AND {times.by_then}
"""


_FIRST = """
SELECT kind, concat(child_type, ':', child_namespace, ':', child_value) AS child,
    min(valid_from) AS first
FROM links FINAL
WHERE state = 'held' AND child IN {children:Array(String)} GROUP BY kind, child
"""


def members(telemetry: Telemetry, roots: Collection[str]) -> pl.DataFrame:
    """The identifiers of all objects under `roots`, each while it is there; empty when none is.

    An identifier is there over `[valid_from, valid_to)`.
    """
    return telemetry.query(_members(reading(telemetry)), {"roots": sorted(roots)})


def observations(
    telemetry: Telemetry, roots: Collection[str], names: Collection[str]
) -> pl.DataFrame:
    """One row per root, identifier and fact: facts called one of `names` or carrying a payload.

    A `*` in a name stands for anything. `whole`: all that the fact speaks of is under the root.
    """
    patterns = [_like(name) for name in names if "*" in name]
    exact = [name for name in names if "*" not in name]
    asked = {"roots": sorted(roots), "names": sorted(exact), "patterns": sorted(patterns)}
    return telemetry.query(_observations(reading(telemetry)), asked)


def relations(telemetry: Telemetry, roots: Collection[str]) -> pl.DataFrame:
    """Held relations (`bills`, `orders`, `amends`…) that touch an object under `roots`.

    Each holds over `[valid_from, valid_to)`: the first that is known of an object reaches back.
    """
    found = telemetry.query(_relations(reading(telemetry)), {"roots": sorted(roots)})
    begun = found.filter(pl.col("valid_from") > ALWAYS)
    if begun.is_empty():
        return found.drop("child")
    first = telemetry.query(_FIRST, {"children": begun["child"].unique().to_list()})
    reaching = found.join(first, on=["kind", "child"], how="left")
    since = pl.when(pl.col("valid_from") == pl.col("first")).then(pl.lit(ALWAYS, INSTANT))
    return reaching.with_columns(since.otherwise("valid_from").alias("valid_from")).drop(
        "child", "first"
    )


def _like(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")
