"""The words of identity: identifiers as text, pairs of them, and the evidence for a pair."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from typing import Literal, NamedTuple

import polars as pl

from collector.mapping import Mapping
from collector.validity import ALWAYS, FOREVER

INSTANT = pl.Datetime("ns", "UTC")

BELONGS_TO = "belongs_to"
SAME_AS = "same_as"

State = Literal["held", "conflict", "retracted"]

# An identifier is handled as `type:namespace:value`, the form object ids have everywhere.
PARTS = ("type", "namespace", "value")

IDENTIFIER = {"type": "object_type", "namespace": "namespace", "value": "value"}

PLACE = ("object_id", "owner_id", "root_id")

TIE = ["kind", *(f"child_{part}" for part in PARTS), *(f"parent_{part}" for part in PARTS)]
VALIDITY = ("valid_from", "valid_to")
_PAIR: dict[str, pl.DataType] = {
    **{column: pl.String() for column in TIE},
    **dict.fromkeys(VALIDITY, INSTANT),
}

# The best evidence of every pair: what `links.fold` gives and the table `links` keeps.
EVIDENCE = pl.Schema(
    {
        **_PAIR,
        "at": INSTANT,
        "fact_id": pl.String(),
        "system": pl.String(),
        "mastered": pl.Boolean(),
        "plausible": pl.Boolean(),
        "void": pl.String(),
    }
)

# Where identifiers are in the course of time: one row per slice.
TENURES = pl.Schema(
    {
        **dict.fromkeys(IDENTIFIER.values(), pl.String()),
        **dict.fromkeys(VALIDITY, INSTANT),
        **dict.fromkeys(PLACE, pl.String()),
    }
)

LINKS = pl.Schema({**EVIDENCE, "state": pl.String(), "reason": pl.String()})

# What people have decided about pairs, identifiers as text; the last word on a pair counts.
RULINGS = pl.Schema(
    {
        "number": pl.Int64(),  # grows with every ruling made
        "kind": pl.String(),
        "child": pl.String(),
        "parent": pl.String(),
        "act": pl.String(),  # assert, retract, or lift: as if nobody had ever ruled
        "at": INSTANT,
        "who": pl.String(),
        "why": pl.String(),
    }
)


class Pair(NamedTuple):
    """Two identifiers and how they are tied: same_as, belongs_to, or the name of a relation.

    What is said to hold over other stretches `[since, until)`, in nanoseconds, is another pair.
    """

    kind: str
    child: str
    parent: str
    since: int = ALWAYS
    until: int = FOREVER

    @property
    def bounded(self) -> bool:
        """Whether it says since or until when it holds."""
        return self.since != ALWAYS or self.until != FOREVER

    @property
    def tie(self) -> Pair:
        """The same whenever it holds: what people rule on."""
        return Pair(self.kind, self.child, self.parent) if self.bounded else self


class Evidence(NamedTuple):
    """The best evidence for one pair; instants in nanoseconds of the epoch.

    `void` says who withdrew it; where any evidence stands, the best that does is meant.
    """

    at: int | None
    fact_id: str
    system: str
    mastered: bool
    plausible: bool = True
    void: str = ""

    def rank(self) -> tuple[bool, bool, bool, int, str]:
        """Smaller is better: the system of record, the earliest event, the smallest fact id."""
        return not self.plausible, not self.mastered, self.at is None, self.at or 0, self.fact_id


# What stands in for evidence where there is none; any fact is better.
NO_EVIDENCE = Evidence(at=None, fact_id="", system="", mastered=False, plausible=False)


class Place(NamedTuple):
    """What an identifier resolves to; `owner_id` and `root_id` are empty where there is none."""

    object_id: str
    owner_id: str
    root_id: str


class Slice(NamedTuple):
    """Where an identifier is over `[since, until)`, in nanoseconds of the epoch."""

    since: int
    until: int
    place: Place


# Where an identifier is in the course of time: its slices in order, without gaps.
Tenure = tuple[Slice, ...]
Tenures = Dictionary[str, Tenure]


class Verdict(NamedTuple):
    """What became of a pair, and why if it is not held."""

    state: State = "held"
    reason: str = ""


def alone(identifier: str, mapping: Mapping) -> Place:
    """What an identifier resolves to that nothing ties to another."""
    is_root = object_type(identifier) in mapping.roots
    return Place(identifier, "", identifier if is_root else "")


def object_type(identifier: str) -> str:
    """The type of an identifier, or of the object it represents."""
    return identifier.split(":", 1)[0]


def text(prefix: str = "") -> pl.Expr:
    """The identifier in the columns `<prefix>type`, `…namespace` and `…value` as text."""
    return pl.concat_str([prefix + part for part in PARTS], separator=":")


def parts(column: str, names: Dictionary[str, str]) -> list[pl.Expr]:
    """The identifier in `column` as three columns, `names` leading from part to column name."""
    split = pl.col(column).str.splitn(":", 3).struct
    return [split.field(f"field_{i}").alias(names[part]) for i, part in enumerate(PARTS)]


def pairs(links: pl.DataFrame) -> list[Pair]:
    """The pair of every row."""
    instants = pl.col(VALIDITY).cast(pl.Int64)
    keys = links.select("kind", instants, child=text("child_"), parent=text("parent_"))
    return [Pair(*row) for row in keys.select("kind", "child", "parent", *VALIDITY).iter_rows()]


def evidence(links: pl.DataFrame) -> dict[Pair, Evidence]:
    """Rows as Python values; a pair given twice keeps its best evidence."""
    columns = links.select(
        pl.col("at").cast(pl.Int64),
        "fact_id",
        "system",
        "mastered",
        "plausible",
        "void",
    )
    found: dict[Pair, Evidence] = {}
    for pair, row in zip(pairs(links), columns.iter_rows(), strict=True):
        keep_best(found, pair, Evidence(*row))
    return found


def keep_best(known: dict[Pair, Evidence], pair: Pair, found: Evidence) -> bool:
    """Put `found` in `known` where it is better than what is there; whether it was."""
    held = known.get(pair)
    if held is not None and held.rank() <= found.rank():
        return False
    known[pair] = found
    return True


def links_frame(rows: Dictionary[Pair, tuple[Evidence, Verdict]]) -> pl.DataFrame:
    """Pairs with their evidence and verdict as a frame of the shape `LINKS`."""
    raw = pl.DataFrame(
        [(*pair, *found, *verdict) for pair, (found, verdict) in rows.items()],
        schema={
            **dict.fromkeys(("kind", "child", "parent"), pl.String),
            **dict.fromkeys(VALIDITY, pl.Int64),
            **{name: pl.Int64 if kind == INSTANT else kind for name, kind in _TAIL.items()},
        },
        orient="row",
    )
    return raw.select(
        "kind",
        *parts("child", {part: f"child_{part}" for part in PARTS}),
        *parts("parent", {part: f"parent_{part}" for part in PARTS}),
        pl.col(VALIDITY).cast(INSTANT),
        *(pl.col(name).cast(kind) for name, kind in _TAIL.items()),
    )


def identifiers_frame(places: Dictionary[str, Place]) -> pl.DataFrame:
    """One row per identifier: object_type, namespace, value, object_id, owner_id, root_id."""
    raw = pl.DataFrame(
        [(identifier, *place) for identifier, place in places.items()],
        schema=["identifier", "object_id", "owner_id", "root_id"],
        schema_overrides=dict.fromkeys(
            ("identifier", "object_id", "owner_id", "root_id"), pl.String
        ),
        orient="row",
    )
    return raw.select(*parts("identifier", IDENTIFIER), "object_id", "owner_id", "root_id")


def tenures_frame(tenures: Tenures) -> pl.DataFrame:
    """One row per slice: columns `TENURES`."""
    raw = pl.DataFrame(
        [
            (name, one.since, one.until, *one.place)
            for name, slices in tenures.items()
            for one in slices
        ],
        schema={
            "identifier": pl.String,
            **dict.fromkeys(VALIDITY, pl.Int64),
            **dict.fromkeys(PLACE, pl.String),
        },
        orient="row",
    )
    return raw.select(*parts("identifier", IDENTIFIER), pl.exclude("identifier")).cast(TENURES)


def tenures(frame: pl.DataFrame) -> dict[str, Tenure]:
    """Rows of the columns `TENURES` as Python values."""
    name = pl.concat_str(*IDENTIFIER.values(), separator=":")
    rows = frame.sort("valid_from").select(name, pl.col(VALIDITY).cast(pl.Int64), *PLACE)
    found: dict[str, Tenure] = {}
    for identifier, since, until, *place in rows.iter_rows():
        found[identifier] = (*found.get(identifier, ()), Slice(since, until, Place(*place)))
    return found


_TAIL = {name: kind for name, kind in LINKS.items() if name not in _PAIR}
