"""The log of a single machine: SQLite segment files in one directory, one partition."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from threadline.clock import Clock
from threadline.errors import BodyDropped, LogUnavailable, NotFound
from threadline.model.entries import Entry, Logged, Position
from threadline.settings import LogSettings
from threadline.store.log import shelf
from threadline.store.log.extent import Extent
from threadline.store.log.inbox import Inbox
from threadline.store.log.lock import DirectoryLock
from threadline.store.log.rows import PARTITION, instant, sync_directory
from threadline.store.log.shelf import Dropped
from threadline.store.log.writer import Writer

_PARTITION = PARTITION
_FOREVER = 2**62  # entries


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of the log: its size, whether its bodies were dropped, and when the first and the
    last of its entries were received (1970 where there is none).
    """

    first: int
    newest: bool
    dropped: Dropped | None
    bytes: int
    begun: datetime
    ended: datetime


class Log:
    """Appends are durable when they return; reads never wait for the writer.

    A cursor maps each partition to the last offset read from it; `{}` is the start. Order exists
    within a partition only. Every method may be called from any thread.
    """

    def __init__(self, settings: LogSettings, lock: DirectoryLock) -> None:
        """Use `Log.open`."""
        self._dir = settings.dir
        self._lock = lock
        self._inbox = Inbox(settings.queue_bytes)
        self._extent = Extent(shelf.firsts(settings.dir))
        self._writer = Writer(settings, self._inbox, self._extent)
        self._writer.open()
        self._thread = threading.Thread(target=self._writer.run, name="log-writer", daemon=True)
        self._thread.start()
        self._received: dict[int, tuple[int, int]] = {}
        self._changing = threading.Lock()  # of what was written before
        self._closing = threading.Lock()
        self._closed = False

    @classmethod
    def open(cls, settings: LogSettings, clock: Clock) -> Log:
        """Open the log in `settings.dir`, creating it where there is none.

        Raises `LogInUse` when another process has it and `LogUnavailable` when the directory cannot
        be written or its newest segment cannot be opened.
        """
        lock = None
        try:
            _make(settings.dir)
            lock = DirectoryLock(settings.dir, clock)
            for first in shelf.firsts(settings.dir):
                shelf.tidy(settings.dir, first)
            return cls(settings, lock)
        except (OSError, sqlite3.Error) as error:
            if lock is not None:
                lock.release()
            raise LogUnavailable(f"{settings.dir}: {error}") from error

    def close(self) -> None:
        """Write what waits, then let go of the directory; a second call does nothing."""
        with self._closing:
            if self._closed:
                return
            self._inbox.close()
            self._thread.join()
            self._extent.close()
            self._lock.release()
            self._closed = True

    async def append(self, entry: Entry) -> Position:
        """Add `entry`; returns once it survives `kill -9` and power loss.

        Raises `LogUnavailable` (nothing is kept, try again later) or `EntryRefused` (it never will
        be). Cancelled before it is written, it is not written.
        """
        return await asyncio.wrap_future(self._inbox.put(entry))

    def append_blocking(self, entry: Entry) -> Position:
        """`append` for threads without an event loop."""
        return self._inbox.put(entry).result()

    def read(
        self,
        after: Mapping[int, int],
        max_bytes: int,
        max_entries: int,
        *,
        received_by: datetime | None = None,
    ) -> list[Logged]:
        """The entries beyond the cursor `after`, in order, across segments.

        With `received_by` only those received by then, wherever they stand.

        At most `max_entries`, and as many as fit in `max_bytes` of bodies, but one at least; empty
        at the end of the log. Raises `LogUnavailable` when a segment cannot be read.
        """
        found: list[Logged] = []
        room = max_bytes
        for logged in self._beyond(after.get(_PARTITION, 0), max_entries, received_by):
            room -= len(logged.entry.body)
            if found and room < 0:
                break
            found.append(logged)
        return found

    def end_received_by(self, at: datetime) -> dict[int, int]:
        """The cursor of a reader that has read all received by then; `{}` where nothing was."""
        try:
            for first in reversed(self._extent.segments_from(1)):
                if last := shelf.last_received_by(self._dir, first, at):
                    return {_PARTITION: last}
        except sqlite3.Error as error:
            raise LogUnavailable(f"{self._dir} cannot be read: {error}") from error
        return {}

    def end(self) -> dict[int, int]:
        """The cursor of a reader that has read everything; `{}` while nothing was ever logged."""
        return {_PARTITION: self._extent.last} if self._extent.last else {}

    def wait(self, timeout: float, after: Mapping[int, int] | None = None) -> bool:
        """Wait up to `timeout` seconds for entries beyond `after`; whether there are any.

        Without `after`, for entries that come from now on: a reader that passes its cursor cannot
        miss what came since it last read.
        """
        cursor = self.end() if after is None else after
        return self._extent.wait_beyond(cursor.get(_PARTITION, 0), timeout)

    def entry(self, position: Position) -> Entry:
        """The input as received.

        Raises `NotFound`, `BodyDropped` where only what was understood is kept, or `LogUnavailable`
        when it cannot be read.
        """
        if position.partition == _PARTITION and 0 < position.offset <= self._extent.last:
            if dropped := shelf.dropped(self._dir, self._extent.segments_from(position.offset)[0]):
                raise BodyDropped(str(dropped))
            for logged in self._beyond(position.offset - 1, 1):
                if logged.position == position:
                    return logged.entry
        raise NotFound("log entry", f"{position.partition}/{position.offset}")

    def segments(self) -> list[Segment]:
        """What there is, oldest first; the last is the one that is written to.

        Raises `LogUnavailable` when one cannot be read.
        """
        firsts = self._extent.segments_from(1)
        try:
            sizes = shelf.sizes(self._dir)
            return [self._segment(first, sizes[first], first == firsts[-1]) for first in firsts]
        except (OSError, sqlite3.Error) as error:
            raise LogUnavailable(f"{self._dir} cannot be read: {error}") from error

    def drop_bodies(self, first: int, reduce: Callable[[Entry], Entry], dropped: Dropped) -> None:
        """Seal the segment that begins with `first`, each entry as `reduce` leaves it, and drop its
        bodies; it reads on as before. Raises `LogUnavailable`, nothing being lost.
        """
        if first == self._extent.newest():
            raise ValueError("the newest segment is written to")
        with self._changing:
            shelf.drop(self._dir, first, reduce, dropped)

    def rewrite(self, change: Callable[[Logged], Entry | None], after: int = 0) -> int:
        """Replace entries beyond offset `after` by what `change` makes of them, if anything; the
        last offset that it has seen.

        Meant for what must not be kept any more: it stands nowhere in the files when this returns.
        Raises `LogUnavailable`; what was replaced before stays so.
        """
        with self._changing:
            last = self._extent.last
            for first in self._extent.segments_from(after + 1):
                shelf.rewrite(self._dir, first, change, after)
            return last

    def everything(self) -> Iterator[Entry]:
        """Every entry, the oldest first, sealed ones as they are. Raises `LogUnavailable`."""
        for logged in self._beyond(0, _FOREVER):
            yield logged.entry

    def _segment(self, first: int, size: int, newest: bool) -> Segment:
        begun, ended = self._received.get(first) or shelf.received(self._dir, first)
        if not newest:  # nothing is added to it any more
            self._received[first] = begun, ended
        return Segment(
            first=first,
            newest=newest,
            dropped=shelf.dropped(self._dir, first),
            bytes=size,
            begun=instant(begun),
            ended=instant(ended),
        )

    def _beyond(
        self, offset: int, limit: int, received_by: datetime | None = None
    ) -> Iterator[Logged]:
        try:
            for first in self._extent.segments_from(offset + 1):
                for logged in shelf.entries(self._dir, first, offset, limit, received_by):
                    yield logged
                    limit -= 1
                if limit <= 0:
                    return
        except sqlite3.Error as error:
            raise LogUnavailable(f"{self._dir} cannot be read: {error}") from error


def _make(directory: Path) -> None:
    """Create `directory` and its missing parents so that their names survive power loss."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync_directory(path.parent)
