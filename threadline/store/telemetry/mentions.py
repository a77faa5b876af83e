"""Who still names an identifier."""

from __future__ import annotations

import polars as pl

from threadline.store.telemetry import Telemetry

_NAMED_BY_OTHERS = """
SELECT DISTINCT concat(object_type, ':', namespace, ':', value) AS identifier FROM mentions FINAL
WHERE how = 'own' AND fact_id NOT IN {facts:Array(String)}
    AND (object_type, namespace, value) IN (
        SELECT parts[1], parts[2], arrayStringConcat(arraySlice(parts, 3), ':')
        FROM (SELECT splitByChar(':', arrayJoin({identifiers:Array(String)})) AS parts))
"""


def named_by_others(telemetry: Telemetry, identifiers: list[str], facts: list[str]) -> set[str]:
    """Which of `identifiers` (`type:namespace:value`) facts other than `facts` name themselves."""
    parameters = {"identifiers": identifiers, "facts": facts}
    found: pl.DataFrame = telemetry.query(_NAMED_BY_OTHERS, parameters)
    return set(found["identifier"])
