"""How far what the store tells is from what is true: precision and recall by kind of trouble."""

from __future__ import annotations

from typing import Any

import polars as pl
from troubles import COSTLY, SHARES

from threadline.store.telemetry import Telemetry, tenures

# Whose a fact is taken to be: an event that names objects of several roots itself is each one's,
# anything else only where all it speaks of agrees (docs/adr/0003), as of its own time (0011).
_ATTRIBUTED = """
SELECT fact_id, root_id AS found FROM (
    SELECT m.fact_id AS fact_id, any(m.kind) AS kind, any(m.how) AS how,
        groupUniqArray(members.root_id) AS roots
    FROM (SELECT * FROM mentions FINAL WHERE of > 0 AND {within}) AS m
    INNER JOIN ({places}) AS members USING (object_type, namespace, value)
    WHERE {meanwhile}
    GROUP BY fact_id
) ARRAY JOIN roots AS root_id
WHERE root_id != '' AND (length(roots) = 1 OR (how = 'own' AND kind != 'span'))
"""
_WITHIN = "value >= {first:String} AND value < {beyond:String}"
_SUMS = ["facts", "right", "wrong"]
KNOWABLE = "all that could be known"  # by somebody who knows all that was told


def counted(store: Telemetry, truth: pl.DataFrame, first: str, beyond: str) -> pl.DataFrame:
    """Facts that are of a contract, attributed right, and wrong, by trouble.

    `truth` as in `world.Wave`. A fact is counted under each trouble that touches it, but under
    those that cost no knowledge only if none of those that do touches it too.
    """
    found = _attributed(store, first, beyond)
    told = (
        truth.join(found, on="fact_id", how="left")
        .group_by("fact_id")
        .agg(
            pl.col("root", "touched").first(),
            right=(pl.col("found") == pl.col("root")).sum(),
            wrong=(pl.col("found") != pl.col("root")).sum()
            + (pl.col("root").is_null() & pl.col("found").is_not_null()).sum(),
        )
    )
    touched = pl.col("touched")
    costly = touched.list.set_intersection(list(COSTLY))
    kinds = pl.when(costly.list.len() > 0).then(costly).otherwise(touched)
    each = told.with_columns(facts=pl.col("root").is_not_null().cast(pl.Int64), kind=kinds)
    classes = pl.concat_list(
        pl.lit("all"),
        pl.when(costly.list.len() == 0).then(pl.lit(KNOWABLE)),
        pl.when(touched.list.len() == 0).then(pl.lit("none")),
    )
    rows = pl.concat([each.explode("kind"), each.with_columns(kind=classes).explode("kind")])
    sums = rows.drop_nulls("kind").group_by("kind").agg(pl.col(_SUMS).sum())
    return sums.with_columns(pl.col(_SUMS).cast(pl.Int64))


def _attributed(store: Telemetry, first: str, beyond: str) -> pl.DataFrame:
    reading = tenures.reading(store)
    query = _ATTRIBUTED.format(
        within=_WITHIN, places=reading.places(_WITHIN), meanwhile=reading.meanwhile
    )
    return store.query(query, {"first": first, "beyond": beyond})


def report(sums: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Precision and recall by kind of trouble, in per cent."""
    whole = sums.group_by("kind").agg(pl.col(_SUMS).sum())
    rows = {row.pop("kind"): row for row in whole.to_dicts()}
    order = dict.fromkeys(["all", KNOWABLE, "none", *SHARES, *COSTLY])
    return {kind: _rates(**rows[kind]) for kind in order if kind in rows}


def _rates(facts: int, right: int, wrong: int) -> dict[str, Any]:
    return {
        "facts": facts,
        "right": right,
        "wrong": wrong,
        "precision": round(100 * right / (right + wrong), 4) if right + wrong else None,
        "recall": round(100 * right / facts, 4) if facts else None,
    }
