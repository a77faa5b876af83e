"""Ties that do not hold, and facts that belong to no contract: what people have to look into."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.tenures import reading

_NOT_HELD = """
SELECT kind, child_type, child_namespace, child_value, parent_type, parent_namespace, parent_value,
    at, fact_id, system, state, reason
FROM links FINAL
WHERE state != 'held' AND ({kind:String} = '' OR kind = {kind:String})
    AND ({system:String} = '' OR system = {system:String})
    AND ({state:String} = '' OR state = {state:String})
"""

_CONFLICTS = f"""
SELECT l.kind AS kind, concat(child_type, ':', child_namespace, ':', child_value) AS child,
    concat(parent_type, ':', parent_namespace, ':', parent_value) AS parent, l.at AS at,
    l.fact_id AS fact_id, l.system AS system, l.state AS state, l.reason AS reason,
    arrayFilter(root -> root != '', arrayDistinct([c.root_id, p.root_id])) AS roots
FROM ({_NOT_HELD}) AS l
LEFT JOIN (SELECT * FROM identifiers FINAL) AS c ON c.object_type = l.child_type
    AND c.namespace = l.child_namespace AND c.value = l.child_value
LEFT JOIN (SELECT * FROM identifiers FINAL) AS p ON p.object_type = l.parent_type
    AND p.namespace = l.parent_namespace AND p.value = l.parent_value
WHERE (kind, child, parent) > ({{after_kind:String}}, {{after_child:String}},
    {{after_parent:String}})
ORDER BY kind, child, parent LIMIT 1 BY kind, child, parent LIMIT {{limit:UInt32}}
"""

_CONFLICT_COUNTS = """
SELECT system, kind, state, count() AS count FROM links FINAL
WHERE state != 'held' GROUP BY system, kind, state ORDER BY count DESC, system, kind, state
"""

# A fact is an orphan when as many of its identifiers lead to no root as it has.
ORPHANS = """
SELECT source, 'names-nobody' AS reason, fact_id, trace_id,
    CAST([], 'Array(String)') AS identifiers, received_at
FROM unattributed FINAL WHERE how = 'none' AND received_at >= {since:DateTime64(9, 'UTC')}
UNION ALL
SELECT source, 'not-tied' AS reason, fact_id, trace_id, identifiers, received_at FROM (
    SELECT any(source) AS source, fact_id, any(trace_id) AS trace_id,
        any(mentions.received_at) AS received_at,
        arraySort(groupArray(concat(object_type, ':', namespace, ':', value))) AS identifiers,
        any(of) AS speaks_of
    FROM mentions FINAL
    WHERE mentions.received_at >= {since:DateTime64(9, 'UTC')}
      AND ((object_type, namespace, value) IN (
            SELECT object_type, namespace, value FROM identifiers FINAL WHERE root_id = '')
        OR ADRIFT)
    GROUP BY fact_id)
WHERE length(identifiers) = speaks_of
"""

_PAGE_OF_ORPHANS = f"""
WITH page AS (
    SELECT * FROM ({ORPHANS})
    WHERE ({{source:String}} = '' OR source = {{source:String}})
        AND ({{reason:String}} = '' OR reason = {{reason:String}})
        AND (received_at, fact_id) < ({{before:DateTime64(9, 'UTC')}}, {{fact:String}})
    ORDER BY received_at DESC, fact_id DESC LIMIT {{limit:UInt32}})
SELECT page.source AS source, page.reason AS reason, page.fact_id AS fact_id, f.name AS name,
    f.at AS at, page.received_at AS received_at, page.identifiers AS identifiers
FROM page LEFT JOIN (
    SELECT fact_id, any(name) AS name, any(at) AS at FROM facts
    WHERE (trace_id, fact_id) IN (SELECT trace_id, fact_id FROM page) GROUP BY fact_id) AS f
    ON f.fact_id = page.fact_id
ORDER BY received_at DESC, fact_id DESC
"""

_ORPHAN_COUNTS = f"""
SELECT o.source AS source, o.reason AS reason, o.count AS count, f.facts AS facts
FROM (SELECT source, reason, count() AS count FROM ({ORPHANS}) GROUP BY source, reason) AS o
LEFT JOIN (
    SELECT source, uniqExact(fact_id) AS facts FROM facts
    WHERE received_at >= {{since:DateTime64(9, 'UTC')}} GROUP BY source) AS f
    ON f.source = o.source
ORDER BY count DESC, source, reason
"""


def conflicts(
    telemetry: Telemetry,
    *,
    kind: str = "",
    system: str = "",
    state: str = "",
    after: tuple[str, str, str] = ("", "", ""),
    limit: int,
) -> pl.DataFrame:
    """Ties in a state other than held, in the order of kind, child, parent, beyond `after`.

    Columns: kind, child, parent, at, fact_id, system, state, reason, roots (the contracts at either
    end).
    """
    place = dict(zip(("after_kind", "after_child", "after_parent"), after, strict=True))
    asked = {"kind": kind, "system": system, "state": state, "limit": limit}
    return telemetry.query(_CONFLICTS, {**asked, **place})


def conflict_counts(telemetry: Telemetry) -> pl.DataFrame:
    """How many of them by system, kind and state: columns of these names and count."""
    return telemetry.query(_CONFLICT_COUNTS)


def orphans(
    telemetry: Telemetry,
    since: datetime,
    before: tuple[datetime, str],
    *,
    source: str = "",
    reason: str = "",
    limit: int,
) -> pl.DataFrame:
    """Facts received from `since` on that belong to no contract, the last received first.

    `before` is the place (receipt, fact) to go on from. Columns: source, reason, fact_id, name, at,
    received_at, identifiers.
    """
    asked = {"source": source, "reason": reason, "limit": limit}
    place = {"since": since, "before": before[0], "fact": before[1]}
    page = _PAGE_OF_ORPHANS.replace("ADRIFT", reading(telemetry).adrift)
    return telemetry.query(page, {**asked, **place})


def orphan_counts(telemetry: Telemetry, since: datetime) -> pl.DataFrame:
    """How many of the facts received from `since` on, of `facts` of the source: source, reason,
    count, facts.
    """
    counts = _ORPHAN_COUNTS.replace("ADRIFT", reading(telemetry).adrift)
    return telemetry.query(counts, {"since": since})
