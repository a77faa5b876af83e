"""What was observed of one contract, and each observation down to its input."""

from __future__ import annotations

import polars as pl

from threadline.store.telemetry import Telemetry

_FACT = """fact_id, content_hash, kind, source, system, name, span_id, parent_span_id, trace_id,
    occurred_at, ended_at, at, plausible, outcome, message, annotations, received_at"""

# A fact says the same of itself in every mention.
_MENTIONS_OF = f"""
SELECT {_FACT}, beside, how, of, concat(object_type, ':', namespace, ':', value) AS object
FROM mentions FINAL
WHERE (object_type, namespace, value) IN {{here:Array(Tuple(String, String, String))}}
"""

# Spans that have spans below them and name nobody: the only ones that can stand above a contract.
_INNER_SPANS = f"""
SELECT {_FACT} FROM (
    SELECT {_FACT}, identifiers FROM facts FINAL
    WHERE trace_id IN {{traces:Array(String)}} AND kind = 'span' AND (trace_id, span_id) IN
        (SELECT trace_id, parent_span_id FROM facts
         WHERE trace_id IN {{traces:Array(String)}} AND parent_span_id != '')
    ORDER BY mapping_revision DESC, content_hash DESC LIMIT 1 BY fact_id)
WHERE empty(identifiers) LIMIT 20000
"""

_FACT_VERSIONS = """
SELECT * EXCEPT (earliness) FROM facts FINAL WHERE fact_id = {fact_id:String}
ORDER BY mapping_revision DESC, content_hash
"""

_MENTIONED_BY = """
SELECT object_type, namespace, value, how, content_hash FROM mentions FINAL
WHERE fact_id = {fact_id:String} ORDER BY object_type, namespace, value
"""


def facts_of(
    telemetry: Telemetry, members: pl.DataFrame, limit: int = 2000
) -> tuple[pl.DataFrame, int]:
    """Facts of a contract and how many there are; `members` as from `search.identifiers_of`.

    Those with no plausible time come last. Besides the fact's own columns: `objects` (which of
    `members` it names), `how` (own, ancestor, trace, link or shared) and `beside` (what it names
    itself of object types that never link). Shared spans above its own are included.
    """
    here = members.select("object_type", "namespace", "value").unique().rows()
    said = _meanwhile(telemetry.query(_MENTIONS_OF, {"here": here}), members)
    whole = _observed(said).sort(_untimed(), "at", "fact_id", nulls_last=True)
    total, facts = whole.height, whole.head(limit)
    above = _above(telemetry, facts)
    if above.height:
        facts = pl.concat([facts, above], how="diagonal_relaxed")
        facts = facts.sort(_untimed(), "at", "fact_id")
    return facts, total + above.height


def versions_of(telemetry: Telemetry, fact_id: str) -> pl.DataFrame:
    """Every version of a fact under every mapping revision, newest revision first."""
    return telemetry.query(_FACT_VERSIONS, {"fact_id": fact_id})


def mentioned_by(telemetry: Telemetry, fact_id: str) -> pl.DataFrame:
    """The identifiers a fact speaks of: object_type, namespace, value, how, content_hash."""
    return telemetry.query(_MENTIONED_BY, {"fact_id": fact_id})


def _meanwhile(said: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """What was said of `members` while they were here."""
    name = pl.concat_str("object_type", "namespace", "value", separator=":")
    stays = members.select("valid_from", "valid_to", object=name)
    timed = pl.col("plausible") & pl.col("at").is_not_null()
    moment = pl.when(timed).then("at").otherwise("received_at")
    during = (moment >= pl.col("valid_from")) & (moment < pl.col("valid_to"))
    return said.join(stays, on="object").filter(during).drop("valid_from", "valid_to")


def _observed(said: pl.DataFrame) -> pl.DataFrame:
    """One row per fact, from its mentions.

    `of` counts what a fact speaks of; speaking of more than what is here makes it shared, unless it
    is an event that names the contract by itself.
    """
    objects = said.group_by("fact_id").agg(objects=pl.col("object").unique().sort())
    more = pl.col("objects").list.len() < pl.col("of")
    shared = ((pl.col("kind") == "span") | (pl.col("how") != "own")) & more
    facts = said.unique("fact_id").drop("object").join(objects, on="fact_id")
    how = pl.when(shared).then(pl.lit("shared")).otherwise("how")
    return facts.with_columns(how=how).drop("of")


def _untimed() -> pl.Expr:
    return pl.col("at").is_null() | ~pl.col("plausible")


def _above(telemetry: Telemetry, facts: pl.DataFrame) -> pl.DataFrame:
    below = facts.filter((pl.col("kind") == "span") & (pl.col("parent_span_id") != ""))
    here = set(facts.filter(pl.col("kind") == "span").select("trace_id", "span_id").rows())
    climbing = set(below.select("trace_id", "parent_span_id").rows()) - here
    if not climbing:
        return facts.clear()
    traces = sorted({trace for trace, _ in climbing})
    inner = telemetry.query(_INNER_SPANS, {"traces": traces[:1000]})
    inner = inner.filter(~pl.col("fact_id").is_in(facts["fact_id"].implode()))
    parents = {
        (trace, span): (trace, parent)
        for trace, span, parent in inner.select("trace_id", "span_id", "parent_span_id").rows()
    }
    wanted = set()
    while climbing:
        place = climbing.pop()
        if place in parents and place not in wanted:
            wanted.add(place)
            climbing.add(parents[place])
    keep = [place in wanted for place in inner.select("trace_id", "span_id").rows()]
    return inner.filter(pl.Series(keep, dtype=pl.Boolean)).with_columns(
        objects=pl.lit([], dtype=pl.List(pl.String)),
        beside=pl.lit([], dtype=pl.List(pl.String)),
        how=pl.lit("shared"),
    )
