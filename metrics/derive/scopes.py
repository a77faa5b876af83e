"""Which objects a case looks at, and on which path it reaches them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import polars as pl

from metrics.derive.told import Told
from threadline.model.journeys import Journey
from threadline.model.matching import Path

DEPTH = 16  # chains of ownership are short; a longer one is a circle in the evidence

_INSTANT = pl.Datetime("ns", "UTC")
_VALIDITY = ["valid_from", "valid_to"]
_ALWAYS = {
    name: pl.lit(instant, pl.Int64).cast(_INSTANT)
    for name, instant in zip(_VALIDITY, (0, 2**63 - 1), strict=True)
}


def case_objects(
    journey: Journey, members: pl.DataFrame, roots: Collection[str] | None
) -> pl.DataFrame:
    """One row per object a case may be about: `case` (a number for joins), case_id, root_id.

    A case stands under the root its object was under last, and only those under `roots` are told
    of, if these are given.
    """
    last = (
        members.filter(pl.col("object_type") == journey.case_type, pl.col("root_id") != "")
        .sort("valid_to", "valid_from", "root_id")
        .unique("object_id", keep="last", maintain_order=True)
        .select(case_id="object_id", root_id="root_id")
    )
    if roots is not None:
        last = last.filter(pl.col("root_id").is_in(sorted(roots)))
    return last.with_row_index("case")


def scopes(paths: tuple[Path, ...], cases: pl.DataFrame, known: Told) -> pl.DataFrame:
    """The objects of every case: `case`, `object_id`, and `path`, an index into `paths`.

    An object is in the scope over `[valid_from, valid_to)`: while all ties held that lead to it.
    """
    ties = known.members.select("object_id", "owner_id", *_VALIDITY)
    ties = ties.filter(pl.col("owner_id") != "").unique()
    start = cases.select("case", object_id="case_id", **_ALWAYS)
    reached = [
        (
            _under_the_root(cases, known.members)
            if path.kind == "root"
            else _reach(path, start, ties, known.relations)
        ).with_columns(path=pl.lit(place, pl.UInt8))
        for place, path in enumerate(paths)
    ]
    return pl.concat([start.clear().with_columns(path=pl.lit(0, pl.UInt8)), *reached])


def in_scope() -> pl.Expr:
    """Whether a fact was while its object was in the scope; raw times that are odd do not count."""
    sound = pl.col("plausible") & pl.col("at").is_not_null()
    moment = pl.when(sound).then("at").otherwise("received_at")
    return (moment >= pl.col("valid_from")) & (moment < pl.col("valid_to"))


def _under_the_root(cases: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """What was under a root while the case's own object was."""
    under = members.select("root_id", "object_id", *_VALIDITY).unique()
    own = under.join(cases.select("case", object_id="case_id"), on="object_id").drop("object_id")
    return _meanwhile(own.join(under, on="root_id"))


def _reach(
    path: Path, start: pl.DataFrame, owners: pl.DataFrame, relations: pl.DataFrame
) -> pl.DataFrame:
    if path.kind == "self":
        return start
    if path.kind == "relation":
        ties = relations.filter(pl.col("kind") == path.relation)
        here, there = ("parent_id", "child_id") if path.backwards else ("child_id", "parent_id")
        return _follow(start, ties, here, there)
    down = path.kind == "descendant"
    here, there = ("owner_id", "object_id") if down else ("object_id", "owner_id")
    return pl.concat(_chain(start, owners, here, there)).unique()


def _chain(
    start: pl.DataFrame, owners: pl.DataFrame, here: str, there: str
) -> Iterable[pl.DataFrame]:
    at = start
    found = [start.clear()]
    for _ in range(DEPTH):
        at = _follow(at, owners, here, there).join(start, on=["case", "object_id"], how="anti")
        if at.is_empty():
            break
        found.append(at)
    return found


def _follow(start: pl.DataFrame, ties: pl.DataFrame, here: str, there: str) -> pl.DataFrame:
    step = ties.select(pl.col(here).alias("object_id"), pl.col(there).alias("there"), *_VALIDITY)
    reached = start.join(step, on="object_id").drop("object_id").rename({"there": "object_id"})
    return _meanwhile(reached).unique()


def _meanwhile(joined: pl.DataFrame) -> pl.DataFrame:
    """Rows of two joined stretches as one: what both have in common, where they have anything."""
    both = joined.select(
        "case",
        "object_id",
        valid_from=pl.max_horizontal("valid_from", "valid_from_right"),
        valid_to=pl.min_horizontal("valid_to", "valid_to_right"),
    )
    return both.filter(pl.col("valid_from") < pl.col("valid_to"))
