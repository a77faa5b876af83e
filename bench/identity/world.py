"""A generated world: decoded facts of many contracts, what troubles them, and whose they truly are.

`contract.csv` is what happens to one contract: its facts, which identifiers each names (roles;
`clm@partner` is another contract's, `i1?` is mistyped), over which tie it reaches the contract
(`via`), under which trouble it happens at all (`when`), since which day it says that the object it
names first is where it says (`since`), and whose it is if not the contract's (`whose`). Contracts
of different groups share no identifier: the part before the dash of every value, and the source of
every fact, is the group.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import ids
import polars as pl
import troubles
from shapes import FACTS, LETTERS, ROLES

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
RECEIVED = datetime(2026, 7, 1, tzinfo=UTC)
# About what attributes weigh; identity hands them through.
ATTRIBUTES = '{"deployment.environment":"production","service.version":"4.2.1","note":"%s"}' % (
    "as agreed with the customer in the kick-off meeting " * 4
)

_ROLE = pl.col("names").str.extract(r"^([a-z0-9]+)")
SCRIPT = pl.read_csv(
    Path(__file__).with_name("contract.csv"),
    schema_overrides=dict.fromkeys(
        ("trace", "span", "parent", "links", "when", "names", "whose"), pl.String
    )
    | {"since": pl.Int64},
).with_columns(pl.col(pl.String).fill_null(""))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How large the world is: `at_once` contracts live at the same time, in groups of `group`."""

    contracts: int
    at_once: int = 5_000
    group: int = 100
    seed: int = 1
    shares: dict[str, float] = field(default_factory=lambda: dict(troubles.SHARES))

    @property
    def waves(self) -> int:
        """How often `at_once` contracts begin."""
        return -(-self.contracts // self.at_once)


@dataclass(frozen=True, kw_only=True)
class Wave:
    """What arrives together, in the order of arrival, as decoding gives it.

    `truth` has one row per fact of the contracts that begin here: fact_id, group, root (none for a
    span above several contracts) and touched, the troubles that touch it.
    """

    facts: pl.DataFrame
    mentions: pl.DataFrame
    truth: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What `identify` takes."""

    facts: pl.DataFrame
    mentions: pl.DataFrame
    dead_letters: pl.DataFrame = field(default_factory=LETTERS.to_frame)


def begun(plan: Plan, number: int) -> Wave:
    """All that ever arrives of the contracts that begin in a wave."""
    rows, mentions, truth = _begun(plan, number)
    return Wave(facts=_received(rows.sort("arrival"), number), mentions=mentions, truth=truth)


def wave(plan: Plan, number: int) -> Wave:
    """The facts that arrive in one wave: what is late comes with the next."""
    rows, mentions, truth = _begun(plan, number)
    now = rows.filter(pl.col("arrival") < number + 1)
    if number:
        before, named_before, _ = _begun(plan, number - 1)
        now = pl.concat([now, before.filter(pl.col("arrival") >= number)])
        mentions = pl.concat([mentions, named_before])
    facts = _received(now.sort("arrival", "fact_id"), number)
    mentions = mentions.join(facts, on=["fact_id", "content_hash"], how="semi")
    return Wave(facts=facts, mentions=mentions, truth=truth)


def batches(told: Wave, size: int) -> list[Batch]:
    """The wave in pieces of `size` facts."""
    keys = ["fact_id", "content_hash"]
    pieces = [told.facts.slice(first, size) for first in range(0, told.facts.height, size)]
    return [
        Batch(facts=some, mentions=told.mentions.join(some, on=keys, how="semi")) for some in pieces
    ]


def contracts(plan: Plan, numbers: pl.Series) -> pl.DataFrame:
    """Contracts by number, with their group, a partner in it, and one column per trouble."""
    number = pl.col("contract")
    group = number // plan.group
    begun = numbers.cast(pl.Int64).to_frame("contract")
    partner = group * plan.group + (number + 1) % plan.group
    return begun.with_columns(
        *(
            (ids.share(number, kind, plan.seed) < share).alias(kind)
            for kind, share in plan.shares.items()
        ),
        group=group,
        partner=pl.when(partner < plan.contracts).then(partner).otherwise(number - 1).clip(0),
    )


def happened(whose: pl.DataFrame, script: pl.DataFrame = SCRIPT) -> pl.DataFrame:
    """One row per contract and step of the script that happens to it."""
    rows = whose.join(script, how="cross")
    happens = pl.col("when") == ""
    for kind in troubles.SHARES:
        happens |= (pl.col("when") == kind) & pl.col(kind)
        happens |= (pl.col("when") == f"!{kind}") & ~pl.col(kind)
    return rows.filter(happens)


def named(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per fact version and identifier that it names, as decoding gives it."""
    whose = pl.when(pl.col("names").str.ends_with("@partner")).then("partner")
    kinds = {name: role[0] for name, role in ROLES.items()}
    spaces = {name: role[1] for name, role in ROLES.items()}
    each = rows.select("fact_id", "content_hash", "contract", "partner", "group", "names")
    each = each.filter(pl.col("names") != "").with_columns(pl.col("names").str.split(" "))
    value = ids.value(pl.col("group"), _ROLE, whose.otherwise("contract"))
    mistyped = pl.when(pl.col("names").str.ends_with("?")).then(pl.lit("X")).otherwise(pl.lit(""))
    return each.explode("names").select(
        object_type=_ROLE.replace_strict(kinds),
        namespace=_ROLE.replace_strict(spaces),
        value=pl.concat_str(value, mistyped),
        fact_id="fact_id",
        content_hash="content_hash",
    )


def lived(plan: Plan, whose: pl.DataFrame, script: pl.DataFrame, number: int) -> Batch:
    """What `script` gives for contracts that nothing troubles, as one batch."""
    rows = _timed(plan, happened(whose.with_columns(batch_of=pl.lit(None, pl.String)), script), 0)
    facts = _received(_facts(rows).sort("arrival"), number)
    return Batch(facts=facts, mentions=named(rows))


def _begun(plan: Plan, number: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """All that ever happens to the contracts that begin in a wave."""
    first = number * plan.at_once
    numbers = pl.arange(first, min(first + plan.at_once, plan.contracts), eager=True)
    whose = troubles.gathered(contracts(plan, numbers))
    rows = pl.concat([happened(whose), troubles.above(whose, SCRIPT)], how="diagonal_relaxed")
    rows = _timed(plan, rows, number)
    truth = rows.select("fact_id", "group", root=troubles.TRUE_ROOT, touched=troubles.touched())
    told = troubles.told(rows)
    return _facts(told), named(told), truth


def _timed(plan: Plan, rows: pl.DataFrame, number: int) -> pl.DataFrame:
    return ids.identified(rows, plan.seed).with_columns(
        at=_instant("day"),
        arrival=number + troubles.order(plan.seed),
    )


def _instant(day: str) -> pl.Expr:
    return pl.lit(BEGIN) + pl.duration(days=day, minutes=pl.col("contract") % 1_440)


def _payload() -> pl.Expr:
    """What a fact states: nothing but since when its first object is where it says."""
    kind = _ROLE.replace_strict({name: role[0] for name, role in ROLES.items()}, default=None)
    instant = _instant("since").dt.strftime("%+")
    stated = pl.concat_str(pl.lit('{"'), kind, pl.lit('.valid_from":"'), instant, pl.lit('"}'))
    return stated.fill_null("{}")


def _facts(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as decoding gives them, and when they arrive."""
    span = pl.col("kind") == "span"
    link = pl.concat_str("linked_trace_id", pl.lit(":"), pl.col("links").str.split("/").list.last())
    several = {
        "mapping_revision": pl.lit(1, pl.UInt32),
        "source": pl.concat_str(ids.group(pl.col("group")), pl.lit("-gateway")),
        "parent_span_id": "parent",
        "span_id": "span",
        "occurred_at": "at",
        "ended_at": pl.when(span).then("at"),
        "plausible": pl.col("when") != "implausible",
        "outcome": pl.lit("ok"),
        "message": pl.lit(""),
        "attributes": pl.lit(ATTRIBUTES),
        "payload": _payload(),
        "span_links": pl.when(pl.col("links") != "")
        .then(pl.concat_list(link))
        .otherwise(pl.lit([], pl.List(pl.String))),
        "annotations": pl.lit([], pl.List(pl.String)),
    }
    placed = {"received_at", "partition", "offset", "ordinal"}
    return rows.with_columns(**several).select(
        "arrival", *(pl.col(name).cast(kind) for name, kind in FACTS.items() if name not in placed)
    )


def _received(rows: pl.DataFrame, number: int) -> pl.DataFrame:
    """With what the log says of them: a request holds a hundred facts."""
    place = pl.int_range(pl.len(), dtype=pl.UInt64)
    placed = {
        "received_at": pl.lit(RECEIVED)
        + pl.duration(hours=number)
        + pl.duration(milliseconds=place),
        "partition": pl.lit(0),
        "offset": pl.lit(number * 10**6, pl.UInt64) + place // 100,
        "ordinal": place % 100,
    }
    return rows.with_columns(**placed).select(
        pl.col(name).cast(kind) for name, kind in FACTS.items()
    )
