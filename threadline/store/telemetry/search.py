"""Finding contracts and facts by what a person has at hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.tenures import EVER_UNDER, places

_BY_VALUE = """
SELECT object_type, namespace, value, object_id, root_id, owner_id FROM identifiers FINAL
WHERE lower(value) IN {spellings:Array(String)}
    OR concat(object_type, ':', namespace, ':', value) = {text:String}
ORDER BY object_type, namespace, value LIMIT {limit:UInt32}
"""

_BY_PART = """
SELECT object_type, namespace, value, object_id, root_id FROM identifiers FINAL
WHERE positionCaseInsensitiveUTF8(value, {text:String}) > 0
ORDER BY lower(value) != lower({text:String}), positionCaseInsensitiveUTF8(value, {text:String}),
    length(value), object_type, namespace, value
LIMIT {limit:UInt32}
"""

# Identifiers that never link (customers, suppliers) resolve to nothing themselves: the facts that
# name them lead to the contracts those facts speak of.
_BY_NAMED_TEMPLATE = """
WITH named AS (
    SELECT object_type, namespace, value, fact_id FROM mentions FINAL
    WHERE MATCHES
      AND object_type IN {types:Array(String)}
    LIMIT 10000)
SELECT DISTINCT n.object_type AS object_type, n.namespace AS namespace, n.value AS value,
    i.object_id AS object_id, i.root_id AS root_id
FROM (SELECT object_type, namespace, value, fact_id FROM mentions FINAL
      WHERE fact_id IN (SELECT fact_id FROM named) AND how = 'own') AS m
INNER JOIN named AS n ON n.fact_id = m.fact_id
INNER JOIN (SELECT object_type, namespace, value, object_id, root_id FROM identifiers FINAL
            WHERE root_id != '') AS i
    ON i.object_type = m.object_type AND i.namespace = m.namespace AND i.value = m.value
ORDER BY object_type, namespace, value, root_id LIMIT {limit:UInt32}
"""

_BY_NAMED = _BY_NAMED_TEMPLATE.replace(
    "MATCHES", "positionCaseInsensitiveUTF8(value, {text:String}) > 0"
)
_BY_EXACT_NAME = _BY_NAMED_TEMPLATE.replace("MATCHES", "lower(value) IN {spellings:Array(String)}")

_BY_TRACE = """
SELECT DISTINCT 'trace' AS object_type, '' AS namespace, m.trace_id AS value,
    i.object_id AS object_id, i.root_id AS root_id
FROM (SELECT DISTINCT object_type, namespace, value, trace_id FROM mentions FINAL
      WHERE startsWith(trace_id, lower({text:String}))) AS m
INNER JOIN (SELECT object_type, namespace, value, object_id, root_id FROM identifiers FINAL
            WHERE root_id != '') AS i
    ON i.object_type = m.object_type AND i.namespace = m.namespace AND i.value = m.value
ORDER BY value, root_id LIMIT {limit:UInt32}
"""

_IDENTIFIERS_OF = f"""
SELECT * FROM ({places("root_id IN {roots:Array(String)}")})
ORDER BY object_type, namespace, value, valid_from
"""

_LINKS_AT = """
SELECT * EXCEPT (generation, deleted) FROM links FINAL
WHERE (child_type, child_namespace, child_value) =
        ({type:String}, {namespace:String}, {value:String})
    OR (parent_type, parent_namespace, parent_value) =
        ({type:String}, {namespace:String}, {value:String})
"""

_LINKS_OF = f"""
SELECT * EXCEPT (generation, deleted) FROM links FINAL
WHERE (child_type, child_namespace, child_value) IN ({EVER_UNDER})
   OR (parent_type, parent_namespace, parent_value) IN ({EVER_UNDER})
ORDER BY kind, child_type, child_namespace, child_value, parent_type, parent_namespace, parent_value
"""


def exact(
    telemetry: Telemetry,
    text: str,
    *,
    spellings: Collection[str],
    unlinked: Collection[str],
    limit: int = 50,
) -> pl.DataFrame:
    """Identifiers whose value is one of `spellings` in any case, or that `text` names in full.

    In full is `type:namespace:value`. Names of the types in `unlinked`, which never link, lead to
    the contracts of the facts that speak of them. Columns: object_type, namespace, value,
    object_id, root_id ('' for an orphan), owner_id.
    """
    lowered = sorted({spelling.lower() for spelling in spellings})
    asked = {"text": text, "spellings": lowered, "types": sorted(unlinked), "limit": limit}
    found = telemetry.query(_BY_VALUE, asked)
    if found.is_empty() and unlinked:
        found = telemetry.query(_BY_EXACT_NAME, asked).with_columns(owner_id=pl.lit(""))
    return found


def by_trace(telemetry: Telemetry, prefix: str, limit: int = 50) -> pl.DataFrame:
    """Contracts with facts in a trace whose hex id begins with `prefix`; columns as `exact`."""
    return telemetry.query(_BY_TRACE, {"text": prefix, "limit": limit})


def by_part(
    telemetry: Telemetry, text: str, *, unlinked: Collection[str], limit: int = 50
) -> pl.DataFrame:
    """Identifiers holding `text` in any case, whole matches first; columns as `exact`.

    Names of the types in `unlinked` are found through the facts that speak of them.
    """
    found = telemetry.query(_BY_PART, {"text": text, "limit": limit})
    if found.height < limit:
        asked = {"text": text, "types": sorted(unlinked), "limit": limit - found.height}
        named = telemetry.query(_BY_NAMED, asked)
        found = pl.concat([found, named], how="vertical_relaxed") if named.height else found
    return found


def identifiers_of(telemetry: Telemetry, roots: Sequence[str]) -> pl.DataFrame:
    """Every identifier that ever resolves to one of `roots`, and when: valid_from, valid_to."""
    return telemetry.query(_IDENTIFIERS_OF, {"roots": list(roots)})


def links_at(telemetry: Telemetry, identifier: str) -> pl.DataFrame:
    """All ties with `identifier` (`type:namespace:value`) at an end, in the columns of `links`."""
    parts = zip(("type", "namespace", "value"), identifier.split(":", 2), strict=True)
    return telemetry.query(_LINKS_AT, dict(parts))


def links_of(telemetry: Telemetry, root: str) -> pl.DataFrame:
    """All evidence about identifiers of `root`, whatever its state, in the columns of `links`."""
    return telemetry.query(_LINKS_OF, {"root": root})
