"""The demo's month end: last month is closed before the last deliveries come, which restate it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import httpx

from threadline.clock import Clock
from threadline.wire import Problem, Restatement

EVERY_SECONDS = 3.0
WHO = "demo"
NOTE = "closed before the last deliveries came"
_DONE = (httpx.codes.CREATED, httpx.codes.CONFLICT)


class MonthEnd:
    """Closes the month before the one in which the world ends, as known before what comes last.

    `before(at)` is told of every delivery: what is late arrives when the world has ended.
    """

    def __init__(self, end: datetime, clock: Clock) -> None:
        self._end, self._clock = end, clock
        self._at: datetime | None = None
        self.period = f"{end.replace(day=1) - timedelta(days=1):%Y-%m}"

    def before(self, at: datetime) -> None:
        """Note the instant at which everything but what is late has been received."""
        if self._at is None and at >= self._end:
            self._at = self._clock.now()

    @contextmanager
    def closing(
        self, api: str, say: Callable[[str], object], stop: threading.Event
    ) -> Iterator[None]:
        """Close it in a thread of its own: what was known then is derived anew for it."""
        thread = threading.Thread(target=self._close, args=(api, say, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(timeout=5)

    def _close(self, api: str, say: Callable[[str], object], stop: threading.Event) -> None:
        if self._at is None:
            return
        asked = {"period": self.period, "at": self._at.isoformat(), "note": NOTE, "actor": WHO}
        with httpx.Client(base_url=f"{api}/api/v1", timeout=60, trust_env=False) as http:
            while not stop.wait(EVERY_SECONDS):
                with suppress(httpx.HTTPError):  # a service that is away is asked again
                    answer = http.post("/closes", json=asked)
                    if answer.status_code in _DONE:
                        say(self._told(http))
                        return
                    if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                        say(f"  {Problem.model_validate(answer.json()).detail}")
                        return

    def _told(self, http: httpx.Client) -> str:
        answer = http.get(f"/closes/{self.period}/restatement").raise_for_status()
        found = Restatement.model_validate_json(answer.content)
        restated = sorted({item.title for item in found.items if item.differs})
        what = f"late facts restate {len(restated)} of its KPIs" if restated else "nothing is late"
        return f"  {self._clock.now():%H:%M:%S}  {self.period} is closed; {what}: page Closes"
