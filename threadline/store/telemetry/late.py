"""What was received after an instant, and whom it concerns."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.observations import links, members
from threadline.store.telemetry.tenures import reading

_AT_ONCE = 5_000  # names in one question
_NAME = ["object_type", "namespace", "value"]
_NAMED = "(object_type, namespace, value) IN {names:Array(Tuple(String, String, String))}"
_LATE = "received_at > {at:DateTime64(9, 'UTC')}"
_FACT = (
    *("fact_id", "kind", "source", "system", "name", "outcome", "message", "trace_id", "at"),
    *("occurred_at", "ended_at", "plausible", "received_at", "annotations"),
)

_MENTIONS = f"""
SELECT object_type, namespace, value, how, {", ".join(_FACT)} FROM mentions FINAL
WHERE {_NAMED} AND {_LATE}
"""

# A fact that was told anew, and named one of these before.
_TOLD_ANEW = f"""
SELECT fact_id, arrayJoin(identifiers) AS identifier FROM facts
WHERE NOT {_LATE} AND hasAny(identifiers, {{identifiers:Array(String)}})
    AND fact_id IN (SELECT fact_id FROM facts WHERE {_LATE})
"""

_VERSIONS = f"""
SELECT {", ".join(_FACT)}, identifiers AS objects FROM facts FINAL
WHERE fact_id IN {{facts:Array(String)}} AND {_LATE}
ORDER BY mapping_revision DESC, content_hash LIMIT 1 BY fact_id
"""

_TIES = """
SELECT concat(child_type, ':', child_namespace, ':', child_value) AS child, fact_id
FROM links FINAL WHERE state = 'held' AND fact_id != '' AND child IN {children:Array(String)}
"""

_PLACES = f"""
SELECT concat(object_type, ':', namespace, ':', value) AS identifier, object_id, root_id
FROM identifiers FINAL WHERE {_NAMED}
"""

_AHEAD = """
SELECT DISTINCT root_id FROM (PLACES) WHERE root_id != ''
"""
_TOLD_AHEAD = f"""(object_type, namespace, value) IN (
    SELECT object_type, namespace, value FROM mentions
    WHERE {_LATE} AND plausible AND at > {{at:DateTime64(9, 'UTC')}})
"""


def places(telemetry: Telemetry, identifiers: Collection[str]) -> pl.DataFrame:
    """What `identifiers` (`type:namespace:value`) resolve to: identifier, object_id, root_id.

    What is no identifier, or is not known, is absent.
    """
    names = [tuple(parts) for one in sorted(identifiers) if len(parts := one.split(":", 2)) == 3]
    starts = range(0, max(1, len(names)), _AT_ONCE)
    return pl.concat(
        telemetry.query(_PLACES, {"names": names[first : first + _AT_ONCE]}) for first in starts
    )


def roots_ahead(telemetry: Telemetry, at: datetime) -> set[str]:
    """The contracts of which facts tell that were received after `at` and happened after it."""
    asked = _AHEAD.replace("PLACES", reading(telemetry).places(_TOLD_AHEAD))
    return set(telemetry.query(asked, {"at": at})["root_id"])


def causes(telemetry: Telemetry, roots: Collection[str], at: datetime) -> pl.DataFrame:
    """The facts received after `at` by which the contracts `roots` may be known otherwise.

    One row per root and fact, with the fact's columns, `how` and `objects`, which it names: late
    facts, which tell of what had happened by `at`; those that decided what belongs to the contract,
    or does not any more, whenever they happened; and those that named it before they were told
    anew.
    """
    here = members(telemetry, roots)
    evidence = _evidence(telemetry, roots, here)
    told = _told(telemetry, here, at)
    by_then = ~pl.col("plausible") | pl.col("at").is_null() | (pl.col("at") <= at)
    own = told.join(evidence, on=["root_id", "fact_id"], how="left", coalesce=True)
    own = own.filter(by_then | pl.col("ties").fill_null(False)).drop("ties")
    elsewhere = pl.concat([evidence.drop("ties"), _named_before(telemetry, here, at)]).unique()
    elsewhere = elsewhere.join(own, on=["root_id", "fact_id"], how="anti")
    facts = telemetry.query(_VERSIONS, {"facts": elsewhere["fact_id"].unique().to_list(), "at": at})
    found = elsewhere.join(facts.with_columns(how=pl.lit("own")), on="fact_id")
    columns = own.columns
    return pl.concat([own, found.select(columns)], how="vertical_relaxed").sort(
        "root_id", "received_at", "fact_id"
    )


def _told(telemetry: Telemetry, here: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Facts that speak of what is here, while it is: one row per root and fact."""
    stays = here.select("root_id", *_NAME, "valid_from", "valid_to")
    names = here.select(_NAME).unique().rows()
    said = telemetry.query(_MENTIONS, {"names": names, "at": at}).join(stays, on=_NAME)
    timed = pl.col("plausible") & pl.col("at").is_not_null()
    moment = pl.when(timed).then("at").otherwise("received_at")
    said = said.filter(moment >= pl.col("valid_from"), moment < pl.col("valid_to"))
    name = pl.concat_str(_NAME, separator=":")
    rest = [pl.col(column).first() for column in (*_FACT[1:], "how")]
    return said.group_by("root_id", "fact_id").agg(*rest, objects=name.unique().sort())


def _evidence(telemetry: Telemetry, roots: Collection[str], here: pl.DataFrame) -> pl.DataFrame:
    """The facts that tie what is here, or tie elsewhere what once was said to be: root, fact."""
    name = pl.concat_str(_NAME, separator=":")
    ours = here.select("root_id", identifier=name).unique()
    ties = links(telemetry, roots).with_columns(_end("child"), _end("parent"))
    either = pl.concat(
        [ties.join(ours, left_on=end, right_on="identifier") for end in ("child", "parent")]
    )
    lost = either.filter(pl.col("state") != "held").select("root_id", "child").unique()
    asked = {"children": lost["child"].unique().to_list()}
    elsewhere = lost.join(telemetry.query(_TIES, asked), on="child").select("root_id", "fact_id")
    said = pl.concat([either.select("root_id", "fact_id"), elsewhere]).unique()
    return said.filter(pl.col("fact_id") != "").with_columns(ties=pl.lit(True))


def _named_before(telemetry: Telemetry, here: pl.DataFrame, at: datetime) -> pl.DataFrame:
    name = pl.concat_str(_NAME, separator=":")
    ours = here.select("root_id", identifier=name).unique()
    asked = {"identifiers": ours["identifier"].unique().to_list(), "at": at}
    told = telemetry.query(_TOLD_ANEW, asked)
    return told.join(ours, on="identifier").select("root_id", "fact_id").unique()


def _end(end: str) -> pl.Expr:
    parts = (f"{end}_type", f"{end}_namespace", f"{end}_value")
    return pl.concat_str(parts, separator=":").alias(end)
