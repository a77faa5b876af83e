"""What the metrics room derives cases from: the facts of some roots, as their objects see them."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import NamedTuple

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.tenures import ALWAYS, Reading, pasts, reading

INSTANT = pl.Datetime("ns", "UTC")
_LAST = pl.lit(2**63 - 1).cast(INSTANT)
_STRETCH = ("valid_from", "valid_to")
_NAME = pl.concat_str("object_type", "namespace", "value", separator=":")

# Keys first, of all versions, by the projections; then what is current of them. Without a key,
# FINAL reads a whole table.
_HERE = """(
    SELECT object_type, namespace, value FROM identifiers WHERE root_id IN {roots:Array(String)}
    UNION ALL
    SELECT object_type, namespace, value FROM tenures WHERE root_id IN {roots:Array(String)})"""

_PLACED = f"root_id IN {{roots:Array(String)}} AND (object_type, namespace, value) IN {_HERE}"


@cache
def _members(times: Reading) -> str:
    return f"""
SELECT root_id, object_type, object_id, owner_id, namespace, value, valid_from, valid_to
FROM ({times.places(_PLACED)})
"""


# A fact that speaks of several roots is evidence only when it names them itself and is not a span.
@cache
def _observations(times: Reading) -> str:
    return f"""
WITH members AS ({_members(times)}),
seen AS (
    SELECT members.root_id AS root_id, object_type, members.object_id AS object_id,
        members.owner_id AS owner_id, namespace, value, fact_id, kind, source, system, name,
        outcome, message, at, occurred_at, plausible, sampled, payload, received_at, how, of,
        uniqExact(object_type, namespace, value) OVER (PARTITION BY root_id, fact_id) AS here
    FROM mentions FINAL
    INNER JOIN members USING (object_type, namespace, value)
    WHERE (object_type, namespace, value) IN (SELECT object_type, namespace, value FROM members)
        AND (name IN {{names:Array(String)}} OR payload != '{{}}'
            OR arrayExists(pattern -> name LIKE pattern, {{patterns:Array(String)}}))
        AND {times.meanwhile}
)
SELECT * EXCEPT (of, here), here = of AS whole FROM seen
WHERE (how = 'own' AND kind != 'span') OR here = of
"""


_LINK = """kind, child_type, child_namespace, child_value,
    parent_type, parent_namespace, parent_value"""

_LINKS = f"""
SELECT * EXCEPT (generation, deleted) FROM links FINAL WHERE ({_LINK}) IN (
    SELECT {_LINK} FROM links WHERE (child_type, child_namespace, child_value) IN {_HERE}
    UNION ALL
    SELECT {_LINK} FROM links WHERE (parent_type, parent_namespace, parent_value) IN {_HERE})
"""

_PLACES = "(object_type, namespace, value) IN {names:Array(Tuple(String, String, String))}"
_AT_ONCE = 1_000  # names in one question

_FIRST = """
SELECT kind, concat(child_type, ':', child_namespace, ':', child_value) AS child,
    min(valid_from) AS first
FROM links FINAL
WHERE state = 'held' AND child IN {children:Array(String)} GROUP BY kind, child
"""


class Gathered(NamedTuple):
    """All that deriving the cases of some contracts reads."""

    observations: pl.DataFrame
    members: pl.DataFrame
    links: pl.DataFrame
    relations: pl.DataFrame


def gathered(telemetry: Telemetry, roots: Collection[str], names: Collection[str]) -> Gathered:
    """What was observed of contracts, and of those that anything of theirs was under before.

    `names` are the event names that count; they may hold `*`.
    """
    read = pasts(telemetry, roots)
    found, tied = members(telemetry, read), links(telemetry, read)
    return Gathered(
        observations=observations(telemetry, read, names),
        members=found,
        links=tied,
        relations=relations(telemetry, read, found, tied),
    )


def members(telemetry: Telemetry, roots: Collection[str]) -> pl.DataFrame:
    """The identifiers of all objects under `roots`, each while it is there; empty when none is.

    An identifier is there over `[valid_from, valid_to)`.
    """
    return telemetry.query(_members(reading(telemetry)), {"roots": sorted(roots)})


def observations(
    telemetry: Telemetry, roots: Collection[str], names: Collection[str]
) -> pl.DataFrame:
    """One row per root, identifier and fact: facts called one of `names` or carrying a payload.

    A `*` in a name stands for anything. `whole`: all that the fact speaks of is under the root.
    """
    patterns = [_like(name) for name in names if "*" in name]
    exact = [name for name in names if "*" not in name]
    asked = {"roots": sorted(roots), "names": sorted(exact), "patterns": sorted(patterns)}
    return telemetry.query(_observations(reading(telemetry)), asked)


def links(telemetry: Telemetry, roots: Collection[str]) -> pl.DataFrame:
    """All evidence about identifiers that are ever under `roots`, in the columns of `links`."""
    return telemetry.query(_LINKS, {"roots": sorted(roots)})


def relations(
    telemetry: Telemetry, roots: Collection[str], members: pl.DataFrame, links: pl.DataFrame
) -> pl.DataFrame:
    """Held relations (`bills`, `orders`, `amends`…) that touch an object under `roots`.

    `members` and `links` are those of `roots`. Each relation holds over `[valid_from, valid_to)`:
    the first that is known of an object reaches back. Its ends are what they were when it was said
    to hold, or else said.
    """
    tied = links.filter(~pl.col("kind").is_in(["same_as", "belongs_to"]), state="held")
    begun = pl.col("valid_from") > ALWAYS
    told = pl.when(begun).then("valid_from").otherwise("at").fill_null(_LAST.dt.offset_by("-1ns"))
    tied = tied.select("kind", *_STRETCH, of=told, child=_end("child"), parent=_end("parent"))
    ends = _ends(telemetry, members, pl.concat([tied["child"], tied["parent"]]))
    for end in ("child", "parent"):
        there = (pl.col("of") >= pl.col("since")) | (pl.col("since") == ALWAYS)
        known = ends.rename({"name": end, "object_id": f"{end}_id", "root_id": f"{end}_root"})
        tied = tied.join(known, on=end).filter(there, pl.col("of") < pl.col("until"))
        tied = tied.drop("since", "until")
    here = [pl.col(f"{end}_root").is_in(sorted(roots)) for end in ("child", "parent")]
    touching = tied.filter(pl.any_horizontal(here))
    found = touching.select("kind", "child_id", "parent_id", *_STRETCH, "child").unique()
    return _reaching_back(telemetry, found)


def _reaching_back(telemetry: Telemetry, found: pl.DataFrame) -> pl.DataFrame:
    begun = found.filter(pl.col("valid_from") > ALWAYS)
    if begun.is_empty():
        return found.drop("child")
    first = telemetry.query(_FIRST, {"children": begun["child"].unique().to_list()})
    reaching = found.join(first, on=["kind", "child"], how="left")
    since = pl.when(pl.col("valid_from") == pl.col("first")).then(pl.lit(ALWAYS, INSTANT))
    return reaching.with_columns(since.otherwise("valid_from").alias("valid_from")).drop(
        "child", "first"
    )


def _ends(telemetry: Telemetry, members: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
    """Where identifiers are: name, root_id, object_id, over `[since, until)`."""
    stretch = {"since": pl.col("valid_from"), "until": pl.col("valid_to")}
    columns = ["root_id", "object_id"]
    always = members.filter(pl.col("valid_from") == ALWAYS, pl.col("valid_to") == _LAST)
    known = always.select(*columns, name=_NAME, **stretch)
    others = set(names) - set(known["name"])
    asked = [tuple(name.split(":", 2)) for name in sorted(others)]
    places = reading(telemetry).places(_PLACES)
    for first in range(0, len(asked), _AT_ONCE):
        found = telemetry.query(places, {"names": asked[first : first + _AT_ONCE]})
        known.extend(found.select(*columns, name=_NAME, **stretch))
    return known


def _end(end: str) -> pl.Expr:
    return pl.concat_str(f"{end}_type", f"{end}_namespace", f"{end}_value", separator=":")


def _like(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")
