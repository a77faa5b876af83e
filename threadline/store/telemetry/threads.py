"""One contract: the row of what is shown of it, its facts, and each fact down to its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from threadline.store.telemetry import Telemetry, schema
from threadline.store.telemetry.tenures import FOREVER

_NAME = ["object_type", "namespace", "value"]
_LINK = [
    "kind",
    *(f"{end}_{part}" for end in ("child", "parent") for part in ("type", "namespace", "value")),
]

_FACT = (
    *("fact_id", "kind", "source", "system", "name", "outcome", "message", "trace_id", "span_id"),
    *("parent_span_id", "at", "occurred_at", "ended_at", "plausible", "received_at", "annotations"),
)
_ORDERS = {
    "identifiers": [*_NAME, "valid_from"],
    "links": [*_LINK, "valid_from", "valid_to"],
    "cases": ["journey", "started_at", "case_id"],
    "steps": ["journey", "case_id", "step"],
    "exceptions": ["journey", "case_id", "at", "fact_id", "kind"],
    "remedies": ["journey", "case_id", "at", "fact_id", "step", "kind"],
    "attribute_values": ["object_id", "attribute", "system", "at"],
    "mismatches": ["object_id", "attribute", "system", "starts_at"],
}

_BY_TIME = (pl.col("at").is_null() | ~pl.col("plausible"), "at", "fact_id")

# A fact says the same of itself in every mention. Taking the last version of each afterwards costs
# two thirds of what FINAL does.
_MENTIONS_OF = f"""
SELECT {", ".join((*_NAME, *_FACT))}, beside, how, of, generation, deleted FROM mentions
WHERE (object_type, namespace, value) IN {{here:Array(Tuple(String, String, String))}}
SETTINGS max_threads = 1
"""

_THREADS = """
SELECT * EXCEPT (generation, deleted) FROM threads FINAL WHERE root_id IN {roots:Array(String)}
SETTINGS max_threads = 1
"""
_TRACES_AT_ONCE = 1_000

# Spans that have spans below them and name nobody: the only ones that can stand above a contract.
_INNER_SPANS = f"""
SELECT {", ".join(_FACT)} FROM (
    SELECT {", ".join(_FACT)}, identifiers FROM facts FINAL
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


def put_together(
    members: pl.DataFrame, links: pl.DataFrame, derived: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Rows of `threads`, one per root of `members`, from what was read and derived of these roots.

    `members` and `links` are as in `observations`; `derived` has the tables of cases and of
    mastered attributes by name.
    """
    whole = members.select(pl.col("root_id").unique().sort())
    listed = {**derived, "identifiers": members, "links": _about(links, members)}
    for table in ("steps", "exceptions", "remedies"):
        cases = derived["cases"].select("root_id", "journey", "case_id")
        listed[table] = derived[table].join(cases, on=["journey", "case_id"])
    for table, frame in listed.items():
        columns = schema.columns("tenures" if table == "identifiers" else table)
        ordered = frame.sort(*_ORDERS[table], nulls_last=True)
        told = ordered.group_by("root_id").agg(pl.struct(columns).alias(table))
        whole = whole.join(told, on="root_id", how="left")
    return whole.with_columns(pl.col(*listed).fill_null([]))


def of(telemetry: Telemetry, root: str) -> pl.DataFrame:
    """The row of `threads` of the contract `root`; none where nothing is derived of it yet."""
    return of_each(telemetry, [root])


def of_each(telemetry: Telemetry, roots: Sequence[str]) -> pl.DataFrame:
    """The rows of `threads` of these contracts, those of which something is derived."""
    return telemetry.query(_THREADS, {"roots": list(roots)})


def listed(thread: pl.DataFrame, table: str) -> pl.DataFrame:
    """The rows of `table` that are listed in a row of `threads`."""
    filled = thread.filter(pl.col(table).list.len() > 0)
    return filled.select(pl.col(table).explode()).unnest(table)


def facts_of(
    telemetry: Telemetry, members: pl.DataFrame, limit: int = 2_000
) -> tuple[list[dict[str, Any]], int]:
    """Facts of a contract in time order, and how many there are; `members` as `threads` lists them.

    Those with no plausible time come last. Besides the fact's own columns: `objects` (which of
    `members` it names), `how` (own, ancestor, trace, link or shared) and `beside` (what it names
    itself of object types that never link). Shared spans above its own are included.
    """
    whole = _told(telemetry, members.with_columns(root_id=pl.lit("")))
    facts = whole.head(limit).drop("root_id").to_dicts()
    above = _above(facts, _inner(telemetry, facts))
    return sorted(facts + above, key=_place) if above else facts, whole.height + len(above)


def facts_of_each(telemetry: Telemetry, members: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """All facts of several contracts, as above, by the `root_id` of `members`."""
    parts = _told(telemetry, members).partition_by("root_id", as_dict=True, include_key=False)
    facts = {str(root): part.to_dicts() for (root,), part in parts.items()}
    inner = _inner(telemetry, [fact for each in facts.values() for fact in each])
    return {root: sorted(each + _above(each, inner), key=_place) for root, each in facts.items()}


def versions_of(telemetry: Telemetry, fact_id: str) -> pl.DataFrame:
    """Every version of a fact under every mapping revision, newest revision first."""
    return telemetry.query(_FACT_VERSIONS, {"fact_id": fact_id})


def mentioned_by(telemetry: Telemetry, fact_id: str) -> pl.DataFrame:
    """The identifiers a fact speaks of: object_type, namespace, value, how, content_hash."""
    return telemetry.query(_MENTIONED_BY, {"fact_id": fact_id})


def _told(telemetry: Telemetry, members: pl.DataFrame) -> pl.DataFrame:
    """One row per fact of each `root_id` of `members`, in the order of time."""
    here = members.select(*_NAME).unique().rows()
    versions = telemetry.query(_MENTIONS_OF, {"here": here}).lazy()
    last = versions.sort("generation").unique([*_NAME, "fact_id"], keep="last")
    said = _meanwhile(last.filter(pl.col("deleted") == 0), members)
    return _observed(said).sort(*_BY_TIME, nulls_last=True).collect()


def _meanwhile(said: pl.LazyFrame, members: pl.DataFrame) -> pl.LazyFrame:
    """What was said of `members` while they were here."""
    stays = members.lazy().select("root_id", *_NAME, "valid_from", "valid_to")
    timed = pl.col("plausible") & pl.col("at").is_not_null()
    moment = pl.when(timed).then("at").otherwise("received_at")
    during = (moment >= pl.col("valid_from")) & (moment < pl.col("valid_to"))
    return said.join(stays, on=_NAME).filter(during)


def _observed(said: pl.LazyFrame) -> pl.LazyFrame:
    """One row per fact and root, from its mentions.

    `of` counts what a fact speaks of; speaking of more than what is here makes it shared, unless it
    is an event that names the contract by itself.
    """
    itself = (pl.col("how") == "own") & (pl.col("kind") != "span")
    more = pl.col("objects").list.len() < pl.col("of")
    how = pl.when(more & ~itself).then(pl.lit("shared")).otherwise("how")
    name = pl.concat_str(_NAME, separator=":")
    rest = [pl.col(column).first() for column in (*_FACT, "how", "of", "beside")[1:]]
    facts = said.group_by("root_id", "fact_id").agg(*rest, objects=name.unique().sort())
    return facts.with_columns(how=how).drop("of")


def _climbing(facts: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """The spans above those of `facts` that are not among them, by trace and span id."""
    spans = [fact for fact in facts if fact["kind"] == "span"]
    here = {(span["trace_id"], span["span_id"]) for span in spans}
    under = {(span["trace_id"], span["parent_span_id"]) for span in spans if span["parent_span_id"]}
    return under - here


def _inner(
    telemetry: Telemetry, facts: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """The spans that may stand above `facts`, by trace and span id."""
    traces = sorted({trace for trace, _ in _climbing(facts)})
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for first in range(0, len(traces), _TRACES_AT_ONCE):
        some = {"traces": traces[first : first + _TRACES_AT_ONCE]}
        for span in telemetry.query(_INNER_SPANS, some).iter_rows(named=True):
            found[span["trace_id"], span["span_id"]] = span
    return found


def _above(
    facts: Sequence[Mapping[str, Any]], inner: Mapping[tuple[str, str], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Shared spans, of `inner`, above those of a contract's `facts`, in the same form."""
    climbing = _climbing(facts)
    here = {(fact["trace_id"], fact["span_id"]) for fact in facts if fact["kind"] == "span"}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    while climbing:
        place = climbing.pop()
        if place in inner and place not in found and place not in here:
            found[place] = {**inner[place], "how": "shared", "objects": [], "beside": []}
            climbing.add((place[0], inner[place]["parent_span_id"]))
    return list(found.values())


def _place(fact: Mapping[str, Any]) -> tuple[bool, datetime, str]:
    untimed = fact["at"] is None or not fact["plausible"]
    return untimed, fact["at"] or FOREVER, fact["fact_id"]


def _about(links: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """`links` with the roots that an end of each ever belongs to."""
    ends = ["type", "namespace", "value"]
    found = [
        links.join(
            members.select("root_id", *_NAME).unique(),
            left_on=[f"{end}_{part}" for part in ends],
            right_on=_NAME,
        )
        for end in ("child", "parent")
    ]
    return pl.concat(found).unique()
