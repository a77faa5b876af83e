"""The trees of traces: who stands below whom."""

from __future__ import annotations

import polars as pl

_SPAN = ["trace_id", "span_id"]


def tree(facts: pl.DataFrame, identified: pl.Series) -> pl.DataFrame:
    """The facts of all traces that have an identified or a linking fact, as nodes of a tree.

    Columns: node (0, 1, ... in order), row (number in `facts`), trace_id, span_id, span (is one),
    fact_id, span_links, known (is among the rows `identified`), parent (a node; itself at the top).
    """
    rows = facts.with_row_index("row").select(
        "row",
        *_SPAN,
        "fact_id",
        "span_links",
        span=pl.col("kind") == "span",
        known=pl.col("row").is_in(identified.implode()),
        below=_below(),
    )
    alive = rows.filter(
        pl.col("trace_id") != "", pl.col("known") | (pl.col("span_links").list.len() > 0)
    )
    nodes = rows.join(alive.select("trace_id").unique(), on="trace_id", how="semi")
    nodes = nodes.with_row_index("node")
    parents = nodes.select("node", "trace_id", span_id="below").join(
        places(nodes), on=_SPAN, how="left", maintain_order="left"
    )
    return nodes.drop("below").with_columns(parent=pl.coalesce(parents["place"], parents["node"]))


def places(nodes: pl.DataFrame) -> pl.DataFrame:
    """The node of every span id: trace_id, span_id, place.

    Two senders may have told of one span: the one with identifiers stands for it, else the one
    with the smaller fact id.
    """
    spans = nodes.filter("span", pl.col("span_id") != "")
    ordered = spans.sort("known", "fact_id", descending=[True, False])
    return ordered.unique(_SPAN, keep="first").select(*_SPAN, place="node")


def nearest(parent: pl.Series, seeds: pl.Series) -> pl.Series:
    """For every node the nearest of `seeds` (a mask) at or above it; null where there is none.

    Each round doubles how far a node has looked, so depth costs its logarithm; spans that are
    their own ancestors look in circles, which the number of rounds ends.
    """
    nodes = pl.int_range(len(parent), dtype=pl.UInt32, eager=True)
    reached = nodes.zip_with(seeds, parent)
    for _ in range(len(parent).bit_length()):
        further = reached.gather(reached)
        if further.equals(reached):
            break
        reached = further
    return pl.select(pl.when(seeds.gather(reached)).then(reached)).to_series()


def _below() -> pl.Expr:
    """The span a fact stands below; a log record names the span it was written in."""
    inside = (pl.col("kind") != "span") & (pl.col("span_id") != "")
    return pl.when(inside).then("span_id").otherwise("parent_span_id")
