"""Intake once a person's data were erased: what is sent again is logged without them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from collector.decode.statements import Names
from collector.keeping import Eraser
from threadline.model.entries import Entry, Position


class Appends(Protocol):
    """What takes inputs; see `Log.append`."""

    async def append(self, entry: Entry) -> Position: ...


class ClearedLog:
    """Appends to `log` what `eraser` leaves of an input; `names` are those decoding looks for."""

    def __init__(self, log: Appends, names: Callable[[], Names]) -> None:
        self._log, self._names = log, names
        self.eraser = Eraser((), ())

    async def append(self, entry: Entry) -> Position:
        """As `Log.append`."""
        eraser, given = None, entry
        while self.eraser and self.eraser is not eraser:  # another one came while this one worked
            eraser = self.eraser
            entry = await asyncio.to_thread(self._cleared, eraser, given)
        return await self._log.append(entry)

    def _cleared(self, eraser: Eraser, entry: Entry) -> Entry:
        cleared = eraser.cleared(entry, self._names(), entry.received_at)
        return entry if cleared is None else cleared.entry
