"""The log as it was at a past instant: what had been received by then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from threadline.model.entries import Logged
from threadline.store.log.segmented import Log


class ReceivedBy:
    """What of `log` was received by `at`; it reads like the log itself and never grows."""

    def __init__(self, log: Log, at: datetime) -> None:
        self._log, self._at = log, at
        self._end = log.end_received_by(at)

    def read(self, after: Mapping[int, int], max_bytes: int, max_entries: int) -> list[Logged]:
        """As `Log.read`."""
        return self._log.read(after, max_bytes, max_entries, received_by=self._at)

    def end(self) -> dict[int, int]:
        """As `Log.end`."""
        return dict(self._end)

    def wait(self, timeout: float, after: Mapping[int, int] | None = None) -> bool:  # noqa: ARG002
        """False: nothing is received by a past instant any more."""
        return False
