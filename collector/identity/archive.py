"""Links at rest: columns instead of objects, for all that nothing has touched lately."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import polars as pl

from collector.identity.names import Names
from collector.identity.ties import BELONGS_TO, SAME_AS, Evidence, Pair, Verdict, text

_ENDS = ("child", "parent")
_WORD = pl.Categorical()

# One row per pair, identifiers as text, instants in nanoseconds of the epoch.
LINKS = pl.Schema(
    {
        **dict.fromkeys((*Pair._fields, *Evidence._fields), pl.Int64()),
        **dict.fromkeys(("kind", *_ENDS, "fact_id", "system", "void"), pl.String()),
        **dict.fromkeys(Verdict._fields, pl.String()),
        **dict.fromkeys(("mastered", "plausible"), pl.Boolean()),
    }
)
_ROWS = pl.Schema(
    {
        **LINKS,
        **dict.fromkeys(_ENDS, pl.UInt32()),
        **dict.fromkeys(("kind", "system", "void", "state"), _WORD),
    }
)
_RANK = ("implausible", "unmastered", "untimed", "at", "fact_id")  # as `Evidence.rank`


class Link(NamedTuple):
    """A pair, the best evidence for it, and what became of it."""

    pair: Pair
    evidence: Evidence
    verdict: Verdict


class Archive:
    """Links by the identifiers they tie, some 140 bytes each.

    What is taken out is put back in the end; until then it is still remembered as evidence that was
    known, unless it is doubted.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._rows, self._here, self._sure = _ROWS.to_frame(), pl.Series(), pl.Series()
        self._keep(self._rows)

    def __len__(self) -> int:
        return self._rows.height

    def put(self, links: Iterable[pl.DataFrame]) -> None:
        """Lay down `links` (columns `LINKS`): all that was taken out, and new ones."""
        rows = [self._numbered(part.select(LINKS.names())).cast(_ROWS) for part in links]
        self._keep(pl.concat([self._rows.filter(self._here), *rows]))

    def over(self, identifiers: Collection[str]) -> list[Link]:
        """Take out the links that give one of `identifiers` an owner or another name."""
        numbers = self._names.numbers(pl.Series(list(identifiers), dtype=pl.String))
        as_child = _positions(self._rows["child"], numbers)
        return self._take(pl.concat([as_child, self._at_parent(numbers, SAME_AS)]).unique())

    def under(self, identifiers: Collection[str]) -> list[Link]:
        """Take out the links in which one of `identifiers` is the owner."""
        numbers = self._names.numbers(pl.Series(list(identifiers), dtype=pl.String))
        return self._take(self._at_parent(numbers, BELONGS_TO))

    def doubt(self, children: Collection[str]) -> None:
        """Forget what is remembered of the pairs of `children`, all of which are taken out."""
        numbers = self._names.numbers(pl.Series(list(children), dtype=pl.String))
        self._sure = self._sure.scatter(_positions(self._rows["child"], numbers), values=False)

    def knows_better(self, found: pl.DataFrame) -> pl.Series:
        """Which rows of `found` (columns of `LINKS`) bring no better evidence than was known."""
        rows = self._numbered(found).with_columns(pl.col("kind").cast(_WORD))
        places = _positions(self._rows["child"], rows["child"].unique())
        known = self._rows[places].filter(self._sure.gather(places))
        both = _ranked(rows).join(
            _ranked(known), on=Pair._fields, how="left", maintain_order="left"
        )
        as_good = pl.lit(value=True)
        for name in reversed(_RANK):
            ours, theirs = pl.col(f"{name}_right"), pl.col(name)
            as_good = (ours < theirs) | ((ours == theirs) & as_good)
        return both.select(as_good.fill_null(value=False)).to_series()

    def _keep(self, rows: pl.DataFrame) -> None:
        self._rows = rows.sort("child")
        self._here = pl.repeat(True, rows.height, dtype=pl.Boolean, eager=True)
        self._sure = self._here.clone()
        placing = self._rows.select("kind", "parent", row=pl.int_range(pl.len(), dtype=pl.UInt32))
        placing = placing.filter(pl.col("kind").is_in([SAME_AS, BELONGS_TO]))
        same = (pl.col("kind") == SAME_AS).cast(pl.UInt64)
        self._parents = placing.select("row", key=pl.col("parent").cast(pl.UInt64) * 2 + same)
        self._parents = self._parents.sort("key")

    def _at_parent(self, numbers: pl.Series, kind: str) -> pl.Series:
        keys = numbers.cast(pl.UInt64) * 2 + int(kind == SAME_AS)
        return self._parents["row"].gather(_positions(self._parents["key"], keys))

    def _take(self, rows: pl.Series) -> list[Link]:
        taken = rows.filter(self._here.gather(rows))
        self._here = self._here.scatter(taken, values=False)
        found = self._rows[taken]
        texts = [self._names.texts(found[end]).alias(end) for end in _ENDS]
        return links(found.with_columns(texts))

    def _numbered(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(self._names.numbers(rows[end]) for end in _ENDS)


def rows(links: pl.DataFrame) -> pl.DataFrame:
    """Links as the store has them, `ties.LINKS` or `ties.EVIDENCE` alone, as columns `LINKS`."""
    told = links.lazy() if "state" in links.columns else _held(links)
    return told.select(
        "kind",
        *(text(f"{end}_").alias(end) for end in _ENDS),
        pl.col("valid_from").cast(pl.Int64).alias("since"),
        pl.col("valid_to").cast(pl.Int64).alias("until"),
        *(pl.col(name).cast(LINKS[name]) for name in (*Evidence._fields, *Verdict._fields)),
    ).collect()


def links(rows: pl.DataFrame) -> list[Link]:
    """Rows of the columns `LINKS` as Python values."""
    pairs = rows.select(Pair._fields).cast({"kind": pl.String}).iter_rows()
    evidence = rows.select(Evidence._fields).cast({"system": pl.String, "void": pl.String})
    verdicts = rows.select(Verdict._fields).cast({"state": pl.String}).iter_rows()
    return [
        Link(Pair(*pair), Evidence(*found), Verdict(*verdict))
        for pair, found, verdict in zip(pairs, evidence.iter_rows(), verdicts, strict=True)
    ]


def frame(links: Iterable[Link]) -> pl.DataFrame:
    """Links as rows of the columns `LINKS`."""
    order = [*Pair._fields, *Evidence._fields, *Verdict._fields]
    rows = [(*link.pair, *link.evidence, *link.verdict) for link in links]
    return pl.DataFrame(rows, schema={name: LINKS[name] for name in order}, orient="row")


def _held(evidence: pl.DataFrame) -> pl.LazyFrame:
    return evidence.lazy().with_columns(
        pl.lit(value).alias(name) for name, value in Verdict()._asdict().items()
    )


def _positions(ordered: pl.Series, wanted: pl.Series) -> pl.Series:
    """Where in `ordered` the values `wanted` stand."""
    first, behind = (ordered.search_sorted(wanted, side) for side in ("left", "right"))
    ranges = pl.select(pl.int_ranges(first, behind, dtype=pl.UInt32)).to_series()
    return ranges.explode().drop_nulls()


def _ranked(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds in what order evidence is preferred: smaller is better, from the first column on."""
    return rows.with_columns(
        implausible=~pl.col("plausible"),
        unmastered=~pl.col("mastered"),
        untimed=pl.col("at").is_null(),
        at=pl.col("at").fill_null(0),
    )
