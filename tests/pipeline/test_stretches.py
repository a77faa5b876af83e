"""How much of the log shares one derivation of cases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from threadline.clock import FixedClock
from threadline.model.entries import Entry
from threadline.settings import LogSettings, PipelineSettings
from threadline.store.log import Log
from threadline.stretch import MOST, Reading, stretch

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
BATCH = 2


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    opened = Log.open(LogSettings(dir=tmp_path / "log"), FixedClock(NOW))
    yield opened
    opened.close()


def test_a_backlog_of_whole_batches_is_read_so_far_in_one_go(log: Log) -> None:
    _come(log, BATCH * (MOST + 3))
    assert _sizes(log, goes_on=lambda: False) == [BATCH] * MOST


def test_what_comes_meanwhile_waits_for_the_next_go(log: Log) -> None:
    _come(log, 1)
    assert _sizes(log, goes_on=lambda: False, meanwhile=lambda: _come(log, 1)) == [1]


def test_what_comes_meanwhile_is_taken_along_as_long_as_it_goes_on(log: Log) -> None:
    _come(log, 1)
    patience = iter([True, True, False])
    found = _sizes(log, goes_on=lambda: next(patience), meanwhile=lambda: _come(log, 1))
    assert found == [1, 1, 1]


def test_a_go_ends_where_the_log_does_however_patient(log: Log) -> None:
    _come(log, BATCH + 1)
    assert _sizes(log, goes_on=lambda: True) == [BATCH, 1]


def _come(log: Log, number: int) -> None:
    entry = Entry(
        kind="cloudevents",
        source="open",
        content_type="application/json",
        content_encoding="",
        headers={},
        received_at=NOW,
        body=b"{}",
    )

    async def appended() -> None:
        await asyncio.gather(*(log.append(entry) for _ in range(number)))

    asyncio.run(appended())


def _sizes(
    log: Log, *, goes_on: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None
) -> list[int]:
    """How many entries each batch holds; `meanwhile` is done while a batch is worked on."""
    sizes = []
    reading = Reading(log, PipelineSettings(batch_entries=BATCH), {})
    decoded: Callable[[Any], Any] = len
    for batch, said in stretch(reading, decoded, goes_on):
        assert said == len(batch)
        sizes.append(len(batch))
        meanwhile()
    return sizes
