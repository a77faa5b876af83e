"""What is known about a case besides its progress: the attributes its facts carry."""

from __future__ import annotations

import polars as pl

from metrics.derive.told import Told
from threadline.model.journeys import Journey
from threadline.model.matching import Predicate

_IN_TIME = pl.col("cancelled_at").is_null() | (pl.col("at") <= pl.col("cancelled_at"))


def case_attributes(journey: Journey, known: Told, runs: pl.DataFrame) -> pl.DataFrame:
    """`runs` with two columns for each attribute: its text, and `<attribute>@`, since when.

    The earliest plausible fact that carries it has the say, the case's own facts before those of
    its root; facts after a cancellation have none. Null where nothing carries it.
    """
    own = runs.select("case", "cancelled_at", object_id="case_id")
    rooted = runs.filter(pl.col("case_id") != pl.col("root_id"))
    root = rooted.select("case", "cancelled_at", object_id="root_id")
    for attribute in journey.case_attributes:
        first = known.first(attribute)
        near, far = (end.join(first, on="object_id").filter(_IN_TIME) for end in (own, root))
        carried = pl.concat([near, far.join(near, on="case", how="anti")])
        columns = {attribute: "text", f"{attribute}@": "at"}
        runs = runs.join(carried.select("case", **columns), on="case", how="left")
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
