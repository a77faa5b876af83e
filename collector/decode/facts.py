"""Facts and mentions from decoded records, the mapping applied."""

from __future__ import annotations

import polars as pl

from collector.decode import readings
from collector.decode.times import timed
from collector.mapping import Mapping

_OWN = [
    *(
        "trace_id",
        "fact_id",
        "mapping_revision",
        "content_hash",
        "kind",
        "source",
        "system",
        "name",
    ),
    *("span_id", "parent_span_id", "occurred_at", "ended_at", "at", "plausible", "outcome"),
    *("message", "attributes", "span_links", "annotations", "received_at", "partition", "offset"),
    "ordinal",
    "payload",
]
_MENTIONED = [
    *("object_type", "namespace", "value", "fact_id", "content_hash", "trace_id", "source"),
    *("system", "kind", "name", "outcome", "message", "at", "occurred_at", "plausible", "sampled"),
    *("payload", "received_at"),
]
_OUTCOMES = ["ok", "error"]


def facts_and_mentions(
    records: pl.DataFrame, mapping: Mapping, wanted: frozenset[str], revision: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frames of facts and of their own mentions.

    `records` has the columns of `records.SCHEMA` and, from the entries, `kind`, `source`,
    `partition`, `offset`, `ordinal` and `received_at`.
    """
    known = readings.with_systems(records.with_row_index("row"), mapping)
    picks = readings.picks(known, mapping)
    facts = _worded(timed(known), picks, mapping).join(
        readings.payloads(picks, wanted), on="row", how="left", maintain_order="left"
    )
    facts = facts.with_columns(
        pl.col("payload").fill_null("{}"), mapping_revision=pl.lit(revision, pl.UInt32)
    )
    mentions = readings.identifiers(picks, mapping).join(facts, on="row")
    return facts.select(_OWN), mentions.select(_MENTIONED)


def _worded(facts: pl.DataFrame, picks: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    said = {
        "said_outcome": _said(picks, readings.OUTCOME),
        "said_name": _said(picks, readings.EVENT_NAME),
        "said_error": _said(picks, readings.ERROR_MESSAGE),
        "said_exception": _said(picks, readings.EXCEPTION_MESSAGE),
    }
    for column, found in said.items():
        facts = facts.join(
            found.rename({"text": column}), on="row", how="left", maintain_order="left"
        )
    error = pl.coalesce("said_error", "said_exception")
    span, named = pl.col("kind") == "span", pl.col("name") != ""
    worded = facts.with_columns(
        name=pl.when(span | named).then("name").otherwise(pl.col("said_name").fill_null("")),
        message=pl.when(span)
        .then(pl.coalesce(pl.col("message").replace("", None), error))
        .otherwise(pl.coalesce(error, "message"))
        .fill_null(""),
    )
    return _judged(worded, mapping).drop(list(said))


def _judged(facts: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    rules = {source.name: source for source in mapping.sources}
    told = facts.filter(pl.col("kind") != "span").select("rule", "name").unique()
    failed = [
        (rule, name)
        for rule, name in told.iter_rows()
        if rule in rules and rules[rule].failed(name)
    ]
    failures = pl.DataFrame(
        failed, schema={"rule": pl.String, "name": pl.String}, orient="row"
    ).with_columns(failure=True)
    default = pl.when(pl.col("kind") == "event").then(pl.lit("ok")).otherwise("outcome")
    return (
        facts.join(failures, on=["rule", "name"], how="left", maintain_order="left")
        .with_columns(
            outcome=pl.when(pl.col("kind") == "span")
            .then("outcome")
            .when(pl.col("said_outcome").is_in(_OUTCOMES))
            .then("said_outcome")
            .when(pl.col("failure"))
            .then(pl.lit("error"))
            .otherwise(default)
        )
        .drop("failure")
    )


def _said(picks: pl.DataFrame, key: str) -> pl.DataFrame:
    text = pl.col("texts").list.first().replace("", None)
    return picks.filter(pl.col("key") == key).select("row", text=text).drop_nulls()
