"""The one writer: groups of waiting input, each one transaction and one fsync."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence

from threadline.errors import LogUnavailable, ThreadlineError
from threadline.model.entries import Position
from threadline.settings import LogSettings
from threadline.store.log import segment
from threadline.store.log.extent import Extent
from threadline.store.log.inbox import Inbox, Waiting
from threadline.store.log.rows import PARTITION, nanoseconds

_DAY = 86_400 * 10**9
_RETRY_SECONDS = 5  # a full disk seldom mends itself sooner


class EntryRefused(ThreadlineError):
    """The database cannot hold this entry, now or later; its neighbours are not touched."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the log cannot hold this entry: {reason}")


Outcome = tuple[Waiting, Position | ThreadlineError]


class Writer:
    """Moves input from the inbox to the newest segment; all its methods belong to one thread."""

    def __init__(self, settings: LogSettings, inbox: Inbox, extent: Extent) -> None:
        self._settings = settings
        self._inbox = inbox
        self._extent = extent
        self._connection: sqlite3.Connection | None = None
        self._last = 0
        self._bytes = 0
        self._begun = 0  # when the segment's first entry was received; 0 while it has none

    def open(self) -> None:
        """Open the newest segment and find where the log ends; `sqlite3.Error` or `OSError`."""
        self._connection = self._enter(self._extent.newest())

    def run(self) -> None:
        """Write group after group until the inbox is closed and drained."""
        while group := self._inbox.take(self._settings.group_bytes):
            for waiting, outcome in self._written(group):
                if isinstance(outcome, Position):
                    waiting.answer.set_result(outcome)
                else:
                    waiting.answer.set_exception(outcome)
        self._leave()

    def _written(self, group: Sequence[Waiting]) -> list[Outcome]:
        """What became of each entry of `group`, once that is certain."""
        try:
            return self._commit(group)
        except Exception as error:  # whatever it was, nothing of the group is durable
            self._leave()
            reason = f"{type(error).__name__}: {error}"
            return [(waiting, LogUnavailable(reason, _RETRY_SECONDS)) for waiting in group]

    def _commit(self, group: Sequence[Waiting]) -> list[Outcome]:
        connection = self._segment(nanoseconds(group[0].entry.received_at))
        outcomes: list[Outcome] = []
        last, size = self._last, self._bytes
        connection.execute("BEGIN IMMEDIATE")
        for waiting in group:
            try:
                segment.insert(connection, last + 1, waiting.entry)
            except (sqlite3.DataError, OverflowError, TypeError, ValueError) as error:
                outcomes.append((waiting, EntryRefused(str(error))))
                continue
            last, size = last + 1, size + len(waiting.entry.body)
            outcomes.append((waiting, Position(partition=PARTITION, offset=last)))
        connection.execute("COMMIT")
        self._last, self._bytes = last, size
        self._extent.reach(last)
        return outcomes

    def _segment(self, now: int) -> sqlite3.Connection:
        """The segment to write to: opened again after a failure, a new one when full or old."""
        if self._connection is None:
            self._connection = self._enter(self._extent.newest())
        self._begun = self._begun or now
        old = now - self._begun >= self._settings.segment_days * _DAY
        if self._bytes >= self._settings.segment_bytes or old:
            self._leave()
            self._connection = self._enter(self._last + 1)
            self._begun = now
        return self._connection

    def _enter(self, first: int) -> sqlite3.Connection:
        connection = segment.writable(self._settings.dir, first)
        self._last, self._bytes = segment.extent(connection, first)
        self._begun = segment.received(connection)[0]
        self._extent.begin(first)
        self._extent.reach(self._last)
        return connection

    def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):  # what was committed is in the file either way
                connection.close()
