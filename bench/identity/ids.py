"""Ids and values that say the same in every run, and scatter as real ones do."""

from __future__ import annotations

import polars as pl

_DIGITS = 16  # of decimal, which are hex digits too


def group(number: pl.Expr) -> pl.Expr:
    """The name of a group, as values and sources begin."""
    return number.cast(pl.String).str.zfill(6)


def value(of: pl.Expr, role: pl.Expr, contract: pl.Expr) -> pl.Expr:
    """The value of a contract's identifier."""
    name = [group(of), pl.lit("-"), role.str.to_uppercase(), pl.lit("-")]
    return pl.concat_str(*name, contract.cast(pl.String).str.zfill(7))


def share(number: pl.Expr, salt: str, seed: int) -> pl.Expr:
    """A number in [0, 1) of every `number`, another for another salt."""
    return _scattered(pl.concat_str(number.cast(pl.String), pl.lit(f"|{salt}")), seed) / 2.0**64


def identified(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """With fact_id, content_hash, trace_id ('' outside of traces) and linked_trace_id.

    A trace is a contract's own, but for `B`, which is that of its `batch_of`: there the names of
    a contract's own spans get its number.
    """
    text = {name: pl.col(name).cast(pl.String) for name in ("contract", "step", "batch_of")}
    own = pl.concat_str(text["contract"], pl.lit("/"), text["step"], ignore_nulls=True)
    shared = pl.concat_str(text["batch_of"], pl.lit("/"), text["step"], ignore_nulls=True)
    fact = pl.when(pl.col("contract").is_null()).then(shared).otherwise(own)
    trace = pl.concat_str(
        pl.when(pl.col("trace") == "B").then(text["batch_of"]).otherwise(text["contract"]),
        pl.lit("/"),
        "trace",
    )
    linked = pl.concat_str(
        text["contract"], pl.lit("/"), pl.col("links").str.split("/").list.first()
    )
    number = pl.concat_str(pl.lit("-"), text["contract"])
    several = pl.when(pl.col("trace") == "B").then(number).otherwise(pl.lit("")).fill_null("")
    return rows.with_columns(
        pl.concat_str("span", pl.when(pl.col("span") != "").then(several).otherwise(pl.lit(""))),
        pl.concat_str(
            "parent", pl.when(pl.col("parent") == "item").then(several).otherwise(pl.lit(""))
        ),
        fact_id=_hexed(fact, seed),
        content_hash=_scattered(fact, seed + 7),
        trace_id=pl.when(pl.col("trace") == "").then(pl.lit("")).otherwise(_hexed(trace, seed)),
        linked_trace_id=_hexed(linked, seed),
    )


def _hexed(text: pl.Expr, seed: int) -> pl.Expr:
    halves = [_scattered(text, seed + n).cast(pl.String).str.zfill(20) for n in (2, 3)]
    return pl.concat_str(half.str.slice(-_DIGITS) for half in halves)


def _scattered(text: pl.Expr, seed: int) -> pl.Expr:
    return text.hash(seed=seed)
