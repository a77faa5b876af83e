"""Finding contracts and facts by what a person has at hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import polars as pl

from threadline.store.telemetry import Telemetry

_NAME = ["object_type", "namespace", "value"]

# Whoever names it in full gives the value too, so that the projection `by_lower` finds either. It
# has all versions: taking the last of each afterwards costs a third of what FINAL does.
_BY_VALUE = f"""
SELECT {", ".join(_NAME)}, object_id, root_id, owner_id, generation, deleted,
    lower(value) AS folded
FROM identifiers
WHERE lower(value) IN {{values:Array(String)}}
SETTINGS max_threads = 1
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

_SAID_IN_TRACE = """
SELECT DISTINCT trace_id, identifiers, span_links FROM (
    SELECT trace_id, identifiers, span_links FROM facts
    WHERE startsWith(trace_id, lower({text:String}))
    ORDER BY mapping_revision DESC, content_hash DESC LIMIT 1 BY fact_id)
"""

_SAID_IN_TRACES = """
SELECT DISTINCT arrayJoin(identifiers) AS name FROM facts WHERE trace_id IN {traces:Array(String)}
"""

_PLACES = """
SELECT concat(object_type, ':', namespace, ':', value) AS name, object_id, root_id
FROM identifiers FINAL
WHERE (object_type, namespace, value) IN {names:Array(Tuple(String, String, String))}
    AND root_id != ''
"""

_TRACES_OF = """
SELECT DISTINCT concat(object_type, ':', namespace, ':', value) AS name, trace_id
FROM mentions FINAL
WHERE (object_type, namespace, value) IN {names:Array(Tuple(String, String, String))}
    AND startsWith(trace_id, lower({text:String}))
"""

_LINKS_AT = """
SELECT * EXCEPT (generation, deleted) FROM links FINAL
WHERE (child_type, child_namespace, child_value) =
        ({type:String}, {namespace:String}, {value:String})
    OR (parent_type, parent_namespace, parent_value) =
        ({type:String}, {namespace:String}, {value:String})
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
    lowered = sorted({_lower(spelling) for spelling in spellings})
    asked: dict[str, Any] = {"text": text, "spellings": lowered, "limit": limit}
    values = sorted({*lowered, _lower(text.split(":", 2)[-1])})
    versions = telemetry.query(_BY_VALUE, {"values": values}).sort(*_NAME, "generation")
    in_full = pl.concat_str(_NAME, separator=":") == text
    found = versions.unique(_NAME, keep="last", maintain_order=True).filter(
        pl.col("deleted") == 0, in_full | pl.col("folded").is_in(lowered)
    )
    found = found.drop("generation", "deleted", "folded").head(limit)
    if found.is_empty() and unlinked:
        asked["types"] = sorted(unlinked)
        named = _by_named(telemetry, _NAMED_EXACTLY, asked)
        found = found if named is None else named.with_columns(owner_id=pl.lit(""))
    return found


def by_trace(telemetry: Telemetry, prefix: str, limit: int = 50) -> pl.DataFrame:
    """Contracts with facts in a trace whose hex id begins with `prefix`; columns as `exact`.

    What a trace speaks of is named in it, or in a trace that it links to.
    """
    said = telemetry.query(_SAID_IN_TRACE, {"text": prefix})
    own = said.select("trace_id", name="identifiers").explode("name").drop_nulls()
    linked = {link.split(":", 1)[0] for link in said["span_links"].explode().drop_nulls()}
    if linked:
        more = telemetry.query(_SAID_IN_TRACES, {"traces": sorted(linked)})["name"]
        asked = {"names": _split(more), "text": prefix}
        own = pl.concat([own, telemetry.query(_TRACES_OF, asked)], how="diagonal")
    places = telemetry.query(_PLACES, {"names": _split(own["name"].unique())})
    found = own.join(places, on="name").select(
        pl.lit("trace").alias("object_type"),
        pl.lit("").alias("namespace"),
        pl.col("trace_id").alias("value"),
        "object_id",
        "root_id",
    )
    return found.unique(["value", "root_id"]).sort("value", "root_id").head(limit)


def _split(names: Iterable[str]) -> list[tuple[str, ...]]:
    return [tuple(name.split(":", 2)) for name in names]


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


def links_at(telemetry: Telemetry, identifier: str) -> pl.DataFrame:
    """All ties with `identifier` (`type:namespace:value`) at an end, in the columns of `links`."""
    parts = zip(("type", "namespace", "value"), identifier.split(":", 2), strict=True)
    return telemetry.query(_LINKS_AT, dict(parts))


def _by_named(telemetry: Telemetry, named: str, asked: dict[str, Any]) -> pl.DataFrame | None:
    """What facts that mention `named` lead to; None where nobody does, which costs little."""
    if telemetry.query(named.replace("LIMIT 10000", "LIMIT 1"), asked).is_empty():
        return None
    return telemetry.query(_BY_NAMED.replace("NAMED", named), asked)


def _lower(text: str) -> str:
    """As the engine's `lower`, which leaves alone what is not ASCII."""
    return text.encode().lower().decode()
