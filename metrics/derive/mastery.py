"""What each system says of the attributes that have a master, and where copies differ from it.

A fact speaks for the objects that it names itself, and only if everything it names belongs to one
root and it names one object of that type: else it could be about either. A failure tells what was
tried, not what a system holds. Of facts of one instant the one with the greatest id has the say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from metrics.derive.payloads import carries, names, text_of
from metrics.derive.rows import MISMATCHES, MONEY, VALUES, conform
from threadline.model.mastery import MasteredAttribute

BLANKS = " \t\n\r\v\f\u0085\u00a0\u2000\u2001\u2002\u2003\u2007\u2009\u200b\u202f\u3000\ufeff"

_OBJECT = ["root_id", "object_id", "attribute"]
_PLACE = [*_OBJECT, "system"]
_SAID = ["value", "currency", "number", "readable", "fact_id"]
_EXACT = pl.Decimal(38, 6)


@dataclass(frozen=True, kw_only=True)
class Mastery:
    """`values`: what a system said from `at` on, one row per change. `mismatches`: one row per
    stretch `[starts_at, ends_at)` in which a copy differed and neither side said anything new.

    Stretches that follow on each other share `since`, when the copy began to differ, `due_at`, the
    last instant at which it may, and `until`, when it agreed again (null: it still differs, as has
    `ends_at` of the last). What had agreed again by `due_at` is no mismatch and is left out.
    `difference` is the money at stake of an `amount`; null where its two currencies are not one.
    """

    values: pl.DataFrame
    mismatches: pl.DataFrame


def mastery(observations: pl.DataFrame, mastered: Sequence[MasteredAttribute]) -> Mastery:
    """What the facts of some roots say of `mastered` attributes.

    A pure function of the set of rows. `observations` has one row per fact and identifier: root_id,
    object_type, object_id, fact_id, system, outcome, at, plausible, payload, how, and `whole`,
    whether all that the fact names belongs to this root.
    """
    versions = _versions(observations, mastered)
    return Mastery(
        values=conform(versions, VALUES),
        mismatches=conform(_mismatches(versions, mastered), MISMATCHES),
    )


def _versions(observations: pl.DataFrame, mastered: Sequence[MasteredAttribute]) -> pl.DataFrame:
    """One row per change of what a system says: VALUES, `number` and `readable`."""
    facts = _speaking(observations)
    told = [part for each in mastered for part in _told(facts, each)]
    empty = {**VALUES, "number": _EXACT, "readable": pl.Boolean()}
    whole = pl.concat([pl.DataFrame(schema=empty), *told])
    last = whole.sort("fact_id").unique([*_PLACE, "at"], keep="last", maintain_order=True)
    said = pl.concat_str(
        pl.coalesce(pl.col("number").cast(pl.String), "value"), "currency", separator="\0"
    )
    return (
        last.sort(*_PLACE, "at")
        .with_columns(said=said)
        .filter(pl.col("said").ne_missing(pl.col("said").shift().over(_PLACE)))
        .drop("said")
    )


def _speaking(observations: pl.DataFrame) -> pl.DataFrame:
    """The facts that may speak for an attribute, once per object."""
    sound = pl.col("plausible") & pl.col("at").is_not_null() & (pl.col("outcome") != "error")
    own = observations.filter(sound, "whole", pl.col("how") == "own", pl.col("payload") != "{}")
    columns = ("root_id", "object_type", "object_id", "fact_id", "system", "at", "payload")
    once = own.select(columns).unique(["object_id", "fact_id"])
    alone = pl.col("object_id").count().over("object_type", "fact_id") == 1
    return once.filter(alone)


def _told(facts: pl.DataFrame, one: MasteredAttribute) -> list[pl.DataFrame]:
    """What facts say of one attribute, by the name that carries it."""
    mine = facts.filter(pl.col("object_type") == one.object_type)
    parts = []
    for name in sorted({one.carried_as(system) for system in one.systems}):
        systems = [system for system in one.systems if one.carried_as(system) == name]
        some = mine.filter(pl.col("system").is_in(systems), names(name)).filter(carries(name))
        text = text_of(some["payload"], name).str.strip_chars(BLANKS)
        currency = text_of(some["payload"], one.currency) if one.currency else pl.lit("")
        some = some.with_columns(value=text, currency=currency).filter(pl.col("value") != "")
        parts.append(_read(some, one))
    return parts


def _read(told: pl.DataFrame, one: MasteredAttribute) -> pl.DataFrame:
    number = pl.lit(None, _EXACT)
    if one.compare != "text":
        number = pl.col("value").cast(_EXACT, strict=False)
    if one.compare == "amount":
        # Rounded once, half to even, as the values of cases are.
        number = number.round(2).cast(MONEY, strict=False).cast(_EXACT)
    told = told.with_columns(
        attribute=pl.lit(one.name),
        mastered=pl.col("system") == one.master,
        currency=pl.col("currency").str.strip_chars(BLANKS).fill_null(""),
        number=number,
    )
    readable = pl.lit(True) if one.compare == "text" else pl.col("number").is_not_null()
    return told.with_columns(readable=readable).select(*VALUES, "number", "readable")


def _mismatches(versions: pl.DataFrame, mastered: Sequence[MasteredAttribute]) -> pl.DataFrame:
    rules = pl.DataFrame(
        [(one.name, one.master, one.compare == "amount", one.within) for one in mastered],
        schema={
            "attribute": pl.String,
            "master": pl.String,
            "amount": pl.Boolean,
            "within": pl.Duration("ns"),
        },
        orient="row",
    )
    sides = _sides(versions).join(rules, on="attribute").with_columns(differs=_differs())
    sides = sides.sort(*_PLACE, "starts_at").with_columns(
        ends_at=pl.col("starts_at").shift(-1).over(_PLACE),
        begins=pl.col("differs") & ~pl.col("differs").shift(fill_value=False).over(_PLACE),
    )
    since = pl.when("begins").then("starts_at").forward_fill().over(_PLACE)
    apart = sides.with_columns(since=since).filter("differs")
    apart = apart.with_columns(
        until=pl.col("ends_at").last().over(*_PLACE, "since"),
        due_at=pl.col("since") + pl.col("within"),
        difference=_difference(),
        currency=pl.when(pl.col("master_currency") != "")
        .then("master_currency")
        .otherwise("copy_currency"),
    )
    return apart.filter(pl.col("until").is_null() | (pl.col("until") > pl.col("due_at")))


def _sides(versions: pl.DataFrame) -> pl.DataFrame:
    """One row per copy and instant at which it or its master said something new: what both said."""
    masters = versions.filter("mastered")
    copies = versions.filter(~pl.col("mastered"))
    turns = pl.concat(
        [
            copies.select(*_PLACE, "at"),
            copies.select(_PLACE).unique().join(masters.select(*_OBJECT, "at"), on=_OBJECT),
        ]
    ).unique()
    master = _renamed(masters, "master", _OBJECT)
    copy = _renamed(copies, "copy", _PLACE)
    known = [
        name for name in (*master.columns, *copy.columns) if name.startswith(("master_", "copy_"))
    ]
    return (
        turns.join(master, on=[*_OBJECT, "at"], how="left")
        .join(copy, on=[*_PLACE, "at"], how="left")
        .sort(*_PLACE, "at")
        .with_columns(pl.col(known).forward_fill().over(_PLACE))
        .rename({"at": "starts_at"})
    )


def _renamed(versions: pl.DataFrame, side: str, keys: list[str]) -> pl.DataFrame:
    named = {f"{side}_{name.removesuffix('_id')}": pl.col(name) for name in _SAID}
    return versions.select(*keys, "at", pl.col("at").alias(f"{side}_at"), **named)


def _differs() -> pl.Expr:
    """Null and unreadable sides are unknown, and what is unknown does not differ."""
    number = pl.col("master_number").is_not_null()
    values = (
        pl.when(number)
        .then(pl.col("master_number") != pl.col("copy_number"))
        .otherwise(pl.col("master_value") != pl.col("copy_value"))
    )
    read = pl.col("master_readable") & pl.col("copy_readable")
    return (read & (values | _other_currency())).fill_null(False)


def _other_currency() -> pl.Expr:
    master, copy = pl.col("master_currency"), pl.col("copy_currency")
    return (master != copy) & (master != "") & (copy != "")


def _difference() -> pl.Expr:
    apart = (pl.col("copy_number") - pl.col("master_number")).abs()
    return pl.when("amount", ~_other_currency()).then(apart).cast(MONEY, strict=False)
