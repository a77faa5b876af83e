"""What of the log is durable: its segments and its last offset, shared by writer and readers."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence


class Extent:
    """The first offset of every segment and the last durable offset (0: nothing yet)."""

    def __init__(self, firsts: Sequence[int]) -> None:
        self._firsts = list(firsts)
        self._last = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def last(self) -> int:
        """The offset of the last durable entry."""
        return self._last

    def newest(self) -> int:
        """The first offset of the newest segment; 1 where there is none yet."""
        with self._changed:
            return self._firsts[-1] if self._firsts else 1

    def begin(self, first: int) -> None:
        """A segment that begins with `first` exists."""
        with self._changed:
            if first not in self._firsts[-1:]:
                self._firsts.append(first)

    def reach(self, last: int) -> None:
        """Everything up to `last` is durable."""
        with self._changed:
            self._last = last
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing will be added; nobody need wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_beyond(self, offset: int, timeout: float) -> bool:
        """Wait up to `timeout` seconds for an entry beyond `offset`; whether there is one."""
        with self._changed:
            self._changed.wait_for(lambda: self._last > offset or self._closed, timeout)
            return self._last > offset

    def segments_from(self, offset: int) -> Sequence[int]:
        """The first offsets of the segment that holds `offset` and of those that follow it."""
        with self._changed:
            return self._firsts[max(0, bisect_right(self._firsts, offset) - 1) :]
