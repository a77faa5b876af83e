"""Where copies differ from their masters equals what a slow, plain derivation finds."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import mastery_oracle
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metrics_worlds import BASE, OBSERVATIONS

from metrics.derive import MISMATCHES, VALUES, Mastery, mastery
from threadline.model.mastery import MasteredAttribute

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VALUE = MasteredAttribute(
    name="contract_value",
    object_type="contract",
    master="clm",
    copies=("erp", "billing"),
    attribute="contract.value",
    names={"erp": "erp.net_value"},
    compare="amount",
    currency="contract.currency",
    within=DAY,
)
TERMS = MasteredAttribute(
    name="billing_terms",
    object_type="contract",
    master="clm",
    copies=("erp",),
    attribute="contract.terms",
    names={},
    compare="text",
    currency="",
    within=DAY,
)
RATE = MasteredAttribute(
    name="rate",
    object_type="project",
    master="erp",
    copies=("psa", "billing"),
    attribute="project.rate",
    names={},
    compare="number",
    currency="",
    within=2 * HOUR,
)
MASTERED = (VALUE, TERMS, RATE)
ROOT, PROJECT, OTHER = "contract:clm:C-1", "project:erp:P-1", "project:erp:P-2"

GENEROUS = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def observe(
    system: str,
    hours: float,
    *,
    on: tuple[str, ...] = (ROOT,),
    fact_id: str = "",
    outcome: str = "ok",
    plausible: bool = True,
    whole: bool = True,
    how: str = "own",
    **payload: Any,
) -> list[dict[str, Any]]:
    """One fact as its objects see it."""
    at = BASE + hours * HOUR
    told = {name.replace("__", "."): value for name, value in payload.items()}
    fact = {
        "root_id": ROOT,
        "fact_id": fact_id or f"{system}@{hours}",
        "kind": "event",
        "system": system,
        "name": f"{system}.told",
        "outcome": outcome,
        "message": "",
        "at": at,
        "plausible": plausible,
        "payload": json.dumps(told, separators=(",", ":")),
        "received_at": at,
        "how": how,
        "whole": whole,
    }
    return [
        fact
        | dict(zip(("object_type", "namespace", "value"), each.split(":"), strict=True))
        | {"object_id": each}
        for each in on
    ]


def frame(*facts: list[dict[str, Any]]) -> pl.DataFrame:
    rows = [row for fact in facts for row in fact]
    return pl.DataFrame(rows, schema={**OBSERVATIONS, "whole": pl.Boolean})


def found(*facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return mastery(frame(*facts), MASTERED).mismatches.sort("starts_at").to_dicts()


def clm(hours: float, value: Any, **more: Any) -> list[dict[str, Any]]:
    return observe("clm", hours, contract__value=value, **{"contract__currency": "EUR"} | more)


def erp(hours: float, value: Any, **more: Any) -> list[dict[str, Any]]:
    return observe("erp", hours, erp__net_value=value, **{"contract__currency": "EUR"} | more)


def test_a_copy_left_behind_is_a_mismatch_from_the_propagation_time_on() -> None:
    (row,) = found(clm(0, "100.00"), erp(1, "100.00"), clm(50, "130.50"))
    assert (row["since"], row["due_at"], row["until"]) == (BASE + 50 * HOUR, BASE + 74 * HOUR, None)
    assert (row["master_value"], row["copy_value"]) == ("130.50", "100.00")
    assert (row["difference"], row["currency"]) == (Decimal("30.50"), "EUR")
    assert (row["master_fact"], row["copy_fact"]) == ("clm@50", "erp@1")
    assert row["copy_at"] == BASE + HOUR


def test_what_arrives_in_time_leaves_no_trace_and_what_arrives_late_is_closed() -> None:
    assert not found(clm(0, 100), erp(1, 100), clm(50, 130), erp(74, 130))
    (late,) = found(clm(0, 100), erp(1, 100), clm(50, 130), erp(74.5, 130))
    assert late["until"] == late["ends_at"] == BASE + 74.5 * HOUR


def test_a_master_that_changes_again_does_not_start_the_clock_anew() -> None:
    first, second = found(clm(0, 100), erp(1, 90), clm(20, 130))
    assert first["since"] == second["since"] == BASE + HOUR
    assert first["due_at"] == second["due_at"] == BASE + 25 * HOUR
    assert [row["difference"] for row in (first, second)] == [Decimal(10), Decimal(40)]
    assert (first["ends_at"], second["ends_at"]) == (second["starts_at"], None)


def test_a_copy_that_never_spoke_is_unknown() -> None:
    assert not found(clm(0, 100), observe("billing", 1, contract__currency="EUR"))
    assert not found(erp(0, 100), observe("crm", 1, contract__value=90))


def test_currencies_that_differ_are_a_mismatch_without_a_difference() -> None:
    (row,) = found(clm(0, 100), erp(1, 100, contract__currency="USD"))
    assert (row["difference"], row["amount"]) == (None, True)
    assert not found(clm(0, 100), erp(1, 100, contract__currency=None))


def test_what_cannot_be_read_as_an_amount_is_unknown() -> None:
    (row,) = found(clm(0, 100), erp(1, 90), erp(40, "a lot"))
    assert row["until"] == BASE + 40 * HOUR


def test_amounts_are_compared_as_money_and_text_without_the_blanks_around_it() -> None:
    assert not found(clm(0, "100"), erp(1, "100.001"))
    assert not found(
        observe("clm", 0, contract__terms="net 30"), observe("erp", 1, contract__terms=" net 30 ")
    )
    (row,) = found(
        observe("clm", 0, contract__terms="net 30"), observe("erp", 1, contract__terms="net 60")
    )
    assert (row["amount"], row["difference"]) == (False, None)


def test_only_a_fact_that_names_the_one_object_itself_speaks() -> None:
    stale = {"contract__value": 90, "contract__currency": "EUR"}
    for told in (
        observe("billing", 1, how="ancestor", **stale),
        observe("billing", 1, whole=False, **stale),
        observe("billing", 1, on=(ROOT, "contract:clm:C-2"), **stale),
        observe("billing", 1, on=(PROJECT,), **stale),
        observe("billing", 1, outcome="error", **stale),
        observe("billing", 1, plausible=False, **stale),
        observe("middleware", 1, **stale),
    ):
        assert not found(clm(0, 100), told)
    assert found(clm(0, 100), observe("billing", 1, on=(ROOT, PROJECT), **stale))


def test_of_one_instant_the_greatest_fact_id_has_the_say() -> None:
    two = erp(1, 90, fact_id="a"), erp(1, 100, fact_id="b")
    assert not found(clm(0, 100), *two)
    assert not found(clm(0, 100), *reversed(two))


def test_copies_are_held_apart_from_each_other() -> None:
    first, second = found(
        clm(0, 100), observe("billing", 0, contract__value=90), erp(0, 80), clm(1, 100)
    )
    assert {row["system"]: row["since"] for row in (first, second)} == {
        "billing": BASE,
        "erp": BASE,
    }


FACT = st.builds(
    lambda system, hours, on, number, **more: observe(
        system, hours / 2, on=on, fact_id=f"{number:03}", **more
    ),
    system=st.sampled_from(("clm", "clm", "erp", "erp", "billing", "billing", "psa")),
    hours=st.sampled_from((0, 1, 2, 3, 40, 50, 51, 52, 100, 101, 150)),
    on=st.sampled_from(((ROOT,),) * 4 + ((ROOT, PROJECT),) * 4 + ((PROJECT, OTHER), ())),
    number=st.integers(0, 999),
    outcome=st.sampled_from(("ok",) * 7 + ("error",)),
    plausible=st.sampled_from((True,) * 7 + (False,)),
    whole=st.sampled_from((True,) * 7 + (False,)),
    how=st.sampled_from(("own",) * 7 + ("trace",)),
    contract__value=st.sampled_from(("100", 90, "7.005", "7.006", "7.01", " 90 ", "a lot", None)),
    erp__net_value=st.sampled_from(("100", 90, "7.00", "7.006", None, 'said "100"')),
    contract__currency=st.sampled_from(("EUR", "EUR", "EUR", "USD", None)),
    contract__terms=st.sampled_from(("net 30", "net 30 ", "net 60", "Net 30", None)),
    project__rate=st.sampled_from((1, "1.0", "1.0000001", 2.5, "2.500", "-1", None)),
)


@st.composite
def worlds(draw: st.DrawFn) -> pl.DataFrame:
    """Facts of few instants, so that much happens at once; ids are told apart by being unique."""
    facts = draw(
        st.lists(FACT, max_size=14, unique_by=lambda rows: rows[0]["fact_id"] if rows else "")
    )
    return frame(*facts)


def rows(table: pl.DataFrame, *keys: str) -> dict[tuple, dict]:
    told = {tuple(row[key] for key in keys): row for row in table.iter_rows(named=True)}
    assert len(told) == table.height
    return told


@GENEROUS
@given(worlds())
def test_values_and_mismatches_are_those_of_the_oracle(world: pl.DataFrame) -> None:
    derived = mastery(world, MASTERED)
    changes = mastery_oracle.values(world.to_dicts(), MASTERED)
    key = ("object_id", "attribute", "system", "at")
    assert rows(derived.values, *key) == {
        (said.object_id, said.one.name, said.system, said.at): {
            "root_id": ROOT,
            "object_id": said.object_id,
            "attribute": said.one.name,
            "system": said.system,
            "at": said.at,
            "mastered": said.system == said.one.master,
            "value": said.value,
            "currency": said.currency,
            "fact_id": said.fact_id,
        }
        for said in changes
    }
    key = ("object_id", "attribute", "system", "starts_at")
    assert rows(derived.mismatches, *key) == {
        tuple(row[name] for name in key): row for row in mastery_oracle.mismatches(changes)
    }


@settings(GENEROUS, max_examples=30)
@given(worlds(), st.randoms(use_true_random=False))
def test_order_repetition_and_company_change_nothing(
    world: pl.DataFrame, chance: random.Random
) -> None:
    company = world.with_columns(pl.col("root_id", "object_id", "fact_id", "value") + pl.lit("'"))
    whole = pl.concat([world, company])
    places = [place for place in range(whole.height) for _ in range(chance.choice((1, 1, 2)))]
    chance.shuffle(places)
    again = mastery(whole[places], MASTERED)
    alone = mastery(world, MASTERED)
    for name, order in (("values", "at"), ("mismatches", "starts_at")):
        mine = getattr(again, name).filter(pl.col("root_id") == ROOT)
        keys = ["object_id", "attribute", "system", order]
        assert mine.sort(keys).equals(getattr(alone, name).sort(keys))
        assert getattr(again, name).height == 2 * getattr(alone, name).height


def test_nothing_gives_nothing_in_the_columns_of_the_tables() -> None:
    import threadline.store.telemetry as telemetry

    empty: Mastery = mastery(frame(), ())
    sql = (Path(telemetry.__file__).parent / "schema.sql").read_text()
    for table, told, schema in (
        ("attribute_values", empty.values, VALUES),
        ("mismatches", empty.mismatches, MISMATCHES),
    ):
        assert dict(told.schema) == dict(schema)
        body = sql.split(f"CREATE TABLE IF NOT EXISTS {table} (")[1].split(") ENGINE")[0]
        columns = [line.split()[0] for line in body.strip().splitlines()]
        assert list(schema) == columns[: columns.index("generation")]
