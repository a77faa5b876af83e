"""Facts received in a window, and which of them nothing ties to a contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from metrics.derive.rows import MONEY
from threadline.model.kpis import Window

RECEIVED = pl.Schema(
    {
        "window": pl.UInt32(),  # the place of the window among those asked about
        "source": pl.String(),
        "facts": pl.Int64(),
        "shared": pl.Int64(),  # by several contracts
        "orphans": pl.Int64(),
    }
)

# Counts of the facts received in each of some windows, in the columns of `RECEIVED`.
Received = Callable[[Sequence[Window]], pl.DataFrame]


def nothing_received(_: Sequence[Window]) -> pl.DataFrame:
    """Counts where nobody asks about facts."""
    return RECEIVED.to_frame()


def orphan_population(counts: pl.DataFrame) -> pl.DataFrame:
    """One row per source and standing (orphan, attributed, shared), `weight` facts each.

    Of a fact whose content was changed each version counts as a fact; it is an orphan or shared by
    the one that speaks. While a batch is half stored there may be more orphans than facts.
    """
    attributed = pl.max_horizontal(pl.col("facts") - pl.col("shared") - pl.col("orphans"), 0)
    standings = {"orphan": pl.col("orphans"), "attributed": attributed, "shared": pl.col("shared")}
    rows = [
        counts.select(
            "source",
            standing=pl.lit(standing),
            behind=pl.lit(standing != "shared"),
            hit=pl.lit(standing == "orphan"),
            measure=pl.lit(None, pl.Float64),
            amount=pl.lit(None, MONEY),
            weight=number,
        )
        for standing, number in standings.items()
    ]
    return pl.concat(rows).filter(pl.col("weight") > 0)
