"""Readers and a writer at once, errors, bounds, and closing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

from threadline.errors import QueryFault, TelemetryUnavailable, TooMuchAtOnce
from threadline.settings import MIB, TelemetrySettings
from threadline.store.telemetry import Telemetry

ROWS = 2000
BATCHES = 12


def _batch(number: int) -> pl.DataFrame:
    ids = pl.int_range(ROWS, eager=True) + number * ROWS
    return pl.DataFrame({"case_id": ids.cast(pl.String), "fact_id": ids.cast(pl.String)})


def test_readers_see_whole_batches_while_they_are_written(telemetry: Telemetry) -> None:
    written = threading.Event()

    def read() -> list[int]:
        seen = []
        while not written.is_set():
            frame = telemetry.query("SELECT case_id, fact_id FROM exceptions")
            assert frame["case_id"].equals(frame["fact_id"], check_names=False)
            seen.append(frame.height)
        return seen

    with ThreadPoolExecutor(6) as threads:
        readers = [threads.submit(read) for _ in range(6)]
        for number in range(BATCHES):
            telemetry.insert("exceptions", _batch(number))
        written.set()
        seen = [reader.result() for reader in readers]
    for heights in seen:
        assert heights == sorted(heights)
        assert all(height % ROWS == 0 for height in heights)
    assert telemetry.query("SELECT count() AS n FROM exceptions")["n"].item() == ROWS * BATCHES


def test_more_callers_than_clients_wait(telemetry: Telemetry) -> None:
    with ThreadPoolExecutor(30) as threads:
        answers = list(
            threads.map(
                lambda n: telemetry.query("SELECT {n:UInt32} AS n", {"n": n})["n"].item(), range(90)
            )
        )
    assert answers == list(range(90))


def test_a_failed_call_names_its_cause_and_leaves_the_store_usable(telemetry: Telemetry) -> None:
    with pytest.raises(TelemetryUnavailable) as failure:
        telemetry.query("SELECT nonsense FROM nowhere")
    assert "UNKNOWN_TABLE" in str(failure.value.__cause__)
    assert not isinstance(failure.value, QueryFault)  # while it is made anew, tables are missing
    with pytest.raises(QueryFault, match="UNKNOWN_IDENTIFIER"):
        telemetry.query("SELECT nonsense FROM exceptions")
    with pytest.raises(TelemetryUnavailable):
        telemetry.insert("exceptions", pl.DataFrame({"no_such_column": [1]}))
    assert telemetry.query("SELECT 1 AS one")["one"].item() == 1


def test_a_query_beyond_its_memory_fails_alone(telemetry_settings: TelemetrySettings) -> None:
    small = telemetry_settings.model_copy(update={"query_memory_bytes": 64 * MIB})
    telemetry = Telemetry.open(small)
    try:
        for _ in range(3):
            with pytest.raises(TooMuchAtOnce, match="memory limit"):
                telemetry.query("SELECT groupArray(repeat('x', 1000)) AS x FROM numbers(1000000)")
            # What the failed query had written must not come out with the next result.
            assert telemetry.query("SELECT 1 AS one")["one"].item() == 1
    finally:
        telemetry.close()


def test_closing_waits_for_calls_and_refuses_later_ones(
    telemetry_settings: TelemetrySettings,
) -> None:
    telemetry = Telemetry.open(telemetry_settings)
    begun = threading.Event()

    def slow() -> int:
        begun.set()
        frame = telemetry.query("SELECT sum(cityHash64(number)) AS s FROM numbers(60000000)")
        return frame.height

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(slow)
        begun.wait()
        telemetry.close()
        assert running.done() or running.exception() is not None
    with pytest.raises(TelemetryUnavailable, match="closed"):
        telemetry.query("SELECT 1")


def test_reset_leaves_empty_tables(telemetry: Telemetry) -> None:
    telemetry.insert("exceptions", _batch(0))
    telemetry.reset()
    assert telemetry.query("SELECT count() AS n FROM exceptions")["n"].item() == 0
