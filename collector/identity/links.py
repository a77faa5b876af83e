"""What facts assert about pairs of identifiers, folded to the best evidence of every pair."""

from __future__ import annotations

import polars as pl

from collector.identity.ties import (
    BELONGS_TO,
    EVIDENCE,
    INSTANT,
    PARTS,
    SAME_AS,
    VALIDITY,
    parts,
)
from collector.mapping import Mapping
from collector.validity import ALWAYS, FOREVER, bounds

_TIE = ["kind", "child", "parent"]
_NAMED = ["fact", "type", "namespace"]


def fold(facts: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """The best evidence of every pair that `facts` assert: columns `ties.EVIDENCE`.

    The best is that of the system of record, then the earliest, then that of the smallest fact id;
    what was taken back comes last. Of a tie taken back, `facts` have to be all that name it.
    """
    told = asserted(facts, mapping).with_columns(plausible=pl.lit(value=True))
    said = _judged(told.filter(~pl.col("retracts")), told.filter("retracts"))
    best = said.unique([*_TIE, *VALIDITY], keep="first", maintain_order=True)
    return best.with_columns(
        *parts("child", {part: f"child_{part}" for part in PARTS}),
        *parts("parent", {part: f"parent_{part}" for part in PARTS}),
    ).select(EVIDENCE.names())


def asserted(facts: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """All that `facts` assert, the best evidence of a pair first: kind, child, parent, fact_id,
    system, at, mastered, and over which stretch, valid_from and valid_to. `retracts`: it says so no
    more.

    `facts` has a row per fact: fact_id, name, system, at, plausible, payload and its `identifiers`.
    Only plausible facts are evidence, and only where they say which belongs to which: a child with
    two candidates of one type and namespace belongs to neither. A relation is many to many, so
    there one side may be several.
    """
    speaking = facts.filter("plausible", pl.col("identifiers").list.len() > 1)
    names = pl.Series(sorted(mapping.retractions), dtype=pl.String)
    retracts = pl.col("name").is_in(names.implode())
    own = ("fact_id", "system", "at", "identifiers", "payload")
    speaking = speaking.select(*own, retracts=retracts).with_row_index("fact")
    named = _named(speaking)
    found = pl.concat(
        [_ownership(named, mapping), _sameness(named, mapping), _relations(named, mapping)]
    )
    found = _bounded(found, bounds(speaking, mapping))
    told = found.join(speaking.drop("identifiers", "payload"), on="fact")
    told = told.with_columns(mastered=pl.col("system") == pl.col("master"))
    return told.sort(~pl.col("mastered"), "at", "fact_id", nulls_last=True).drop("fact", "master")


def _judged(said: pl.DataFrame, retractions: pl.DataFrame) -> pl.DataFrame:
    """`said` with `void`, who took it back; what stands comes first.

    A system takes back what it has said up to then, the system of record what anybody has.
    """
    if retractions.is_empty():
        return said.with_columns(void=pl.lit(""))
    rows = said.with_row_index("row")
    both = rows.join(retractions, on=_TIE, maintain_order="left_right")
    theirs = (pl.col("system") == pl.col("system_right")) | pl.col("mastered_right")
    taken = both.filter(theirs, pl.col("at") <= pl.col("at_right"))
    who = pl.format("{} withdrew it, fact {}", "system_right", pl.col("fact_id_right").str.head(12))
    voided = taken.select("row", void=who).unique("row", keep="first", maintain_order=True)
    judged = rows.join(voided, on="row", how="left", maintain_order="left").drop("row")
    return judged.with_columns(pl.col("void").fill_null("")).sort(
        pl.col("void") != "", maintain_order=True
    )


def _bounded(found: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """`found` with the stretch over which each fact says that ties of its children hold."""
    always = pl.lit(ALWAYS).cast(INSTANT), pl.lit(FOREVER).cast(INSTANT)
    if told.is_empty():
        return found.with_columns(valid_from=always[0], valid_to=always[1])
    stretches = told.rename({"row": "fact"}).drop_nulls()
    kind = pl.col("child").str.splitn(":", 2).struct.field("field_0")
    bounded = found.with_columns(type=kind).join(stretches, on=["fact", "type"], how="left")
    return bounded.with_columns(
        valid_from=pl.col("since").cast(INSTANT).fill_null(always[0]),
        valid_to=pl.col("until").cast(INSTANT).fill_null(always[1]),
    ).drop("type", "since", "until")


def _named(speaking: pl.DataFrame) -> pl.DataFrame:
    """One row per fact and identifier; `alone` if the fact names no other of its namespace."""
    rows = speaking.select("fact", identifier="identifiers").explode("identifier").unique()
    split = pl.col("identifier").str.splitn(":", 3).struct
    rows = rows.with_columns(type=split.field("field_0"), namespace=split.field("field_1"))
    return rows.with_columns(alone=pl.len().over(_NAMED) == 1)


def _ownership(named: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    rules = [
        (BELONGS_TO, kind.name, owner, kind.master)
        for kind in mapping.objects.values()
        for owner in kind.owners
    ]
    return _crossed(named, rules).filter("alone_right").select(_ASSERTED)


def _relations(named: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    rules = [(r.name, r.child, r.parent, r.master) for r in mapping.relations]
    return _crossed(named, rules).filter(pl.col("alone") | pl.col("alone_right")).select(_ASSERTED)


def _crossed(named: pl.DataFrame, rules: list[tuple[str, str, str, str]]) -> pl.DataFrame:
    """Every child and parent on one fact for which there is a rule."""
    schema = dict.fromkeys(("kind", "type", "type_right", "master"), pl.String)
    known = pl.DataFrame(rules, schema=schema, orient="row")
    children = named.join(known, on="type")
    return children.join(
        named.rename({"type": "type_right"}), on=["fact", "type_right"], suffix="_right"
    ).rename({"identifier": "child", "identifier_right": "parent"})


def _sameness(named: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    rules = [(SAME_AS, s.object_type, *s.namespaces, s.master) for s in mapping.same_as]
    schema = dict.fromkeys(("kind", "type", "namespace_right", "namespace", "master"), pl.String)
    known = pl.DataFrame(rules, schema=schema, orient="row")
    single = named.filter("alone")
    children = single.join(known, on=["type", "namespace"])
    return children.join(
        single.rename({"namespace": "namespace_right"}),
        on=["fact", "type", "namespace_right"],
        suffix="_right",
    ).select("fact", "kind", "master", child="identifier", parent="identifier_right")


_ASSERTED = ["fact", "kind", "master", "child", "parent"]
