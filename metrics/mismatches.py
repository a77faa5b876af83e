"""How mismatches stand at an instant: states are computed when read, never stored."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl

from metrics.states import INSTANT

KEY = ["root_id", "object_id", "attribute", "system", "since"]


def standing(
    mismatches: pl.DataFrame, now: datetime, silent_systems: Collection[str] = ()
) -> pl.DataFrame:
    """One row per mismatch known at `now`: its latest stretch by then, and `state`.

    `within`: the copy differs and its propagation time has not passed; `open`: it has; `closed`: it
    had, and they agree again; `unknown`: it has, but the master or the copy is silent.
    """
    at = pl.lit(now).cast(INSTANT)
    begun = mismatches.filter(pl.col("starts_at") <= at)
    latest = begun.sort("starts_at").unique(KEY, keep="last", maintain_order=True)
    silent = pl.any_horizontal(
        pl.col(name).is_in(list(silent_systems)) for name in ("system", "master")
    )
    state = (
        pl.when((pl.col("until") <= at).fill_null(False))
        .then(pl.lit("closed"))
        .when(at <= pl.col("due_at"))
        .then(pl.lit("within"))
        .when(silent)
        .then(pl.lit("unknown"))
        .otherwise(pl.lit("open"))
    )
    return latest.with_columns(state=state)
