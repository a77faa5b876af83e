"""What was observed of one contract, and each observation down to its input."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.tenures import ELSEWHERE, EVER_UNDER

_FACT = """fact_id, content_hash, kind, source, system, name, span_id, parent_span_id, trace_id,
    occurred_at, ended_at, at, plausible, outcome, message, annotations, received_at"""

# `of` counts what a fact speaks of; speaking of more than what is here makes it shared, unless it
# is an event that names the contract by itself.
_FACTS_OF = f"""
WITH here AS ({EVER_UNDER}),
spoken AS (
    SELECT fact_id, any(trace_id) AS trace_id, any(content_hash) AS content_hash, any(how) AS how,
        max(of) AS of, any(kind) AS kind,
        arraySort(groupUniqArray(concat(object_type, ':', namespace, ':', value))) AS objects
    FROM mentions FINAL WHERE (object_type, namespace, value) IN here
        AND (object_type, namespace, value, fact_id) NOT IN ({ELSEWHERE})
    GROUP BY fact_id)
SELECT f.*, s.objects AS objects,
    if((s.spoken_kind = 'span' OR s.spoken_how != 'own') AND length(s.objects) < s.spoken_of,
       'shared', s.spoken_how) AS how
FROM (
    SELECT {_FACT} FROM facts FINAL
    WHERE (trace_id, fact_id) IN (SELECT trace_id, fact_id FROM spoken)
    ORDER BY mapping_revision DESC LIMIT 1 BY fact_id, content_hash) AS f
INNER JOIN (
    SELECT fact_id, content_hash, objects, how AS spoken_how, of AS spoken_of, kind AS spoken_kind
    FROM spoken) AS s ON s.fact_id = f.fact_id AND s.content_hash = f.content_hash
ORDER BY f.at IS NULL OR NOT f.plausible, f.at, f.fact_id LIMIT {{limit:UInt32}}
"""

_COUNT_OF = f"""
SELECT uniqExact(fact_id) AS facts FROM mentions FINAL
WHERE (object_type, namespace, value) IN ({EVER_UNDER})
    AND (object_type, namespace, value, fact_id) NOT IN ({ELSEWHERE})
"""

# Spans that have spans below them: the only ones that can stand above a contract.
_INNER_SPANS = f"""
SELECT {_FACT} FROM facts FINAL
WHERE trace_id IN {{traces:Array(String)}} AND kind = 'span' AND (trace_id, span_id) IN
        (SELECT trace_id, parent_span_id FROM facts
         WHERE trace_id IN {{traces:Array(String)}} AND parent_span_id != '')
    AND fact_id NOT IN (SELECT fact_id FROM mentions FINAL
                        WHERE trace_id IN {{traces:Array(String)}} AND how = 'own')
ORDER BY mapping_revision DESC, content_hash LIMIT 1 BY fact_id
LIMIT 20000
"""

# Names that never link, such as the customer: said by facts, and tying nothing.
_NAMED_BESIDE = """
SELECT object_type, groupUniqArray(10)(value) AS values FROM mentions FINAL
WHERE object_type IN {types:Array(String)} AND fact_id IN {facts:Array(String)} AND how = 'own'
GROUP BY object_type ORDER BY object_type
"""

_FACT_VERSIONS = """
SELECT * EXCEPT (earliness) FROM facts FINAL WHERE fact_id = {fact_id:String}
ORDER BY mapping_revision DESC, content_hash
"""

_MENTIONED_BY = """
SELECT object_type, namespace, value, how, content_hash FROM mentions FINAL
WHERE fact_id = {fact_id:String} ORDER BY object_type, namespace, value
"""


def facts_of(telemetry: Telemetry, root: str, limit: int = 2000) -> tuple[pl.DataFrame, int]:
    """Facts of the contract `root`, and how many there are; those with no plausible time last.

    Besides the fact's own columns: `objects` (which of the contract's identifiers it names) and
    `how` (own, ancestor, trace, link or shared). Shared spans above its own are included.
    """
    facts = telemetry.query(_FACTS_OF, {"root": root, "limit": limit})
    total = telemetry.query(_COUNT_OF, {"root": root}).item()
    above = _above(telemetry, facts)
    if above.height:
        facts = pl.concat([facts, above], how="diagonal_relaxed")
        untimed = pl.col("at").is_null() | ~pl.col("plausible")
        facts = facts.sort(untimed, "at", "fact_id")
    return facts, int(total) + above.height


def named_beside(
    telemetry: Telemetry, facts: Sequence[str], types: Collection[str]
) -> pl.DataFrame:
    """What `facts` also name of object types that never link: object_type, values (ten at most)."""
    return telemetry.query(_NAMED_BESIDE, {"facts": list(facts), "types": sorted(types)})


def versions_of(telemetry: Telemetry, fact_id: str) -> pl.DataFrame:
    """Every version of a fact under every mapping revision, newest revision first."""
    return telemetry.query(_FACT_VERSIONS, {"fact_id": fact_id})


def mentioned_by(telemetry: Telemetry, fact_id: str) -> pl.DataFrame:
    """The identifiers a fact speaks of: object_type, namespace, value, how, content_hash."""
    return telemetry.query(_MENTIONED_BY, {"fact_id": fact_id})


def _above(telemetry: Telemetry, facts: pl.DataFrame) -> pl.DataFrame:
    spans = facts.filter((pl.col("kind") == "span") & (pl.col("parent_span_id") != ""))
    traces = spans["trace_id"].unique().sort().to_list()
    if not traces:
        return facts.clear()
    inner = telemetry.query(_INNER_SPANS, {"traces": traces[:1000]})
    inner = inner.filter(~pl.col("fact_id").is_in(facts["fact_id"].implode()))
    parents = {
        (trace, span): (trace, parent)
        for trace, span, parent in inner.select("trace_id", "span_id", "parent_span_id").rows()
    }
    wanted = set()
    climbing = spans.select("trace_id", "parent_span_id").rows()
    while climbing:
        place = climbing.pop()
        if place in parents and place not in wanted:
            wanted.add(place)
            climbing.append(parents[place])
    keep = [place in wanted for place in inner.select("trace_id", "span_id").rows()]
    return inner.filter(pl.Series(keep, dtype=pl.Boolean)).with_columns(
        objects=pl.lit([], dtype=pl.List(pl.String)), how=pl.lit("shared")
    )
