"""Which objects a case looks at, and on which path it reaches them."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from threadline.model.journeys import Journey, Path

DEPTH = 16  # chains of ownership are short; a longer one is a circle in the evidence

SCOPE = {"case": pl.UInt32, "object_id": pl.String, "path": pl.UInt8}


def case_objects(journey: Journey, members: pl.DataFrame) -> pl.DataFrame:
    """One row per object a case may be about: `case` (a number for joins), case_id, root_id."""
    return (
        members.filter(pl.col("object_type") == journey.case_type, pl.col("root_id") != "")
        .select(case_id="object_id", root_id="root_id")
        .unique("case_id")
        .with_row_index("case")
    )


def scopes(
    paths: tuple[Path, ...], cases: pl.DataFrame, members: pl.DataFrame, relations: pl.DataFrame
) -> pl.DataFrame:
    """The objects of every case: `case`, `object_id`, and `path`, an index into `paths`."""
    owners = members.select("object_id", "owner_id").filter(pl.col("owner_id") != "").unique()
    start = cases.select("case", object_id="case_id")
    reached = [
        (
            _under_the_root(cases, members)
            if path.kind == "root"
            else _reach(path, start, owners, relations)
        ).with_columns(path=pl.lit(place, pl.UInt8))
        for place, path in enumerate(paths)
    ]
    return pl.concat([pl.DataFrame(schema=SCOPE), *reached])


def _under_the_root(cases: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    objects = members.select("root_id", "object_id").unique()
    return cases.select("case", "root_id").join(objects, on="root_id").drop("root_id")


def _reach(
    path: Path, start: pl.DataFrame, owners: pl.DataFrame, relations: pl.DataFrame
) -> pl.DataFrame:
    if path.kind == "self":
        return start
    if path.kind == "relation":
        ties = relations.filter(pl.col("kind") == path.relation).unique(["child_id", "parent_id"])
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
    step = ties.select(pl.col(here).alias("object_id"), pl.col(there).alias("there"))
    return start.join(step, on="object_id").select("case", object_id="there").unique()
