"""A segment sealed and without its bodies is read on as before; a crash loses neither form."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from log.conftest import NOW

from threadline.errors import BodyDropped, LogUnavailable
from threadline.model.entries import Entry, Position
from threadline.store.log import Dropped, Log, sealed, shelf

WHY = Dropped(at=NOW, why="kept for 30 days")
STEPS = 9  # system calls that change what is on the disk


def less(entry: Entry) -> Entry:
    return replace(entry, body=entry.body[:4])


@pytest.fixture
def three_segments(opened, entry) -> Log:
    log = opened(segment_days=1)
    for day in range(3):
        for number in range(2):
            at = NOW + timedelta(days=day, seconds=number)
            log.append_blocking(entry(b"%d.%d and more" % (day, number), received_at=at))
    return log


def read(log: Log, after: int = 0) -> list[tuple[int, bytes]]:
    return [(one.position.offset, one.entry.body) for one in log.read({0: after}, 1 << 30, 100)]


def test_positions_receipts_and_order_stay(three_segments: Log, opened):
    log = three_segments
    before = log.read({}, 1 << 30, 100)

    log.drop_bodies(3, less, WHY)

    after = log.read({}, 1 << 30, 100)
    assert [one.position for one in after] == [one.position for one in before]
    assert [one.entry for one in after[2:4]] == [less(one.entry) for one in before[2:4]]
    assert after[:2] + after[4:] == before[:2] + before[4:]
    assert read(log, after=3) == [(4, b"1.1 "), (5, b"2.0 and more"), (6, b"2.1 and more")]
    assert log.end_received_by(NOW + timedelta(days=1)) == {0: 3}
    assert len(log.read({}, 1 << 30, 100, received_by=NOW + timedelta(days=1))) == 3
    assert [(one.first, one.dropped) for one in log.segments()] == [(1, None), (3, WHY), (5, None)]
    assert list(shelf.firsts(log._dir)) == [1, 3, 5]
    log.close()
    assert read(opened())[2:4] == [(3, b"1.0 "), (4, b"1.1 ")]


def test_whoever_asks_for_a_dropped_body_is_told(three_segments: Log):
    three_segments.drop_bodies(1, less, WHY)

    with pytest.raises(BodyDropped, match=r"dropped on 2026-03-02 \(kept for 30 days\)"):
        three_segments.entry(Position(partition=0, offset=2))
    assert three_segments.entry(Position(partition=0, offset=3)).body == b"1.0 and more"


def test_the_segment_that_is_written_to_keeps_its_bodies(three_segments: Log):
    with pytest.raises(ValueError, match="written to"):
        three_segments.drop_bodies(5, less, WHY)


@pytest.mark.parametrize("step", range(STEPS))
def test_a_kill_at_any_step_leaves_all_bodies_or_a_sealed_segment(
    three_segments: Log, opened, step: int
):
    whole, dropped = read(three_segments), [(1, b"0.0 "), (2, b"0.1 ")]
    directory = three_segments._dir
    three_segments.close()

    if (child := os.fork()) == 0:
        _die_at(step)
        shelf.drop(directory, 1, less, WHY)
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])

    log = opened()
    assert read(log)[:2] in (whole[:2], dropped)
    assert read(log)[2:] == whole[2:]
    if log.segments()[0].dropped is None:
        log.drop_bodies(1, less, WHY)
    assert read(log)[:2] == dropped
    assert sorted(path.suffix for path in directory.glob("0*1.*")) == [".dropped", ".parquet"]


def _die_at(step: int) -> None:
    """Before the call of this number that syncs, renames or deletes a file of the log."""
    calls = count()

    def dying(call):
        def called(*arguments, **more):
            if next(calls) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **more)

        return called

    os.fsync = dying(os.fsync)
    Path.rename = dying(Path.rename)
    Path.unlink = dying(Path.unlink)


def test_a_seal_that_does_not_hold_drops_nothing(three_segments: Log, monkeypatch):
    whole = read(three_segments)
    write = pq.ParquetWriter.write_table

    def forgetful(self, table):
        write(self, table.slice(1))

    monkeypatch.setattr(pq.ParquetWriter, "write_table", forgetful)
    with pytest.raises(LogUnavailable, match="does not hold what was written"):
        three_segments.drop_bodies(1, less, WHY)

    assert read(three_segments) == whole


def test_a_bit_that_turned_over_in_a_sealed_segment_is_found_out(three_segments: Log):
    three_segments.drop_bodies(1, less, WHY)
    file = sealed.path(three_segments._dir, 1)
    content = bytearray(file.read_bytes())
    content[content.index(b"0.0 ")] ^= 1  # within a page
    file.write_bytes(content)

    with pytest.raises(LogUnavailable, match="cannot be read"):
        read(three_segments)
