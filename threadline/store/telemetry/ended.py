"""Contracts that are over, and the facts that speak of them alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import polars as pl

from threadline.store.telemetry import Telemetry

# Contracts of which a part was elsewhere at another time stay: their facts are not theirs alone.
_OVER = """
SELECT root_id FROM cases FINAL
WHERE root_id NOT IN (SELECT root_id FROM tenures FINAL)
GROUP BY root_id
HAVING countIf(completed_at IS NULL AND cancelled_at IS NULL) = 0
    AND max(coalesce(completed_at, cancelled_at)) <= {until:DateTime64(9, 'UTC')}
ORDER BY root_id
"""

# Every fact of the traces in which one of `roots` is spoken of, with each root it speaks of; '' for
# none. A fact outside of traces is by itself.
_NEIGHBOURS = """
WITH attributed AS (
    SELECT fact_id, if(trace_id = '', fact_id, trace_id) AS trace, root_id
    FROM (SELECT object_type, namespace, value, fact_id, trace_id FROM mentions FINAL) AS m
    INNER JOIN (
        SELECT object_type, namespace, value, root_id FROM identifiers FINAL
        WHERE object_type IN {linked:Array(String)}
    ) AS i USING (object_type, namespace, value)
), touched AS (
    SELECT DISTINCT trace FROM attributed WHERE root_id IN {roots:Array(String)}
)
SELECT f.trace AS trace, f.fact_id AS fact_id, a.root_id AS root_id, f.received_at AS received_at
FROM (
    SELECT if(trace_id = '', fact_id, trace_id) AS trace, fact_id, max(received_at) AS received_at
    FROM facts WHERE trace IN touched GROUP BY trace, fact_id
) AS f
LEFT JOIN attributed AS a ON a.fact_id = f.fact_id
"""


class Ended(NamedTuple):
    """Contracts, and the ids of all facts in the traces that speak of them and of nothing else."""

    roots: list[str]
    facts: list[str]


def ended(telemetry: Telemetry, until: datetime, linked: Collection[str]) -> Ended:
    """Contracts whose cases were all over by `until`, of which nothing was received since.

    Only those whose facts share no trace with what stays: what a trace says of a fact without
    identifiers hangs on all of it. `linked` are the object types that tie.
    """
    roots = set(telemetry.query(_OVER, {"until": until})["root_id"])
    asked = {"roots": sorted(roots), "linked": sorted(linked)}
    rows = telemetry.query(_NEIGHBOURS, asked)
    late = rows.filter(pl.col("received_at") > until)
    roots -= set(late["root_id"])
    while roots:
        foreign = rows.filter(~pl.col("root_id").is_in(roots))["trace"].unique()
        mixed = rows.filter(pl.col("trace").is_in(foreign.implode()))["root_id"]
        if not roots & set(mixed):
            break
        roots -= set(mixed)
    facts = rows.filter(pl.col("root_id").is_in(roots))["fact_id"].unique().sort()
    return Ended(roots=sorted(roots), facts=facts.to_list())
