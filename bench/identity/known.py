"""Facts per second of one core while millions of identifiers are known.

    PYTHONPATH=tests python bench/identity/known.py --identifiers 5000000

Links and places of contracts that nothing troubles are put into a store in bulk; then their facts
stream in, 99 % of them of a small working set that was seen before, 1 % of contracts never seen
since the start; and last, batches of such cold ones alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # facts per second of one core

import held
import ids
import polars as pl
import world
from cost import Cost
from feed import Feed, opened
from shapes import ROLES

from collector.identity.links import fold
from collector.mapping import Mapping, load
from threadline.store.telemetry import Telemetry

PER_CONTRACT = 25  # identifiers that can tie
WORKING_SET = 4_000  # contracts
OF_A_BATCH = 400  # contracts: 20,000 facts and a few
COLD = 0.01
AT_ONCE = 5_000
TYING = world.SCRIPT.filter(pl.col("names").str.contains(" "), pl.col("kind") == "event")


def main() -> int:
    given = _arguments()
    contracts = given.identifiers // PER_CONTRACT
    plan = world.Plan(
        contracts=contracts, shares=dict.fromkeys(world.Plan(contracts=0).shares, 0.0)
    )
    with tempfile.TemporaryDirectory(prefix="threadline-bench-", dir=given.data) as directory:
        data = Path(directory)
        store, mapping = opened(data), load()
        for first in range(0, contracts, AT_ONCE):
            _know(store, mapping, plan, first)
        store.close()
        report: dict[str, Any] = {"held": held.measured(data)}
        store = opened(data)
        report |= _streamed(store, plan, given.batches)
        store.close()
    print(json.dumps(report, indent=2))
    return 0


def _know(store: Telemetry, mapping: Mapping, plan: world.Plan, first: int) -> None:
    """Put links and places of some contracts into the store."""
    numbers = pl.arange(first, min(first + AT_ONCE, plan.contracts), eager=True)
    whose = world.contracts(plan, numbers)
    told = world.lived(plan, whose, TYING, number=0)
    whole = pl.concat_str("object_type", "namespace", "value", separator=":")
    lists = told.mentions.group_by("fact_id").agg(identifiers=whole)
    marks = {"generation": pl.lit(1, pl.UInt64), "deleted": pl.lit(0, pl.UInt8)}
    links = fold(told.facts.join(lists, on="fact_id"), mapping)
    store.insert("links", links.with_columns(state=pl.lit("held"), reason=pl.lit(""), **marks))
    store.insert("identifiers", _places(whose).with_columns(**marks))


def _places(whose: pl.DataFrame) -> pl.DataFrame:
    """Where every identifier of `whose` contracts is, as identity would resolve it."""
    linked = {role: told for role, told in ROLES.items() if role not in ("customer", "s4", "i3s")}
    schema = ["role", "object_type", "namespace", "object", "owner"]
    roles = pl.DataFrame([(r, *told) for r, told in linked.items()], schema=schema, orient="row")
    names = {r: f"{kind}:{space}:" for r, (kind, space, *_) in ROLES.items()}

    def named(role: pl.Expr) -> pl.Expr:
        value = ids.value(pl.col("group"), role, pl.col("contract"))
        whole = pl.concat_str(role.replace_strict(names, default=""), value)
        return pl.when(role == "").then(pl.lit("")).otherwise(whole)

    return whose.join(roles, how="cross").select(
        "object_type",
        "namespace",
        value=ids.value(pl.col("group"), pl.col("role"), pl.col("contract")),
        object_id=named(pl.col("object")),
        owner_id=named(pl.col("owner")),
        root_id=named(pl.lit("clm")),
    )


def _streamed(store: Telemetry, plan: world.Plan, batches: int) -> dict[str, Any]:
    """Facts per second: of the working set as it is first seen, of the mixture, of cold ones."""
    feed, rounds, by = Feed(store), iter(range(1, 10**6)), random.Random(plan.seed)
    shuffled = by.sample(range(plan.contracts), plan.contracts)
    warm, cold = shuffled[:WORKING_SET], iter(shuffled[WORKING_SET:])

    def some(cold_ones: int) -> list[int]:
        return by.sample(warm, OF_A_BATCH - cold_ones) + [next(cold) for _ in range(cold_ones)]

    def fed(chosen: Iterator[list[int]]) -> dict[str, float]:
        feed.identifying, feed.facts = Cost(), 0
        for numbers in chosen:
            feed.take([_more(plan, numbers, next(rounds))])
        return feed.identifying.per_second(feed.facts)

    first = (warm[n : n + OF_A_BATCH] for n in range(0, WORKING_SET, OF_A_BATCH))
    return {
        "working_set_first_seen": fed(iter(first)),
        "of_which_1_in_100_cold": fed(some(round(OF_A_BATCH * COLD)) for _ in range(batches)),
        "cold_alone": fed(some(OF_A_BATCH) for _ in range(max(1, batches // 4))),
    }


def _more(plan: world.Plan, numbers: list[int], turn: int) -> world.Batch:
    """The script once more, later, with facts and traces of its own."""
    again = pl.lit(f"r{turn}")
    script = world.SCRIPT.with_columns(
        step=pl.col("step") + 1_000 * turn,
        day=pl.col("day") + 100,
        trace=pl.when(pl.col("trace") != "").then(pl.concat_str("trace", again)).otherwise("trace"),
        links=pl.col("links").str.replace("/", f"r{turn}/"),
    )
    return world.lived(plan, world.contracts(plan, pl.Series(numbers)), script, turn)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identifiers", type=int, default=5_000_000)
    parser.add_argument("--batches", type=int, default=40, help="of some 20,000 facts")
    parser.add_argument("--data", type=Path, help="where the store is put")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
