"""What was sent of a summary, so that no period is told of twice, by however many processes.

Three instants for each, in the control store: up to which due instant all is *settled* (sent or
given up), until when an attempt has *claimed* it, and which due instant was *handed* to the mail
server last. Handing over is stored before it is done and taken back when the server refused: who
finds a period handed over and not settled does not know whether the letter went out, and leaves it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from threadline.store.control.watermarks import Watermarks

HANDING_OVER = timedelta(minutes=10)  # longer than a mail server is waited for
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Ledger:
    """The instants of one summary."""

    def __init__(self, watermarks: Watermarks, summary: str) -> None:
        self._watermarks = watermarks
        self._settled, self._claimed, self._handed = (
            f"summary.{summary}.{what}" for what in ("settled", "claimed", "handed")
        )

    def settled(self, now: datetime) -> datetime:
        """Up to when all is settled; what was due before a summary was first known is."""
        found = self._watermarks.get(self._settled)
        if found is None:
            self._watermarks.exchange(self._settled, None, now)
            found = self._watermarks.get(self._settled)
        return found or now

    def claim(self, now: datetime, until: datetime) -> bool:
        """Whether the summary is the caller's alone until `until`."""
        held = self._watermarks.get(self._claimed)
        return (held is None or held <= now) and self._watermarks.exchange(
            self._claimed, held, until
        )

    def was_handed_over(self, due_at: datetime) -> bool:
        """Whether an attempt for `due_at` ended between handing over and hearing how it went."""
        return self._watermarks.get(self._handed) == due_at

    def hand_over(self, due_at: datetime, until: datetime, now: datetime) -> bool:
        """Store that the letter for `due_at` is about to be sent.

        False if the claim that ended at `until` is another's by now.
        """
        if not self._watermarks.exchange(self._claimed, until, now + HANDING_OVER):
            return False
        before = self._watermarks.get(self._handed)
        return self._watermarks.exchange(self._handed, before, due_at)

    def take_back(self, due_at: datetime, until: datetime) -> None:
        """It was not sent: another attempt may be made after `until`."""
        self._watermarks.exchange(self._handed, due_at, _NEVER)
        self._watermarks.exchange(self._claimed, self._watermarks.get(self._claimed), until)

    def settle(self, due_at: datetime, before: datetime) -> bool:
        """Nothing more is owed for `due_at`; False if another process has settled it."""
        return self._watermarks.exchange(self._settled, before, due_at)
