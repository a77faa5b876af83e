"""The demo's outage, told in the terminal as it happens: opened, grown, acknowledged, healed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import httpx

from threadline.clock import Clock
from threadline.wire import Incident, Page, phrases

PATIENCE = timedelta(seconds=55)  # the policy of the demo escalates after 30
EVERY_SECONDS = 1.0
WHO = "demo"
WORDS = "calling the ERP team"
Say = Callable[[str], object]


@contextmanager
def watching(api: str, say: Say, clock: Clock, stop: threading.Event) -> Iterator[None]:
    """Watch the API at `api` in a thread of its own until `stop` is set."""
    outage = Outage(api, say, clock)

    def watch() -> None:
        while not stop.wait(EVERY_SECONDS):
            outage.look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


class Outage:
    """What is known of incidents of failing hops, and what has been said of them."""

    def __init__(self, api: str, say: Say, clock: Clock) -> None:
        self._http = httpx.Client(base_url=f"{api}/api/v1", timeout=10, trust_env=False)
        self._say, self._clock = say, clock
        self._said: dict[str, str] = {}
        self._open_since: dict[str, datetime] = {}

    def look(self) -> None:
        """Say what is new; acknowledge what nobody has for a while. A service away is no news."""
        with suppress(httpx.HTTPError):
            answer = self._http.get("/incidents", params={"limit": 500}).raise_for_status()
            found = Page[Incident].model_validate_json(answer.content).items
            for incident in (one for one in found if one.severity == "failure"):
                self._follow(incident)

    def _follow(self, incident: Incident) -> None:
        now, news = self._clock.now(), _sentence(incident)
        if news != self._said.get(incident.id):
            self._said[incident.id] = news
            self._say(f"  {now:%H:%M:%S}  {news}")
        if incident.state != "open":
            self._open_since.pop(incident.id, None)
        elif now - self._open_since.setdefault(incident.id, now) >= PATIENCE:
            act = {"actor": WHO, "text": WORDS}
            self._http.post(f"/incidents/{incident.id}/acknowledge", json=act)


def _sentence(incident: Incident) -> str:
    if incident.state == "resolved":
        return f"{incident.system}: healed, nothing hangs on it any more"
    worth = " and ".join(phrases.amount(money) for money in incident.worth)
    by = f"acknowledged by {incident.acknowledged_by}" if incident.acknowledged_by else "open"
    hang = "1 case hangs" if incident.cases == 1 else f"{incident.cases} cases hang"
    return f"{incident.system}: {hang} on it, worth {worth} ({by})"
