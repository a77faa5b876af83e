"""What the metrics room derives cases from: the facts of some roots, as their objects see them."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from threadline.store.telemetry import Telemetry

# Keys first, of all versions, by the projections; then what is current of them. Without a key,
# FINAL reads a whole table.
_HERE = """(
    SELECT object_type, namespace, value FROM identifiers WHERE root_id IN {roots:Array(String)})"""

_MEMBERS = f"""
SELECT root_id, object_type, object_id, owner_id, namespace, value
FROM identifiers FINAL
WHERE root_id IN {{roots:Array(String)}} AND (object_type, namespace, value) IN {_HERE}
"""

# A fact that speaks of several roots is evidence only when it names them itself and is not a span.
_OBSERVATIONS = """
WITH members AS (MEMBERS),
seen AS (
    SELECT members.root_id AS root_id, object_type, members.object_id AS object_id,
        members.owner_id AS owner_id, namespace, value, fact_id, kind, source, system, name,
        outcome, message, at, occurred_at, plausible, sampled, payload, received_at, how, of,
        uniqExact(object_type, namespace, value) OVER (PARTITION BY root_id, fact_id) AS here
    FROM mentions FINAL
    INNER JOIN members USING (object_type, namespace, value)
    WHERE (object_type, namespace, value) IN (SELECT object_type, namespace, value FROM members)
        AND (name IN {names:Array(String)} OR payload != '{}'
            OR arrayExists(pattern -> name LIKE pattern, {patterns:Array(String)}))
)
SELECT * EXCEPT (of, here), here = of AS whole FROM seen
WHERE (how = 'own' AND kind != 'span') OR here = of
""".replace("MEMBERS", _MEMBERS)

_LINK = """kind, child_type, child_namespace, child_value,
    parent_type, parent_namespace, parent_value"""

_RELATIONS = f"""
WITH tied AS (
    SELECT {_LINK} FROM links FINAL
    WHERE kind NOT IN ('same_as', 'belongs_to') AND state = 'held' AND ({_LINK}) IN (
        SELECT {_LINK} FROM links WHERE kind NOT IN ('same_as', 'belongs_to')
            AND (child_type, child_namespace, child_value) IN {_HERE}
        UNION ALL
        SELECT {_LINK} FROM links WHERE (parent_type, parent_namespace, parent_value) IN {_HERE})
), ends AS (
    SELECT * FROM identifiers FINAL WHERE (object_type, namespace, value) IN (
        SELECT child_type, child_namespace, child_value FROM tied
        UNION ALL SELECT parent_type, parent_namespace, parent_value FROM tied)
)
SELECT DISTINCT tied.kind AS kind, child.object_id AS child_id, parent.object_id AS parent_id
FROM tied
INNER JOIN ends AS child
    ON child.object_type = child_type AND child.namespace = child_namespace
        AND child.value = child_value
INNER JOIN ends AS parent
    ON parent.object_type = parent_type AND parent.namespace = parent_namespace
        AND parent.value = parent_value
WHERE child.root_id IN {{roots:Array(String)}} OR parent.root_id IN {{roots:Array(String)}}
"""


def members(telemetry: Telemetry, roots: Collection[str]) -> pl.DataFrame:
    """The identifiers of all objects under `roots`; empty when none is known."""
    return telemetry.query(_MEMBERS, {"roots": sorted(roots)})


def observations(
    telemetry: Telemetry, roots: Collection[str], names: Collection[str]
) -> pl.DataFrame:
    """One row per root, identifier and fact: facts called one of `names` or carrying a payload.

    A `*` in a name stands for anything. `whole`: all that the fact speaks of is under the root.
    """
    patterns = [_like(name) for name in names if "*" in name]
    exact = [name for name in names if "*" not in name]
    asked = {"roots": sorted(roots), "names": sorted(exact), "patterns": sorted(patterns)}
    return telemetry.query(_OBSERVATIONS, asked)


def relations(telemetry: Telemetry, roots: Collection[str]) -> pl.DataFrame:
    """Held relations (`bills`, `orders`, `amends`…) that touch an object under `roots`."""
    return telemetry.query(_RELATIONS, {"roots": sorted(roots)})


def _like(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")
