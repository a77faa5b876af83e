"""When budgets of time run out, on the clock they are kept on and without the pauses."""

from __future__ import annotations

import polars as pl

from metrics.calendars import Clocks, as_nanoseconds


def deadlines(rows: pl.DataFrame, pauses: pl.DataFrame, clocks: Clocks) -> pl.Series:
    """For each row when `budget` seconds have run on `clock` since `since`, outside the pauses of
    its `case`.

    A pause counts if it starts while budget is left; since it only ever puts the deadline off, the
    pauses before it decide that, and the ones that count are the first ones.
    """
    rows = rows.with_row_index("row").with_columns(
        position=clocks.position(rows["clock"], rows["since"]),
        budget=as_nanoseconds(rows["budget"]),
    )
    stops = rows.join(pauses, on="case").filter(pl.col("paused_until") > pl.col("since"))
    stops = stops.sort("row", "paused_from")
    begins = pl.select(pl.max_horizontal(stops["paused_from"], stops["since"])).to_series()
    stops = stops.with_columns(
        begins=clocks.position(stops["clock"], begins),
        ends=clocks.position(stops["clock"], stops["paused_until"]),
    )
    lost = pl.col("ends") - pl.col("begins")
    before = lost.cum_sum().over("row", order_by="paused_from") - lost
    used = pl.col("begins") - pl.col("position") - before
    extra = stops.filter(used < pl.col("budget")).group_by("row").agg(extra=lost.sum())
    rows = rows.join(extra, on="row", how="left", maintain_order="left")
    target = rows["position"] + rows["budget"] + rows["extra"].fill_null(0)
    return clocks.instant(rows["clock"], target)
