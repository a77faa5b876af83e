"""What troubles contracts, and which of their facts each trouble touches."""

from __future__ import annotations

import ids
import polars as pl

# How many of the contracts each befalls; several may befall one.
SHARES = {
    "twice": 0.10,  # a fifth of its facts is sent again
    "late_link": 0.10,  # what ties project and contract comes after everything else
    "out_of_order": 0.10,  # its facts arrive in any order
    "children_first": 0.10,  # spans arrive after those below them
    "migration": 0.10,  # a new ERP has names of its own for the project and later invoices
    "batch": 0.20,  # shares a trace with other contracts
    "versions": 0.05,  # an invoice is sent again with other content, without its project
    "wrong_join": 0.03,  # a system that is not the record joins the project to another contract
    "rivals": 0.03,  # the system of record joins it to another contract later
    "implausible": 0.03,  # so does one with an impossible time
    "moved": 0.03,  # its amendment is another contract's from a date on, as is told after that
    "reused": 0.03,  # the number of its purchase order is given out again, to another contract
    "retracted": 0.03,  # the system of record joins it to another first, and takes that back
    "mistyped": 0.01,  # a payment names no invoice there is, an amendment no contract there is
    "missing": 0.005,  # nothing ever ties project and contract
}
# Facts that name another's contract themselves; nobody can know that it is not so.
MISNAMED = "misnamed"
COSTLY = ("mistyped", "missing", MISNAMED)
FEW, MANY = 5, 40  # contracts of one batch trace: below and beyond what a trace may name

_PARTNERS = pl.col("whose") == "partner"
_WHOSE = pl.when(_PARTNERS).then("partner").otherwise("contract")
TRUE_ROOT = pl.when(pl.col("contract").is_not_null()).then(
    pl.concat_str(pl.lit("contract:clm:"), ids.value(pl.col("group"), pl.lit("clm"), _WHOSE))
)
_STEP, _SPAN = pl.col("step"), pl.col("kind") == "span"
_RESENT = (pl.col("step") * 7 + pl.col("contract")) % 5 == 0
_CHANGED = _STEP == 18  # the first invoice is issued
_MISTYPED = _STEP.is_in([27, 30, 34, 35, 80])
_LINK = _STEP == 4


def gathered(whose: pl.DataFrame) -> pl.DataFrame:
    """With the batch run that each contract of a `batch` is in; one alone shares nothing."""
    size = pl.when(pl.col("group") % 2 == 0).then(FEW).otherwise(MANY)
    place = pl.col("batch").cast(pl.Int64).cum_sum().over("group") - 1
    run = pl.concat_str(ids.group(pl.col("group")), pl.lit("b"), (place // size).cast(pl.String))
    told = whose.with_columns(batch_of=pl.when("batch").then(run))
    shared = pl.col("batch") & (pl.col("batch").sum().over("batch_of") > 1)
    return told.with_columns(batch=shared, batch_of=pl.when(shared).then("batch_of"))


def above(whose: pl.DataFrame, script: pl.DataFrame) -> pl.DataFrame:
    """The two spans above all contracts of a batch run: of no contract, naming none."""
    runs = whose.filter("batch").select("group", "batch_of").unique(maintain_order=True)
    spans = script.filter(pl.col("trace") == "B").with_columns(
        step=_STEP + 10,
        names=pl.lit(""),
        span=pl.col("span").replace({"item": "middle", "row": "top"}),
        parent=pl.col("parent").replace({"middle": "top", "item": ""}),
        via=pl.lit(""),
    )
    return runs.with_columns(batch=pl.lit(value=True)).join(spans, how="cross")


def order(seed: int) -> pl.Expr:
    """When facts arrive, within a wave: 0 to 1, what is late beyond."""
    begins = ids.share(pl.col("contract").fill_null(0), "begins", seed) * 0.3
    lived = begins + pl.col("day") / 160
    fact = pl.concat_str(pl.col("contract").fill_null(0).cast(pl.String), _STEP.cast(pl.String))
    depth = pl.col("span").replace_strict(
        {"top": 0, "middle": 1, "item": 2, "row": 3}, default=None
    )
    depth = pl.coalesce(depth, pl.col("span").cast(pl.Int64, strict=False)).fill_null(0)
    return (
        pl.when(pl.col("late_link") & _LINK)
        .then(1 + lived)
        .when("out_of_order")
        .then(ids.share(fact, "any", seed))
        .when(pl.col("children_first") & _SPAN)
        .then(0.9 - depth / 10)
        .otherwise(lived)
    )


def told(rows: pl.DataFrame) -> pl.DataFrame:
    """What is sent: with what comes again, alike or changed."""
    again = rows.filter(pl.col("twice") & _RESENT).with_columns(arrival=pl.col("arrival") + 0.1)
    changed = rows.filter(pl.col("versions") & _CHANGED).with_columns(
        arrival=pl.col("arrival") + 0.05,
        content_hash=pl.col("content_hash").hash(seed=1),
        names=pl.col("names").str.replace(" erp", "", literal=True),
    )
    return pl.concat([rows, again, changed])


def touched() -> pl.Expr:
    """The troubles that touch a fact."""
    over_project = pl.col("via") == "project"
    facts = {
        "twice": _RESENT,
        "late_link": over_project,
        "out_of_order": pl.lit(value=True),
        "children_first": _SPAN,
        "migration": over_project,
        "batch": pl.col("trace") == "B",
        "versions": over_project & (_CHANGED | _STEP.is_in([26, 30, 48, 49])),
        "wrong_join": over_project,
        "rivals": over_project,
        "implausible": over_project,
        "moved": _names("am") | (pl.col("when") == "moved"),
        "reused": _names("po") | (pl.col("when") == "reused"),
        "retracted": over_project,
        "mistyped": _MISTYPED,
        "missing": over_project,
    }
    kinds = [
        pl.when(pl.col(kind).fill_null(value=False) & where).then(pl.lit(kind))
        for kind, where in facts.items()
    ]
    misnamed = pl.col("names").str.contains("@partner") & ~_PARTNERS
    return pl.concat_list(*kinds, pl.when(misnamed).then(pl.lit(MISNAMED))).list.drop_nulls()


def _names(role: str) -> pl.Expr:
    return pl.col("names").str.split(" ").list.contains(role)
