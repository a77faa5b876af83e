import asyncio
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from threadline.clock import SystemClock
from threadline.errors import LogUnavailable
from threadline.settings import LogSettings
from threadline.store.log import Log


@contextmanager
def no_file_may_grow_beyond(limit):
    """As on a full disk: writes fail past `limit` bytes of a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def stalled(tmp_path):
    """The writer waits while somebody else holds the database's write lock."""
    file = max((tmp_path / "log").glob("*.sqlite"))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_full_disk_is_said_nothing_is_kept_and_appends_recover(opened, entry):
    log = opened()
    log.append_blocking(entry(b"before"))
    with no_file_may_grow_beyond(256 * 1024):
        with pytest.raises(LogUnavailable) as failure:
            log.append_blocking(entry(b"x" * 1_000_000))
        assert log.end() == {0: 1}
        assert log.entry(log.append_blocking(entry(b"small"))).body == b"small"
    assert failure.value.retry_after > 0
    assert log.append_blocking(entry(b"x" * 1_000_000)).offset == 3
    kept = [logged.entry.body[:6] for logged in log.read({}, max_bytes=1 << 30, max_entries=10)]
    assert kept == [b"before", b"small", b"xxxxxx"]


def test_every_entry_of_a_group_that_fails_is_refused(opened, entry, tmp_path):
    log = opened()

    async def append_all():
        with stalled(tmp_path):
            appends = [asyncio.ensure_future(log.append(entry(b"x" * 90_000))) for _ in range(20)]
            await asyncio.sleep(0)
        return await asyncio.gather(*appends, return_exceptions=True)

    with no_file_may_grow_beyond(1_000_000):
        outcomes = asyncio.run(append_all())
    refused = [outcome for outcome in outcomes if isinstance(outcome, LogUnavailable)]
    kept = log.read({}, max_bytes=1 << 30, max_entries=100)
    assert refused
    assert len(kept) == 20 - len(refused) == log.end().get(0, 0)


def test_a_new_segment_that_cannot_be_made_is_made_later(opened, entry, tmp_path):
    log = opened(segment_bytes=1 << 20)
    log.append_blocking(entry(b"x" * (1 << 20)))
    with no_file_may_grow_beyond(0), pytest.raises(LogUnavailable):
        log.append_blocking(entry(b"y"))
    assert log.append_blocking(entry(b"z")).offset == 2
    assert (tmp_path / "log" / f"{2:020d}.sqlite").exists()
    assert [found.entry.body[:1] for found in log.read({}, 1 << 30, 10)] == [b"x", b"z"]


def test_a_full_queue_refuses_input_until_the_writer_has_caught_up(opened, entry, tmp_path):
    log = opened(queue_bytes=10_000, group_bytes=1)

    async def append_all():
        with stalled(tmp_path):
            appends = [asyncio.ensure_future(log.append(entry(b"x" * 4_000))) for _ in range(9)]
            await asyncio.sleep(0)
        return await asyncio.gather(*appends, return_exceptions=True)

    outcomes = asyncio.run(append_all())
    refused = [outcome for outcome in outcomes if isinstance(outcome, LogUnavailable)]
    assert len(refused) >= 6
    assert {error.retry_after for error in refused} == {1}
    assert log.append_blocking(entry()).offset == len(outcomes) - len(refused) + 1


def test_an_entry_larger_than_the_queue_is_taken_when_it_is_empty(opened, entry):
    log = opened(queue_bytes=10, group_bytes=1)
    assert log.append_blocking(entry(b"x" * 5_000)).offset == 1


def test_readers_do_not_keep_the_writer_waiting(opened, entry, tmp_path):
    log = opened()
    log.append_blocking(entry(b"first"))
    with closing(sqlite3.connect(tmp_path / "log" / f"{1:020d}.sqlite")) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM entries").fetchone() == (1,)
        assert log.append_blocking(entry(b"second")).offset == 2
        assert reader.execute("SELECT count(*) FROM entries").fetchone() == (1,)


def test_a_directory_that_cannot_be_written_is_said_at_start(tmp_path):
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(LogUnavailable, match="file"):
        Log.open(LogSettings(dir=tmp_path / "file" / "log"), SystemClock())


_SENDER = """
import itertools
import sys
import threading
from pathlib import Path
from threadline.clock import SystemClock
from threadline.model.entries import Entry
from threadline.settings import LogSettings
from threadline.store.log import Log

clock = SystemClock()
log = Log.open(LogSettings(dir=Path(sys.argv[1]), segment_bytes=1 << 20), clock)


def send():
    for number in numbers:
        append(number)


def append(number):
    body = b"%d " % number + b"x" * 20_000
    given = {"kind": "otlp.logs", "source": "s", "content_type": "t", "received_at": clock.now()}
    entry = Entry(**given, body=body)
    offset = log.append_blocking(entry).offset
    sys.stdout.write(f"{offset} {number}\\n")
    sys.stdout.flush()


numbers = itertools.count()
for _ in range(8):
    threading.Thread(target=send).start()
"""


def test_nothing_acknowledged_is_lost_to_kill_9(opened, tmp_path):
    acknowledged = {}
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", _SENDER, str(tmp_path / "log")],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        for _ in range(150):
            offset, number = child.stdout.readline().split()
            acknowledged[int(offset)] = number
        child.send_signal(signal.SIGKILL)
        for line in child.stdout.read().splitlines(keepends=True):
            if line.endswith("\n"):
                acknowledged[int(line.split()[0])] = line.split()[1]
        child.wait()
    log = opened()
    kept = log.read({}, max_bytes=1 << 30, max_entries=1 << 20)
    offsets = [logged.position.offset for logged in kept]
    assert offsets == list(range(1, len(kept) + 1))
    assert len(acknowledged) >= 450
    numbers = {logged.position.offset: logged.entry.body.split()[0].decode() for logged in kept}
    assert {offset: numbers.get(offset) for offset in acknowledged} == acknowledged
