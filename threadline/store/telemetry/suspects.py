"""What suspicions are made of: orphaned identifiers, and who is named beside whom."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry

_WANTED = """
SELECT parts[1], parts[2], arrayStringConcat(arraySlice(parts, 3), ':')
FROM (SELECT splitByChar(':', arrayJoin({identifiers:Array(String)})) AS parts)
"""

_ORPHANED = """
SELECT * FROM (
SELECT concat(i.object_type, ':', i.namespace, ':', i.value) AS identifier, m.facts AS facts,
    m.last AS last, count() OVER () AS orphans
FROM (
    SELECT * FROM identifiers FINAL
    WHERE root_id = '' AND object_type NOT IN {never:Array(String)}) AS i
INNER JOIN (
    SELECT object_type, namespace, value, uniqExact(fact_id) AS facts, max(received_at) AS last
    FROM mentions FINAL WHERE how = 'own' AND (object_type, namespace, value) IN (
        SELECT object_type, namespace, value FROM identifiers FINAL WHERE root_id = '')
    GROUP BY object_type, namespace, value) AS m
    ON m.object_type = i.object_type AND m.namespace = i.namespace AND m.value = i.value
WHERE m.last >= {since:DateTime64(9, 'UTC')})
WHERE (last, identifier) < ({before:DateTime64(9, 'UTC')}, {name:String})
ORDER BY last DESC, identifier DESC LIMIT {limit:UInt32}
"""

_ROOTED = f"""
SELECT concat(object_type, ':', namespace, ':', value) AS identifier, root_id FROM identifiers FINAL
WHERE root_id != '' AND (object_type, namespace, value) IN ({_WANTED})
"""

_BESIDE = f"""
SELECT DISTINCT m.identifier AS identifier, concat(o.object_type, ':', o.namespace, ':', o.value)
    AS beside
FROM (
    SELECT concat(object_type, ':', namespace, ':', value) AS identifier, fact_id
    FROM mentions FINAL WHERE how = 'own' AND (object_type, namespace, value) IN ({_WANTED})) AS m
INNER JOIN (
    SELECT object_type, namespace, value, fact_id FROM mentions FINAL
    WHERE how = 'own' AND object_type IN {{never:Array(String)}}) AS o ON o.fact_id = m.fact_id
"""

_SHARING = """
SELECT DISTINCT concat(n.object_type, ':', n.namespace, ':', n.value) AS beside,
    i.root_id AS root_id
FROM (
    SELECT object_type, namespace, value, fact_id FROM mentions FINAL
    WHERE how = 'own' AND (object_type, namespace, value) IN (WANTED)) AS n
INNER JOIN (
    SELECT object_type, namespace, value, fact_id FROM mentions FINAL WHERE how = 'own') AS m
    ON m.fact_id = n.fact_id
INNER JOIN (SELECT * FROM identifiers FINAL WHERE root_id != '') AS i
    ON i.object_type = m.object_type AND i.namespace = m.namespace AND i.value = m.value
""".replace("WANTED", _WANTED)

# Owners that one object has beside each other. Where they go by names of different systems, nothing
# says whether they are one.
_BESIDE_EACH_OTHER = """
SELECT owners, any(root_id) AS root_id, count() AS objects FROM (
    SELECT c.object_id AS object_id, arraySort(groupUniqArray(p.object_id)) AS owners,
        any(p.root_id) AS root_id
    FROM (SELECT * FROM links FINAL WHERE kind = 'belongs_to' AND state = 'held') AS l
    INNER JOIN (SELECT * FROM identifiers FINAL) AS c ON c.object_type = l.child_type
        AND c.namespace = l.child_namespace AND c.value = l.child_value
    INNER JOIN (SELECT * FROM identifiers FINAL WHERE root_id != '') AS p
        ON p.object_type = l.parent_type AND p.namespace = l.parent_namespace
        AND p.value = l.parent_value
    GROUP BY object_id, p.object_type HAVING length(owners) > 1)
GROUP BY owners ORDER BY objects DESC, owners LIMIT {limit:UInt32}
"""

_TYPES_OF = """
SELECT root_id, groupUniqArray(object_type) AS types FROM identifiers FINAL
WHERE root_id IN {roots:Array(String)} GROUP BY root_id
"""


def orphaned(
    telemetry: Telemetry,
    never: Collection[str],
    since: datetime,
    before: tuple[datetime, str],
    limit: int,
) -> pl.DataFrame:
    """Identifiers that lead to no contract, those named last first: identifier, facts, last (when
    it was), orphans (how many were named from `since` on).

    `never` are the object types that never link; `before` is the place (last, identifier) to go on
    from.
    """
    place = {"since": since, "before": before[0], "name": before[1]}
    return telemetry.query(_ORPHANED, {"never": sorted(never), "limit": limit, **place})


def beside_each_other(telemetry: Telemetry, limit: int) -> pl.DataFrame:
    """Owners of one type that the same objects have: owners (a list), root_id, objects (number)."""
    return telemetry.query(_BESIDE_EACH_OTHER, {"limit": limit})


def rooted(telemetry: Telemetry, identifiers: Collection[str]) -> dict[str, str]:
    """Which of `identifiers` are known and lead to a contract, and to which."""
    return dict(telemetry.query(_ROOTED, {"identifiers": sorted(identifiers)}).iter_rows())


def beside(
    telemetry: Telemetry, identifiers: Collection[str], never: Collection[str]
) -> pl.DataFrame:
    """What facts that name one of `identifiers` name of the types `never`: identifier, beside."""
    asked = {"identifiers": sorted(identifiers), "never": sorted(never)}
    return telemetry.query(_BESIDE, asked)


def sharing(telemetry: Telemetry, names: Collection[str]) -> pl.DataFrame:
    """The contracts of facts that name one of `names` themselves: beside (the name), root_id."""
    return telemetry.query(_SHARING, {"identifiers": sorted(names)})


def types_of(telemetry: Telemetry, roots: Collection[str]) -> dict[str, set[str]]:
    """The object types that each of `roots` has objects of."""
    found = telemetry.query(_TYPES_OF, {"roots": sorted(roots)})
    return {root: set(types) for root, types in found.iter_rows()}
