"""What is known about a case besides its progress: the attributes its facts carry."""

from __future__ import annotations

import polars as pl

from metrics.derive.payloads import carries, names, text_of
from threadline.model.journeys import Journey, Predicate


def case_attributes(
    journey: Journey, observations: pl.DataFrame, runs: pl.DataFrame
) -> pl.DataFrame:
    """`runs` with two columns for each attribute: its text, and `<attribute>@`, since when.

    The earliest plausible fact that carries it has the say, the case's own facts before those of
    its root; facts after a cancellation have none. Null where nothing carries it.
    """
    facts = _facts(observations, runs)
    for attribute in journey.case_attributes:
        # In two goes, because the cheap one leaves little for the expression.
        carriers = facts.filter(names(attribute)).filter(carries(attribute))
        nearest = carriers.filter(pl.col("far") == pl.col("far").min().over("case"))
        first = nearest.filter(pl.col("at") == pl.col("at").min().over("case"))
        winner = first.sort("fact_id").unique("case", keep="first", maintain_order=True)
        columns = {attribute: text_of(winner["payload"], attribute), f"{attribute}@": winner["at"]}
        runs = runs.join(winner.select("case", **columns), on="case", how="left")
    return runs


def forget_later(journey: Journey, runs: pl.DataFrame) -> pl.DataFrame:
    """`runs` without the attributes that became known only after `completed_at`."""
    late = {name: pl.col(f"{name}@") > pl.col("completed_at") for name in journey.case_attributes}
    return runs.with_columns(
        pl.when(expression.fill_null(False)).then(None).otherwise(pl.col(name)).alias(name)
        for name, expression in late.items()
    )


def known_since(predicates: tuple[Predicate, ...]) -> pl.Expr:
    """When the last of the attributes became known that the predicates ask for."""
    return pl.max_horizontal(pl.col(f"{predicate.attribute}@") for predicate in predicates)


def _facts(observations: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    columns = ["object_id", "fact_id", "at", "payload"]
    telling = observations.filter("plausible", pl.col("payload") != "{}").select(columns)
    own = runs.select("case", "cancelled_at", object_id="case_id", far=pl.lit(False))
    rooted = runs.filter(pl.col("case_id") != pl.col("root_id"))
    root = rooted.select("case", "cancelled_at", object_id="root_id", far=pl.lit(True))
    in_time = pl.col("cancelled_at").is_null() | (pl.col("at") <= pl.col("cancelled_at"))
    return telling.join(pl.concat([own, root]), on="object_id").filter(in_time)
