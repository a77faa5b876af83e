"""Facts by trace, by what they name, and which traces there are."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from threadline.store.telemetry import Telemetry

# Without FINAL: the caller settles versions anyway, and merging them while reading costs the most.
_STORED = "SELECT * EXCEPT (attributes, earliness) FROM facts"

_OF_GROUPS = f"""
{_STORED} WHERE trace_id IN {{traces:Array(String)}}
UNION ALL
{_STORED} WHERE trace_id = '' AND fact_id IN {{facts:Array(String)}}
"""

# The table of mentions is sorted by identifier; it says where the facts are.
_NAMING = f"""
WITH wanted AS (
    SELECT splitByChar(':', arrayJoin({{identifiers:Array(String)}})) AS parts
), places AS (
    SELECT trace_id, fact_id FROM mentions FINAL
    WHERE how = 'own' AND (object_type, namespace, value) IN (
        SELECT parts[1], parts[2], arrayStringConcat(arraySlice(parts, 3), ':') FROM wanted)
)
{_STORED} WHERE (trace_id, fact_id) IN places
"""

# The last 64 bits of an id: enough to tell what was never stored.
_BITS = "reinterpretAsUInt64(reverse(unhex(right({}, 16))))"

_GROUPS = f"""
SELECT DISTINCT {_BITS.format("if(trace_id = '', fact_id, trace_id)")} AS key FROM facts
"""
_AWAITED = f"SELECT DISTINCT {_BITS.format('target_trace_id')} AS key FROM trace_links"

_NAMED = f"{_STORED} WHERE name IN {{names:Array(String)}}"

_LINKING = """
SELECT DISTINCT trace_id FROM trace_links WHERE target_trace_id IN {traces:Array(String)}
"""


def of_groups(telemetry: Telemetry, traces: pl.Series, facts: pl.Series) -> pl.DataFrame:
    """All versions of the facts of `traces`, and of those `facts` (by id) that have no trace.

    Columns as in the table, but for `attributes` and `earliness`. A version that was sent again may
    come several times.
    """
    return telemetry.query(_OF_GROUPS, {"traces": traces.to_list(), "facts": facts.to_list()})


def naming(telemetry: Telemetry, identifiers: list[str]) -> pl.DataFrame:
    """All versions of the facts that name one of `identifiers` (`type:namespace:value`) themselves.

    A fact is found by what its winning version names. Columns as `of_groups`.
    """
    return telemetry.query(_NAMING, {"identifiers": identifiers})


def named(telemetry: Telemetry, names: Collection[str]) -> pl.DataFrame:
    """All versions of the facts that are called one of `names`; columns as `of_groups`."""
    return telemetry.query(_NAMED, {"names": sorted(names)})


def linking(telemetry: Telemetry, traces: pl.Series) -> pl.Series:
    """The traces with spans that link to spans of `traces`."""
    return telemetry.query(_LINKING, {"traces": traces.to_list()})["trace_id"]


def groups(telemetry: Telemetry) -> pl.Series:
    """The last 64 bits of the id of every stored trace, and of every fact outside of traces."""
    return telemetry.query(_GROUPS)["key"]


def awaited(telemetry: Telemetry) -> pl.Series:
    """The last 64 bits of the id of every trace that some span links to."""
    return telemetry.query(_AWAITED)["key"]
