"""How often one client may ask."""

from __future__ import annotations

import threading

from threadline.clock import Clock
from threadline.errors import TooOften

BURST_SECONDS = 2.0  # so many seconds' worth may come at once
_REMEMBERED = 10_000


class Pace:
    """Lets each client by `per_second` times a second, on average, and refuses the rest.

    By the generic cell rate algorithm (ITU-T I.371): of each client only the instant is kept at
    which it will have asked for nothing too much. Kept libraries read the wall clock themselves.
    """

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._step, self._clock = 1 / per_second, clock
        self._paid: dict[str, float] = {}
        self._changing = threading.Lock()

    def take(self, client: str) -> None:
        """Count one request of `client`; raises `TooOften` when it has to wait."""
        now = self._clock.monotonic()
        with self._changing:
            paid = max(self._paid.pop(client, now), now)
            wait = paid - now - BURST_SECONDS
            self._paid[client] = paid if wait > 0 else paid + self._step
            if len(self._paid) > _REMEMBERED:
                del self._paid[next(iter(self._paid))]  # who has not asked for longest
        if wait > 0:
            raise TooOften(1 / self._step, wait)
