"""What was received in a window: facts, by how they stand, and systems, by when they were heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from metrics.derive.rows import MONEY
from metrics.kpis.scene import UNKNOWN
from threadline.model.kpis import Kpi, Measure, Window

RECEIVED = pl.Schema(
    {
        "window": pl.UInt32(),  # the place of the window among those asked about
        "source": pl.String(),
        "system": pl.String(),  # empty where only the source is known
        "standing": pl.String(),
        "weight": pl.Int64(),  # facts; 1 for a system
        "measure": pl.Float64(),  # of a system: seconds since it was heard of; null: never
        "allowed": pl.Float64(),  # of a system: how long it may be silent by its cadence
    }
)

# What a KPI asks of the intake in each of some windows, in the columns of `RECEIVED`.
Received = Callable[[Kpi, Sequence[Window]], pl.DataFrame]

SOUND: Mapping[Measure, str] = {
    "orphan-share": "attributed",
    "failed-mapping": "understood",
    "duplicate-events": "told once",
    "source-freshness": "heard of",
}
# Shown beside, counted in no share: facts of several contracts, what the transport sent again.
ASIDE = ("shared", "sent again by the transport")


def nothing_received(_: Kpi, __: Sequence[Window]) -> pl.DataFrame:
    """Counts where nobody asks about what was received."""
    return RECEIVED.to_frame()


def intake_population(kpi: Kpi, counts: pl.DataFrame) -> pl.DataFrame:
    """One row per source, system and standing, `weight` facts each; one per system for freshness.

    Of a fact whose content was changed each version counts as a fact; it stands as the one that
    speaks. While a batch is half stored there may be more that went wrong than facts.
    """
    standing = pl.col("standing")
    judged = ~standing.is_in([*ASIDE, UNKNOWN])
    return counts.filter(pl.col("weight") > 0).with_columns(
        behind=judged,
        hit=judged & (standing != SOUND[kpi.measure]),
        amount=pl.lit(None, MONEY),
    )
