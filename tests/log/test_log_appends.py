import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from threadline.errors import LogUnavailable, NotFound
from threadline.model.entries import Position
from threadline.store.log import EntryRefused, LogInUse

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def at(offset):
    return Position(partition=0, offset=offset)


def bodies(log, after=None):
    return [
        logged.entry.body
        for logged in log.read(after or {}, max_bytes=1 << 30, max_entries=1 << 20)
    ]


def test_an_entry_comes_back_as_it_was_received(opened, entry):
    log = opened()
    given = entry(
        bytes(range(256)),
        kind="cloudevents",
        content_encoding="gzip",
        headers={"ce-id": "é 1", "ce-type": "clm.contract.approved"},
    )
    assert log.append_blocking(given) == at(1)
    assert log.entry(at(1)) == given


def test_an_empty_log_has_no_end_and_nothing_to_read(opened):
    log = opened()
    assert log.end() == {}
    assert log.read({}, max_bytes=1, max_entries=1) == []
    assert not log.wait(0)


def test_offsets_are_dense_and_go_on_after_a_restart(opened, entry):
    log = opened()
    assert [log.append_blocking(entry()).offset for _ in range(3)] == [1, 2, 3]
    log.close()
    again = opened()
    assert again.end() == {0: 3}
    assert again.append_blocking(entry()) == at(4)


def test_concurrent_appends_share_groups_and_each_gets_its_own_position(opened, entry):
    log = opened()

    async def append_all():
        return await asyncio.gather(*(log.append(entry(b"%d" % i)) for i in range(300)))

    positions = asyncio.run(append_all())
    assert sorted(position.offset for position in positions) == list(range(1, 301))
    for i, position in enumerate(positions):
        assert log.entry(position).body == b"%d" % i


def test_reading_crosses_segments_and_resumes_at_the_cursor(opened, entry, tmp_path):
    log = opened(segment_bytes=1 << 20)
    for i in range(12):
        log.append_blocking(entry(bytes([i]) * 300_000))
    names = sorted(file.name for file in (tmp_path / "log").glob("*.sqlite"))
    assert names == [f"{first:020d}.sqlite" for first in (1, 5, 9)]
    seen, cursor = [], {}
    while batch := log.read(cursor, max_bytes=700_000, max_entries=100):
        assert len(batch) <= 2
        cursor = {0: batch[-1].position.offset}
        seen += [logged.entry.body[0] for logged in batch]
    assert seen == list(range(12))
    assert cursor == log.end()
    log.close()
    assert len(bodies(opened(segment_bytes=1 << 20), {0: 3})) == 9


def test_a_read_gives_at_least_one_entry_and_never_more_than_asked(opened, entry):
    log = opened()
    for _ in range(5):
        log.append_blocking(entry(b"x" * 1000))
    assert len(log.read({}, max_bytes=1, max_entries=10)) == 1
    assert len(log.read({}, max_bytes=2500, max_entries=10)) == 2
    assert len(log.read({}, max_bytes=1 << 20, max_entries=3)) == 3


@pytest.mark.parametrize("place", [(0, 2), (0, 0), (0, -1), (1, 1)])
def test_what_was_never_logged_is_not_found(opened, entry, place):
    log = opened()
    log.append_blocking(entry())
    with pytest.raises(NotFound, match="log entry"):
        log.entry(Position(partition=place[0], offset=place[1]))


def test_an_entry_the_database_refuses_leaves_its_neighbours_alone(opened, entry):
    log = opened()

    async def append_all():
        bad = [{"source": "lone surrogate \ud800"}, {"received_at": NOW.replace(tzinfo=None)}]
        given = [{"source": "crm"}, *bad, {"source": "erp"}]
        appends = (log.append(entry(**changes)) for changes in given)
        return await asyncio.gather(*appends, return_exceptions=True)

    first, *refused, last = asyncio.run(append_all())
    assert (first, last) == (at(1), at(2))
    assert [type(error) for error in refused] == [EntryRefused] * 2


def test_a_reader_wakes_when_an_entry_comes(opened, entry):
    log = opened()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(log.wait, 60, {})
        log.append_blocking(entry())
        assert waiting.result(timeout=30)
    assert log.wait(0, {})
    assert not log.wait(0, log.end())


def test_closing_wakes_readers_refuses_input_and_can_be_repeated(opened, entry):
    log = opened()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(log.wait, 60)
        log.close()
        assert not waiting.result(timeout=30)
    log.close()
    with pytest.raises(LogUnavailable, match="closed"):
        log.append_blocking(entry())


def test_closing_writes_what_waits(opened, entry):
    log = opened()

    async def append_and_close():
        appends = [asyncio.ensure_future(log.append(entry(b"%d" % i))) for i in range(50)]
        await asyncio.sleep(0)
        log.close()
        return await asyncio.gather(*appends)

    assert len(asyncio.run(append_and_close())) == 50
    assert bodies(opened()) == [b"%d" % i for i in range(50)]


def test_a_second_process_is_told_who_has_the_log(opened, tmp_path):
    opened()
    with pytest.raises(LogInUse, match=r"process \d+ since 2026-03-02"):
        opened()
    code = (
        "import sys; from pathlib import Path; from threadline.clock import SystemClock;"
        "from threadline.settings import LogSettings; from threadline.store.log import Log;"
        "Log.open(LogSettings(dir=Path(sys.argv[1])), SystemClock())"
    )
    child = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 1
    assert "is in use by process" in child.stderr


def test_a_log_is_free_again_once_closed(opened):
    opened().close()
    opened()
