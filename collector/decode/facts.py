"""Facts and mentions from decoded records, the mapping applied."""

from __future__ import annotations

import polars as pl

from collector.decode import readings
from collector.decode.times import timed
from collector.mapping import Mapping
from collector.validity import UNREADABLE, unreadable

_OWN = [
    *("trace_id", "fact_id", "mapping_revision", "content_hash", "kind", "source", "system"),
    *("name", "span_id", "parent_span_id", "occurred_at", "ended_at", "at", "plausible"),
    *("outcome", "message", "attributes", "span_links", "annotations", "received_at", "partition"),
    *("offset", "ordinal", "payload"),
]
_MENTIONED = [
    *("object_type", "namespace", "value", "fact_id", "content_hash", "trace_id", "source"),
    *("system", "kind", "name", "outcome", "message", "at", "occurred_at", "plausible", "sampled"),
    *("payload", "received_at"),
]
_SPAN = pl.col("kind") == "span"
_STATUS = {1: "ok", 2: "error"}  # OTLP's status codes
_ERROR = 17  # OTLP's severity number from which a log record tells of an error


def facts_and_mentions(
    records: pl.DataFrame, mapping: Mapping, wanted: frozenset[str], revision: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frames of facts and of their own mentions.

    `records` has the columns of `records.SCHEMA`, ids and `sampled` as `ids.identified` gives them
    and, from the entries, `kind`, `source`, `partition`, `offset`, `ordinal` and `received_at`.
    """
    known = readings.with_systems(records.with_row_index("row"), mapping)
    picks = readings.picks(known, mapping)
    worded = _worded(timed(known.drop("picks")), picks)
    facts = (
        _judged(worded, mapping)
        .join(readings.payloads(picks, wanted), on="row", how="left", maintain_order="left")
        .with_columns(
            pl.col("payload").fill_null("{}"), mapping_revision=pl.lit(revision, pl.UInt32)
        )
    )
    facts = _noted(facts, unreadable(facts, mapping))
    mentions = _mentions(readings.identifiers(picks, mapping), facts)
    return facts.select(_OWN), mentions.select(_MENTIONED)


def _noted(facts: pl.DataFrame, faulty: pl.Series) -> pl.DataFrame:
    """A validity that cannot be read is said; the fact's own time is no less sound for it."""
    if not faulty.any():
        return facts
    noted = pl.col("annotations").list.concat(pl.lit([UNREADABLE]))
    return facts.with_columns(annotations=pl.when(faulty).then(noted).otherwise("annotations"))


def _mentions(identifiers: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    # Facts stand in the order of their rows, so picking them by place does what a join would.
    copied = facts.select(column for column in _MENTIONED if column in facts.columns)
    return identifiers.hstack(copied.select(pl.all().gather(identifiers.get_column("row"))))


def _worded(facts: pl.DataFrame, picks: pl.DataFrame) -> pl.DataFrame:
    """With what facts say in attributes: a span's own status comes first, a log's body last."""
    error = pl.coalesce(readings.ERROR_MESSAGE, readings.EXCEPTION_MESSAGE)
    own = _SPAN & (pl.col("message") != "")
    named = _SPAN | (pl.col("name") != "")
    said = facts.join(readings.spoken(picks), on="row", how="left", maintain_order="left")
    return said.with_columns(
        name=pl.when(named).then("name").otherwise(readings.EVENT_NAME).fill_null(""),
        message=pl.when(own).then("message").otherwise(pl.coalesce(error, "message")),
    )


def _judged(facts: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    rules = {source.name: source for source in mapping.sources}
    told = facts.filter(~_SPAN).select("rule", "name").unique()
    failed = [(rule, name) for rule, name in told.iter_rows() if rule and rules[rule].failed(name)]
    failures = pl.DataFrame(
        failed, schema={"rule": pl.String, "name": pl.String}, orient="row"
    ).with_columns(failure=True)
    code, log = pl.col("code"), pl.col("kind") == "log"
    outcome = (
        pl.when(_SPAN)
        .then(code.replace_strict(_STATUS, default="unset", return_dtype=pl.String))
        .when(pl.col(readings.OUTCOME).is_in(["ok", "error"]))
        .then(readings.OUTCOME)
        .when(pl.col("failure") | (log & (code >= _ERROR)))
        .then(pl.lit("error"))
        .otherwise(pl.when(log).then(pl.lit("unset")).otherwise(pl.lit("ok")))
    )
    joined = facts.join(failures, on=["rule", "name"], how="left", maintain_order="left")
    return joined.with_columns(outcome=outcome)
