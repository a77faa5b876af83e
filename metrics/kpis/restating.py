"""What differs between two populations of a KPI: what entered, left, or counts otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from metrics.kpis.closing import COMPARED, KEY, POPULATION
from metrics.kpis.scene import UNKNOWN

ENTERED, LEFT, CHANGED = "entered", "left", "changed"


def departed(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The rows of `before` whose subject `after` does not have under that name."""
    return before.join(after.select("subject").unique(), on="subject", how="anti")


def changes(
    before: pl.DataFrame, after: pl.DataFrame, now_called: Mapping[str, str]
) -> pl.DataFrame:
    """What is in one population and not in the other, or contributes otherwise.

    `now_called` gives the subjects of `before` that are known by another name since: cases that
    were merged. Columns: how (entered, left, changed), journey, subject (as it is called now),
    step, and the other columns of a population twice: as they were with `_before`, null where there
    was or is none. What counts, or did, or cannot be judged, comes first.
    """
    names = pl.col("subject")
    known = before.with_columns(was=names, subject=names.replace(now_called))
    both = _numbered(known).join(
        _numbered(after.with_columns(was=names)),
        on=[*KEY, "nth"],
        how="full",
        coalesce=True,
        suffix="_after",
    )
    here, there = pl.col("weight").is_not_null(), pl.col("weight_after").is_not_null()
    differs = pl.any_horizontal(
        ~pl.col(name).eq_missing(pl.col(f"{name}_after")) for name in COMPARED
    )
    how = pl.when(~here).then(pl.lit(ENTERED)).when(~there).then(pl.lit(LEFT))
    counts = pl.any_horizontal(
        pl.col(f"behind{then}").fill_null(False) | (pl.col(f"standing{then}") == UNKNOWN)
        for then in ("", "_after")
    )
    rest = [name for name in POPULATION if name not in KEY]
    return (
        both.filter(differs)
        .with_columns(how=how.otherwise(pl.lit(CHANGED)), counts=counts)
        .sort(~pl.col("counts"), *KEY, "nth")
        .select(
            "how",
            *KEY,
            *(pl.col(name).alias(f"{name}_before") for name in rest),
            *(pl.col(f"{name}_after").alias(name) for name in rest),
        )
    )


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of one key apart by a number; what still has its name comes first."""
    ordered = rows.sort(*KEY, pl.col("was") != pl.col("subject"), *COMPARED)
    return ordered.with_columns(nth=pl.int_range(pl.len()).over(KEY)).drop("was")
