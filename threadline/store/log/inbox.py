"""Input that waits for the writer, bounded by its bytes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from threadline.errors import LogUnavailable
from threadline.model.entries import Entry, Position

_ENTRY_BYTES = 1024  # what an entry costs besides its body, so that empty ones are bounded too


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """An entry whose sender waits for its position."""

    entry: Entry
    answer: Future[Position] = field(default_factory=Future)

    @property
    def size(self) -> int:
        """The bytes it occupies while it waits."""
        return len(self.entry.body) + _ENTRY_BYTES


class Inbox:
    """A queue of at most `limit_bytes`; one entry of any size fits when it is empty."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._waiting: deque[Waiting] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, entry: Entry) -> Future[Position]:
        """Queue `entry`; raises `LogUnavailable` when the queue is full or closed."""
        waiting = Waiting(entry=entry)
        with self._changed:
            if self._closed:
                raise LogUnavailable("it is closed", retry_after=5)
            if self._waiting and self._bytes + waiting.size > self._limit:
                raise LogUnavailable(f"more than {self._limit} bytes wait to be written")
            self._waiting.append(waiting)
            self._bytes += waiting.size
            self._changed.notify()
        return waiting.answer

    def take(self, group_bytes: int) -> Sequence[Waiting]:
        """Wait for input and take up to `group_bytes` of it; empty only once closed and drained.

        Senders that went away meanwhile are left out: nobody was told that their entry is logged.
        """
        with self._changed:
            while True:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    return ()
                if group := self._group(group_bytes):
                    return group

    def close(self) -> None:
        """Take nothing more in; what waits can still be taken out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _group(self, group_bytes: int) -> Sequence[Waiting]:
        group: list[Waiting] = []
        size = 0
        while self._waiting and (not group or size + self._waiting[0].size <= group_bytes):
            waiting = self._waiting.popleft()
            self._bytes -= waiting.size
            if waiting.answer.set_running_or_notify_cancel():
                group.append(waiting)
                size += waiting.size
        return group
