"""What was observed of one contract, and each observation down to its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from threadline.store.telemetry import Telemetry, schema

MOST_FACTS = 2_000  # of one contract, shown at once
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
    "attribute_values": ["object_id", "attribute", "system", "at"],
    "mismatches": ["object_id", "attribute", "system", "starts_at"],
}

_THREAD = """
SELECT * EXCEPT (generation, deleted) FROM threads FINAL WHERE root_id = {root:String}
SETTINGS max_threads = 1
"""

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
    said: pl.DataFrame,
    members: pl.DataFrame,
    links: pl.DataFrame,
    derived: Mapping[str, pl.DataFrame],
) -> pl.DataFrame:
    """Rows of `threads`, one per root of `members`, from what was read and derived of these roots.

    `said`, `members` and `links` are as in `observations`; `derived` has the tables of cases and of
    mastered attributes by name.
    """
    untimed = pl.col("at").is_null() | ~pl.col("plausible")
    facts = _observed(said).sort("root_id", untimed, "at", "fact_id", nulls_last=True)
    shown = pl.struct(*_FACT, "how", "objects", "beside").head(MOST_FACTS)
    rows = facts.group_by("root_id").agg(facts=shown, facts_total=pl.len())
    whole = members.select(pl.col("root_id").unique().sort()).join(rows, on="root_id", how="left")
    listed = {**derived, "identifiers": members, "links": _about(links, members)}
    for table in ("steps", "exceptions"):
        cases = derived["cases"].select("root_id", "journey", "case_id")
        listed[table] = derived[table].join(cases, on=["journey", "case_id"])
    for table, frame in listed.items():
        columns = schema.columns("tenures" if table == "identifiers" else table)
        ordered = frame.sort(*_ORDERS[table], nulls_last=True)
        told = ordered.group_by("root_id").agg(pl.struct(columns).alias(table))
        whole = whole.join(told, on="root_id", how="left")
    return whole.with_columns(
        pl.col("facts", *listed).fill_null([]), pl.col("facts_total").fill_null(0)
    )


def of(telemetry: Telemetry, root: str) -> pl.DataFrame:
    """The row of `threads` of the contract `root`; none where nothing is derived of it yet."""
    return telemetry.query(_THREAD, {"root": root})


def listed(thread: pl.DataFrame, table: str) -> pl.DataFrame:
    """The rows of `table` that are listed in a row of `threads`."""
    filled = thread.filter(pl.col(table).list.len() > 0)
    return filled.select(pl.col(table).explode()).unnest(table)


def above(telemetry: Telemetry, facts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Shared spans above those of a contract's `facts`, in the same form.

    They may come when nothing else of the contract changes, so they are looked up when asked for.
    """
    spans = [fact for fact in facts if fact["kind"] == "span"]
    here = {(span["trace_id"], span["span_id"]) for span in spans}
    under = {(span["trace_id"], span["parent_span_id"]) for span in spans if span["parent_span_id"]}
    climbing = under - here
    if not climbing:
        return []
    traces = sorted({trace for trace, _ in climbing})[:1000]
    inner = telemetry.query(_INNER_SPANS, {"traces": traces}).to_dicts()
    places = {(span["trace_id"], span["span_id"]): span for span in inner}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    while climbing:
        place = climbing.pop()
        if place in places and place not in found and place not in here:
            found[place] = {**places[place], "how": "shared", "objects": [], "beside": []}
            climbing.add((place[0], places[place]["parent_span_id"]))
    return list(found.values())


def versions_of(telemetry: Telemetry, fact_id: str) -> pl.DataFrame:
    """Every version of a fact under every mapping revision, newest revision first."""
    return telemetry.query(_FACT_VERSIONS, {"fact_id": fact_id})


def mentioned_by(telemetry: Telemetry, fact_id: str) -> pl.DataFrame:
    """The identifiers a fact speaks of: object_type, namespace, value, how, content_hash."""
    return telemetry.query(_MENTIONED_BY, {"fact_id": fact_id})


def _observed(said: pl.DataFrame) -> pl.DataFrame:
    """One row per root and fact, with `objects`, which of the root's identifiers it names.

    A fact that speaks of more than what is under the root is shared, unless it is an event that
    names the contract by itself.
    """
    itself = (pl.col("how") == "own") & (pl.col("kind") != "span")
    how = pl.when(itself | pl.col("whole")).then("how").otherwise(pl.lit("shared"))
    name = pl.concat_str("object_type", "namespace", "value", separator=":")
    named = said.with_columns(object=name, how=how).sort("object")
    columns = [
        pl.col(column).first() for column in (*_FACT, "how", "beside") if column != "fact_id"
    ]
    return named.group_by("root_id", "fact_id").agg(*columns, objects="object")


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
