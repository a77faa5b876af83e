"""Of which identifiers every fact speaks, by itself or through its trace."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from collector.identity.lineage import nearest, places, tree

MOST_OF_A_TRACE = 16  # a trace that names more is a batch run: its other spans speak of nobody
MOST_HOPS = 16  # of a conversation over many traces, each linking to the one before

# One row per fact and identifier: `row` points into the facts, `origin` is the fact it comes from
# (none for `own` and `trace`), `of` how many identifiers that can tie the fact speaks of. A fact
# that speaks of nobody has one row without identifier: `shared` if its trace names too many, else
# `none`.
SPOKEN = pl.Schema(
    {
        "row": pl.UInt32,
        "identifier": pl.String,
        "how": pl.String,
        "origin": pl.String,
        "of": pl.UInt16,
    }
)


def spoken(facts: pl.DataFrame, never: frozenset[str]) -> pl.DataFrame:
    """The identifiers of every fact: columns `SPOKEN`, in the order of the facts.

    `facts` holds whole traces, one row per fact: trace_id, fact_id, kind, span_id, parent_span_id,
    span_links and `identifiers`, its own as `type:namespace:value`. A fact without any takes those
    of its nearest ancestor that has some; else those of the spans that it, or its nearest ancestor
    that links, links to, or that these link to in turn, over `MOST_HOPS` at the most; else those of
    all spans of the trace. A log record stands below the span it names. Identifiers of the types
    `never` are not inherited and make no fact identified.
    """
    own = _own(facts, never)
    tying = own.filter("tying").select("row", "identifier")
    mute = own.filter(~pl.col("tying")).select("row", "identifier", of=pl.lit(0, pl.UInt16))
    named = pl.concat([_counted(tying), mute]).with_columns(how=pl.lit("own"), origin=pl.lit(""))
    attributed = pl.concat([named.select(SPOKEN.names()), *_inherited(facts, tying)])
    return pl.concat([attributed, _rest(facts, attributed)]).sort("row", "identifier")


def _own(facts: pl.DataFrame, never: frozenset[str]) -> pl.DataFrame:
    """The identifiers that facts name themselves: row, identifier, tying."""
    kind = pl.col("identifier").str.split_exact(":", 1).struct.field("field_0")
    return (
        facts.select(row=pl.int_range(pl.len(), dtype=pl.UInt32), identifier="identifiers")
        .filter(pl.col("identifier").list.len() > 0)
        .explode("identifier")
        .unique(maintain_order=True)
        .with_columns(tying=~kind.is_in(sorted(never)))
    )


def _rest(facts: pl.DataFrame, attributed: pl.DataFrame) -> pl.DataFrame:
    """A row for every fact of which nothing better is known."""
    alone = facts.select("trace_id", row=pl.int_range(pl.len(), dtype=pl.UInt32)).join(
        attributed.filter(pl.col("of") > 0), on="row", how="anti"
    )
    # All of a trace that names anybody is attributed, unless it names too many.
    named = attributed.filter(pl.col("of") > 0)["row"]
    crowded = facts["trace_id"].gather(named).unique()
    shared = (pl.col("trace_id") != "") & pl.col("trace_id").is_in(crowded.implode())
    return alone.select(
        "row",
        identifier=pl.lit(""),
        how=pl.when(shared).then(pl.lit("shared")).otherwise(pl.lit("none")),
        origin=pl.lit(""),
        of=pl.lit(0, pl.UInt16),
    )


def _inherited(facts: pl.DataFrame, tying: pl.DataFrame) -> Iterator[pl.DataFrame]:
    nodes = tree(facts, tying["row"].unique())
    if nodes["known"].all():
        return
    above = nodes.with_columns(source=nearest(nodes["parent"], nodes["known"]))
    named = nodes.select("node", "row").join(tying, on="row").select("node", "identifier")
    direct = above.filter(~pl.col("known"), pl.col("source").is_not_null())
    links = _linked(above)
    left = above.filter(pl.col("source").is_null()).join(links, on="node", how="anti")
    yield _taken(direct, named, nodes, "ancestor")
    yield _taken(links, named, nodes, "link")
    yield _of_trace(left, links, named, nodes)


def _linked(above: pl.DataFrame) -> pl.DataFrame:
    """Nodes that nothing above identifies and the identified nodes their links lead to."""
    lost = above.filter(pl.col("source").is_null())
    links = _followed(lost, above)
    reached = above.select("node", "row", linker=_linkers(above, links))
    return reached.join(lost, on="node", how="semi").join(links, on="linker")


def _followed(lost: pl.DataFrame, above: pl.DataFrame) -> pl.DataFrame:
    """Where span links of `lost` nodes lead, hop by hop: linker, source."""
    ends = _ends(lost, above)
    direct = ends.drop_nulls("source").select("linker", "source")
    further = ends.filter(pl.col("source").is_null())
    found = direct
    for _ in range(MOST_HOPS - 1):
        via = further.select("linker", via=_linkers(above, found).gather(further["place"]))
        led = via.join(found.rename({"linker": "via"}), on="via").select("linker", "source")
        before, found = found, pl.concat([direct, led]).unique()
        if found.height == before.height:
            break
    return found


def _linkers(above: pl.DataFrame, links: pl.DataFrame) -> pl.Series:
    """For every node the nearest one at or above it whose links lead anywhere."""
    return nearest(above["parent"], above["node"].is_in(links["linker"].implode()))


def _ends(lost: pl.DataFrame, above: pl.DataFrame) -> pl.DataFrame:
    """The nodes that `lost` ones link to: linker, place, and source where one is identified."""
    linking = lost.filter(pl.col("span_links").list.len() > 0)
    target = pl.col("span_links").str.splitn(":", 2).struct
    named = linking.select("span_links", linker="node").explode("span_links")
    ends = named.select("linker", trace_id=target.field("field_0"), span_id=target.field("field_1"))
    wanted = above.join(ends, on=["trace_id", "span_id"], how="semi")
    found = ends.join(places(wanted), on=["trace_id", "span_id"])
    return found.select("linker", "place", source=above["source"].gather(found["place"]))


def _of_trace(
    left: pl.DataFrame, links: pl.DataFrame, named: pl.DataFrame, nodes: pl.DataFrame
) -> pl.DataFrame:
    """What facts still without any take from all spans of their trace, however those came by it."""
    by_link = links.select("node", "source").join(named.rename({"node": "source"}), on="source")
    spans = nodes.filter("span").select("node", "trace_id")
    sets = pl.concat([named, by_link.select("node", "identifier")]).join(spans, on="node")
    each = sets.select("trace_id", "identifier").unique()
    few = each.filter(pl.len().over("trace_id") <= MOST_OF_A_TRACE)
    found = left.select("row", "trace_id").join(few, on="trace_id").select("row", "identifier")
    whole = _counted(found).with_columns(how=pl.lit("trace"), origin=pl.lit(""))
    return whole.select(SPOKEN.names())


def _taken(heirs: pl.DataFrame, named: pl.DataFrame, nodes: pl.DataFrame, how: str) -> pl.DataFrame:
    """What each node of `heirs` takes from its sources; of several the smallest id is origin."""
    found = heirs.select("row", node="source").join(named, on="node")
    found = found.with_columns(origin=nodes["fact_id"].gather(found["node"]))
    single = found.group_by("row", "identifier").agg(pl.col("origin").min())
    return _counted(single).with_columns(how=pl.lit(how)).select(SPOKEN.names())


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(of=pl.len().over("row").clip(0, 2**16 - 1).cast(pl.UInt16))
