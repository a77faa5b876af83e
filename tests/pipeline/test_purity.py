"""The second law: what is derived depends on the set of inputs alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.keeping import reduced
from threadline.errors import TooMuchAtOnce
from threadline.model.entries import Entry
from threadline.store.log import Dropped, Log
from threadline.store.telemetry import Telemetry, export

LATER = timedelta(days=1)


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    return {}


@pytest.fixture
def expected(
    derive, inputs: Sequence[Entry], telemetry: Telemetry, known: dict[str, str]
) -> dict[str, str]:
    """What all inputs at once give; derived once, for all tests here."""
    if not known:
        derive(inputs, len(inputs))
        known |= export.digests(telemetry)
    return known


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32), share=st.floats(0, 0.3), batch=st.sampled_from([90, 250, 1000]))
def test_order_repetition_and_batching_change_nothing(
    derive, inputs: Sequence[Entry], telemetry: Telemetry, expected, seed, share, batch
):
    random = Random(seed)
    again = [
        replace(e, received_at=e.received_at + LATER) for e in inputs if random.random() < share
    ]
    shuffled = random.sample([*inputs, *again], len(inputs) + len(again))

    derive(shuffled, batch)

    assert export.digests(telemetry) == expected


def test_the_export_tells_two_worlds_apart(
    derive, inputs: Sequence[Entry], telemetry: Telemetry, expected
):
    derive(inputs[:-1], len(inputs))

    assert export.digests(telemetry) != expected


@pytest.mark.parametrize("every", [3, 7])
def test_a_crash_between_any_two_tables_costs_a_repetition_and_no_difference(
    derive, inputs: Sequence[Entry], telemetry: Telemetry, expected, monkeypatch, every: int
):
    insert, calls = telemetry.insert, itertools.count(1)

    def failing(table: str, frame):
        number = next(calls)
        if number % every == 0 and number < 60:
            raise ConnectionError(table)
        insert(table, frame)

    with monkeypatch.context() as planted:
        planted.setattr(telemetry, "insert", failing)
        lives = derive(inputs, 120)

    assert lives > 3
    assert export.digests(telemetry) == expected


def test_contracts_of_which_there_is_too_much_at_once_are_derived_by_parts(
    derive, inputs: Sequence[Entry], telemetry: Telemetry, expected, monkeypatch
):
    query, refused = telemetry.query, []

    def bounded(sql: str, parameters=None):
        roots = (parameters or {}).get("roots", ())
        if "AS whole" in sql and len(roots) > 5:
            refused.append(len(roots))
            raise TooMuchAtOnce("the telemetry store failed")
        return query(sql, parameters)

    with monkeypatch.context() as planted:
        planted.setattr(telemetry, "query", bounded)
        lives = derive(inputs, len(inputs))

    assert lives == 1
    assert max(refused) > 10
    assert export.digests(telemetry) == expected


def test_a_bit_that_turned_over_costs_a_rebuild_and_no_difference(
    derive, inputs: Sequence[Entry], telemetry: Telemetry, expected, monkeypatch
):
    insert, turned = telemetry.insert, []

    def turning(table: str, frame):
        insert(table, frame)
        if table == "identifiers" and not turned:
            turned.extend(_parts(telemetry, table))
            for path in turned:
                _turn_a_bit(Path(path) / "data.bin")

    with monkeypatch.context() as planted:
        planted.setattr(telemetry, "insert", turning)
        lives = derive(inputs, 120)

    assert lives > 1
    assert export.digests(telemetry) == expected


def test_segments_that_lose_their_bodies_at_any_time_change_nothing(
    derive, inputs: Sequence[Entry], telemetry: Telemetry, expected
):
    random = Random(1)
    dropped = []

    def drop_some(log: Log) -> None:
        for segment in log.segments()[:-1]:
            if segment.dropped is None and random.random() < 0.5:
                why = Dropped(at=segment.ended, why="it was old")
                log.drop_bodies(segment.first, reduced, why)
                dropped.append(segment.first)

    derive(inputs, 90, meanwhile=drop_some, segment_days=12 / 86_400, group_bytes=1)

    assert len(dropped) > 5
    assert export.digests(telemetry) == expected


def _parts(telemetry: Telemetry, table: str) -> list[str]:
    asked = "SELECT path FROM system.parts WHERE active AND database = currentDatabase()"
    return telemetry.query(f"{asked} AND table = '{table}'")["path"].to_list()


def _turn_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
