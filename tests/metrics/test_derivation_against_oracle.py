"""Derived rows equal those of a slow, plain derivation, over worlds nobody would think of."""

from __future__ import annotations

import json
import random

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metrics_oracle import Oracle
from metrics_worlds import World, frames, returning, worlds

from metrics.definitions import load
from metrics.derive import CASES, EXCEPTIONS, REMEDIES, STEPS, Derived, derive

REMEDY = ("journey", "case_id", "step", "kind", "fact_id")
GENEROUS = settings(
    max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


def rows(frame: pl.DataFrame, *keys: str) -> dict:
    found = {}
    for row in frame.iter_rows(named=True):
        if "dimensions" in row:
            row["dimensions"] = json.loads(row["dimensions"])
        key = tuple(row[name] for name in keys)
        assert key not in found
        found[key] = row
    return found


def canonical(derived: Derived) -> list[list[dict]]:
    frames = (derived.cases, derived.steps, derived.exceptions, derived.remedies)
    case = ["journey", "case_id"]
    orders = case, [*case, "step"], [*case, "kind", "fact_id"], REMEDY
    return [f.sort(order).to_dicts() for f, order in zip(frames, orders, strict=True)]


@GENEROUS
@given(worlds(moving=True))
def test_cases_steps_and_exceptions_are_those_of_the_oracle(definitions, world: list[World]):
    observations, members, relations = frames(*world)
    derived = derive(observations, members, relations, definitions)
    oracle = Oracle(definitions, observations.to_dicts(), members.to_dicts(), relations.to_dicts())
    assert rows(derived.cases, "journey", "case_id") == oracle.cases
    assert rows(derived.steps, "journey", "case_id", "step") == oracle.steps
    assert rows(derived.exceptions, "journey", "case_id", "kind", "fact_id") == oracle.exceptions
    assert rows(derived.remedies, *REMEDY) == oracle.remedies


@settings(GENEROUS, max_examples=18)
@given(returning(), st.randoms(use_true_random=False))
def test_what_goes_on_after_its_end_is_as_the_oracle_says(
    change_order, world: list[World], chance: random.Random
):
    whole = frames(*world)
    derived = derive(*whole, change_order)
    oracle = Oracle(change_order, *(frame.to_dicts() for frame in whole))
    assert rows(derived.cases, "journey", "case_id") == oracle.cases
    assert rows(derived.steps, "journey", "case_id", "step") == oracle.steps
    assert rows(derived.exceptions, "journey", "case_id", "kind", "fact_id") == oracle.exceptions
    assert rows(derived.remedies, *REMEDY) == oracle.remedies
    again = derive(*(shuffled(frame, chance) for frame in whole), change_order)
    assert canonical(again) == canonical(derived)


def shuffled(frame: pl.DataFrame, chance: random.Random) -> pl.DataFrame:
    places = [place for place in range(frame.height) for _ in range(chance.choice((1, 1, 2)))]
    chance.shuffle(places)
    return frame[places]


@settings(GENEROUS, max_examples=10)
@given(worlds(), st.randoms(use_true_random=False))
def test_order_repetition_and_company_change_nothing(
    definitions, world: list[World], chance: random.Random
):
    whole = frames(*world)
    derived = derive(*whole, definitions)
    again = derive(*(shuffled(frame, chance) for frame in whole), definitions)
    assert canonical(again) == canonical(derived)
    alone = [derive(*frames(one), definitions) for one in world]
    apart = Derived(
        cases=pl.concat([part.cases for part in alone]),
        steps=pl.concat([part.steps for part in alone]),
        exceptions=pl.concat([part.exceptions for part in alone]),
        remedies=pl.concat([part.remedies for part in alone]),
    )
    assert canonical(apart) == canonical(derived)


def test_columns_are_those_of_the_tables():
    from pathlib import Path

    import threadline.store.telemetry as telemetry

    sql = (Path(telemetry.__file__).parent / "schema.sql").read_text()
    for table, schema in (
        ("cases", CASES),
        ("steps", STEPS),
        ("exceptions", EXCEPTIONS),
        ("remedies", REMEDIES),
    ):
        body = sql.split(f"CREATE TABLE IF NOT EXISTS {table} (")[1].split(") ENGINE")[0]
        columns = [line.split()[0] for line in body.strip().splitlines()]
        assert list(schema) == columns[: columns.index("generation")]


def test_nothing_gives_nothing_in_the_right_columns(definitions):
    derived = derive(*frames(), definitions)
    assert dict(derived.cases.schema) == dict(CASES)
    assert derived.steps.is_empty()
    assert derived.exceptions.is_empty()


def test_what_was_activated_derives_the_same(definitions):
    from metrics.definitions import restore

    again = restore(json.loads(json.dumps(definitions.content)))
    assert again.journeys == definitions.journeys
    assert again.digest == definitions.digest != load().digest
