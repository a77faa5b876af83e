"""Finding contracts and facts by what a person has at hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.tenures import reading

Name = tuple[str, str, str]  # object type, namespace, value
_NAME = ["object_type", "namespace", "value"]

# Whoever names it in full gives the value too, so that the index on `lower(value)` finds either.
# The value is part of the key: what the index leaves out holds no other version of what it finds.
_BY_VALUE = """
SELECT object_type, namespace, value, object_id, root_id, owner_id FROM identifiers FINAL
WHERE lower(value) IN {values:Array(String)}
    AND (lower(value) IN {spellings:Array(String)}
        OR concat(object_type, ':', namespace, ':', value) = {text:String})
SETTINGS use_skip_indexes_if_final_exact_mode = 0
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
_NAMED_BY_PART = """
SELECT object_type, namespace, value, fact_id FROM mentions FINAL
WHERE positionCaseInsensitiveUTF8(value, {text:String}) > 0 AND object_type IN {types:Array(String)}
LIMIT 10000
"""

_NAMED_EXACTLY = """
SELECT object_type, namespace, value, fact_id FROM mentions FINAL
WHERE lower(value) IN {spellings:Array(String)} AND object_type IN {types:Array(String)}
LIMIT 10000
"""

_BY_NAMED = """
WITH named AS (NAMED)
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

# What a trace speaks of is named in it or in a trace that it links to.
_SAID_IN_TRACE = """
WITH told AS (
    SELECT identifiers, span_links FROM facts WHERE startsWith(trace_id, lower({text:String})))
SELECT DISTINCT splitByChar(':', identifier)[1] AS object_type,
    splitByChar(':', identifier)[2] AS namespace,
    arrayStringConcat(arraySlice(splitByChar(':', identifier), 3), ':') AS value
FROM (
    SELECT arrayJoin(identifiers) AS identifier FROM told
    UNION ALL SELECT arrayJoin(identifiers) FROM facts
    WHERE trace_id IN (SELECT substring(arrayJoin(span_links), 1, 32) FROM told))
"""

_BY_TRACE = """
SELECT DISTINCT 'trace' AS object_type, '' AS namespace, m.trace_id AS value,
    i.object_id AS object_id, i.root_id AS root_id
FROM (SELECT object_type, namespace, value, object_id, root_id FROM identifiers FINAL
      WHERE (object_type, namespace, value) IN {names:Array(Tuple(String, String, String))}
          AND root_id != '') AS i
INNER JOIN (
    SELECT DISTINCT object_type, namespace, value, trace_id FROM mentions FINAL
    WHERE (object_type, namespace, value) IN {names:Array(Tuple(String, String, String))}
        AND startsWith(trace_id, lower({text:String}))) AS m
    ON i.object_type = m.object_type AND i.namespace = m.namespace AND i.value = m.value
ORDER BY value, root_id LIMIT {limit:UInt32}
"""

_NAMES_OF = """
SELECT object_type, namespace, value FROM identifiers WHERE root_id IN {roots:Array(String)}
UNION ALL
SELECT object_type, namespace, value FROM tenures WHERE root_id IN {roots:Array(String)}
"""

_PLACED = (
    "(object_type, namespace, value) IN {names:Array(Tuple(String, String, String))}"
    " AND root_id IN {roots:Array(String)}"
)

_LINKS_AT = """
SELECT * EXCEPT (generation, deleted) FROM links FINAL
WHERE (child_type, child_namespace, child_value) =
        ({type:String}, {namespace:String}, {value:String})
    OR (parent_type, parent_namespace, parent_value) =
        ({type:String}, {namespace:String}, {value:String})
"""

_LINK = """kind, child_type, child_namespace, child_value,
    parent_type, parent_namespace, parent_value"""

_KEY = [name.strip() for name in _LINK.split(",")]

# Nothing here is sorted or made distinct by the engine: for that it would give up a projection, or
# merge in order, which takes longer than sorting a few rows afterwards.
_LINKS_OF = """
SELECT * EXCEPT (generation, deleted) FROM links FINAL
WHERE (child_type, child_namespace, child_value) IN {here:Array(Tuple(String, String, String))}
"""

# Of all versions, which costs little: those that are current are read by their keys.
_KEYS_TO = f"""
SELECT {_LINK} FROM links
WHERE (parent_type, parent_namespace, parent_value) IN
    {{here:Array(Tuple(String, String, String))}}
"""

_LINKS_BY_KEY = f"""
SELECT * EXCEPT (generation, deleted) FROM links FINAL
WHERE ({_LINK}) IN
    {{keys:Array(Tuple(String, String, String, String, String, String, String))}}
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
    asked: dict[str, Any] = {"text": text, "spellings": lowered, "limit": limit}
    asked["values"] = [*lowered, _lower(text.split(":", 2)[-1])]
    found = telemetry.query(_BY_VALUE, asked).sort(_NAME).head(limit)
    if found.is_empty() and unlinked:
        asked["types"] = sorted(unlinked)
        named = _by_named(telemetry, _NAMED_EXACTLY, asked)
        found = found if named is None else named.with_columns(owner_id=pl.lit(""))
    return found


def by_trace(telemetry: Telemetry, prefix: str, limit: int = 50) -> pl.DataFrame:
    """Contracts with facts in a trace whose hex id begins with `prefix`; columns as `exact`."""
    said = telemetry.query(_SAID_IN_TRACE, {"text": prefix})
    return telemetry.query(_BY_TRACE, {"text": prefix, "names": said.rows(), "limit": limit})


def by_part(
    telemetry: Telemetry, text: str, *, unlinked: Collection[str], limit: int = 50
) -> pl.DataFrame:
    """Identifiers holding `text` in any case, whole matches first; columns as `exact`.

    Names of the types in `unlinked` are found through the facts that speak of them.
    """
    found = telemetry.query(_BY_PART, {"text": text, "limit": limit})
    if found.height < limit:
        asked = {"text": text, "types": sorted(unlinked), "limit": limit - found.height}
        named = _by_named(telemetry, _NAMED_BY_PART, asked)
        found = found if named is None else pl.concat([found, named], how="vertical_relaxed")
    return found


def identifiers_of(telemetry: Telemetry, roots: Sequence[str]) -> pl.DataFrame:
    """Every identifier that ever resolves to one of `roots`, and when: valid_from, valid_to."""
    asked = {"roots": list(roots)}
    names = telemetry.query(_NAMES_OF, asked).unique().rows()
    placed = reading(telemetry).places(_PLACED)
    return telemetry.query(placed, {**asked, "names": names}).sort(*_NAME, "valid_from")


def links_at(telemetry: Telemetry, identifier: str) -> pl.DataFrame:
    """All ties with `identifier` (`type:namespace:value`) at an end, in the columns of `links`."""
    parts = zip(("type", "namespace", "value"), identifier.split(":", 2), strict=True)
    return telemetry.query(_LINKS_AT, dict(parts))


def links_of(telemetry: Telemetry, members: Sequence[Name]) -> pl.DataFrame:
    """All evidence about `members`, whatever its state, in the columns of `links`."""
    asked = {"here": list(members)}
    links, here = telemetry.query(_LINKS_OF, asked), set(members)
    keys = {key for key in telemetry.query(_KEYS_TO, asked).rows() if key[1:4] not in here}
    if keys:
        others = telemetry.query(_LINKS_BY_KEY, {"keys": sorted(keys)})
        links = pl.concat([links, others])
    return links.sort(*_KEY, "valid_from", "valid_to")


def _by_named(telemetry: Telemetry, named: str, asked: dict[str, Any]) -> pl.DataFrame | None:
    """What facts that mention `named` lead to; None where nobody does, which costs little."""
    if telemetry.query(named.replace("LIMIT 10000", "LIMIT 1"), asked).is_empty():
        return None
    return telemetry.query(_BY_NAMED.replace("NAMED", named), asked)


def _lower(text: str) -> str:
    """As the engine's `lower`, which leaves alone what is not ASCII."""
    return text.encode().lower().decode()
