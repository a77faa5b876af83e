"""The incidents an evaluation has to know of, read again only when something has changed."""

from __future__ import annotations

from collections.abc import Collection

from alerts.book import Book
from threadline.model.incidents import Incident


class Known:
    """Live incidents, and the closed ones of late cases; most evaluations change nothing.

    What is held may be outdated when two writers' histories become visible out of order. That is
    harmless: a change decided on it is refused by its version, and `forget` reads anew.
    """

    def __init__(self, incidents: Book) -> None:
        self._incidents = incidents
        self._changed: int | None = None
        self._live: list[Incident] = []
        self._closed: dict[str, Incident] = {}
        self._asked: set[str] = set()
        self._outdated = True

    def live(self) -> list[Incident]:
        """All that are open or acknowledged."""
        changed = self._incidents.last_event()
        if changed != self._changed:
            self._live = self._incidents.live()
            self._closed, self._asked = {}, set()
            self._changed = changed
        self._outdated = False
        return self._live

    def held(self) -> list[Incident]:
        """The same, asked for again only after `outdate`."""
        return self.live() if self._outdated else self._live

    def outdate(self) -> None:
        """Something has been stored."""
        self._outdated = True

    def of(self, case_ids: Collection[str]) -> Collection[Incident]:
        """The live ones that `live` has just told of, and all closed ones of these cases."""
        fresh = set(case_ids) - self._asked
        if fresh:
            self._closed |= {one.id: one for one in self._incidents.of_cases(fresh, closed=True)}
            self._asked |= fresh
        closed = {name: one for name, one in self._closed.items() if one.case_id in case_ids}
        return ({one.id: one for one in self._live} | closed).values()

    def forget(self) -> None:
        """Read everything anew at the next call."""
        self._outdated = True
        self._changed = None
