"""Rules played over a past: the turns of the evaluator, over a book in memory that tells nobody."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.known import Known
from alerts.notification import Briefings, what
from alerts.policy import Policies
from alerts.telling import Surroundings, Telling
from alerts.turn import Look, Turns
from threadline.clock import FixedClock
from threadline.model.incidents import Affected, CaseKey, Change, Incident
from threadline.store.control.leases import Lease

FIRED = ("opened", "reopened", "raised")


@dataclass(frozen=True, kw_only=True)
class Fired:
    """An incident that a rule has opened, reopened or made graver, and what it would have said.

    `pages`: an escalation began.
    """

    incident: Incident
    said: str
    pages: bool


class Rehearsal:
    """`look` after look, each at a later instant. Nothing is silenced, nobody acknowledges."""

    def __init__(self, policies: Policies, briefing: Briefings, start: datetime) -> None:
        self._clock, self._briefing = FixedClock(start), briefing
        self._incidents, self._holds = _Incidents(), _Holds()
        telling = Telling(policies, briefing, lambda _: {}, Surroundings())
        self._turns = Turns(
            self._incidents,
            self._holds,
            Known(self._incidents),
            policies,
            telling,
            self._clock,
            lambda: None,
        )

    def look(self, look: Look) -> None:
        """Take the evaluator's turn at `look.now`."""
        self._clock.move_to(look.now)
        self._turns.take(look)

    def fired(self) -> list[Fired]:
        """All that rules have done so far, in the order of time."""
        return [
            Fired(incident=one, said=what(one, self._briefing(one)), pages=pages)
            for one, pages in self._incidents.fired
        ]


class _Incidents:
    """A `Book` in memory."""

    def __init__(self) -> None:
        self.fired: list[tuple[Incident, bool]] = []
        self._all: dict[str, Incident] = {}
        self._spells: dict[str, dict[CaseKey, list[Affected]]] = {}
        self._of_case: dict[str, set[str]] = {}
        self._events = 0

    def last_event(self) -> int:
        return self._events

    def live(self) -> list[Incident]:
        return [one for one in self._all.values() if one.live]

    def of_cases(self, case_ids: Collection[str], *, closed: bool = False) -> list[Incident]:
        ids = {one for case_id in case_ids for one in self._of_case.get(case_id, ())}
        found = [self._all[one] for one in sorted(ids)]
        return [one for one in found if not (closed and one.live)]

    def of_hops(self) -> list[Incident]:
        return self.of_many("hop:")

    def of_many(self, *prefixes: str) -> list[Incident]:
        return [one for one in self._all.values() if one.promise.startswith(prefixes)]

    def belonging(self) -> list[tuple[CaseKey, str]]:
        found = [
            (each[-1].joined_at, case, whole)
            for whole, spells in self._spells.items()
            if self._all[whole].of_hop and self._all[whole].live
            for case, each in spells.items()
            if each[-1].left_at is None
        ]
        return [(case, whole) for _, case, whole in sorted(found)]

    def belonged(self, case_ids: Collection[str]) -> list[Affected]:
        wanted = set(case_ids)
        return [
            spell
            for whole, spells in self._spells.items()
            if self._all[whole].of_hop and self._all[whole].told_cases
            for case, each in spells.items()
            if case.case_id in wanted
            for spell in each
        ]

    def commit(self, changes: Sequence[Change], *, fence: Lease | None = None) -> list[Change]:
        del fence  # there is nobody else
        for change in changes:
            self._store(change)
        return list(changes)

    def _store(self, change: Change) -> None:
        incident = change.incident
        before = self._all.get(incident.id)
        self._all[incident.id] = incident
        self._of_case.setdefault(incident.case_id, set()).add(incident.id)
        self._events += 1
        if change.event is None:
            return
        if change.event.what in FIRED:
            self.fired.append((incident, incident.episode > (before.episode if before else 0)))
        if change.hanging is not None:
            self._hang(incident.id, change.hanging, change.event.at)

    def _hang(self, incident_id: str, cases: Collection[CaseKey], at: datetime) -> None:
        spells = self._spells.setdefault(incident_id, {})
        for case, each in spells.items():
            if case not in cases and each[-1].left_at is None:
                each[-1] = replace(each[-1], left_at=at)
        for case in cases:
            each = spells.setdefault(case, [])
            if not each or each[-1].left_at is not None:
                each.append(Affected(case=case, joined_at=at, left_at=None))


class _Holds:
    """A `Holding` in memory."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}

    def all(self) -> dict[str, datetime]:
        return dict(self._since)

    def note(self, changes: Mapping[str, datetime | None], *, fence: Lease | None = None) -> None:
        del fence
        for promise, since in changes.items():
            self._since.pop(promise, None)
            if since is not None:
                self._since[promise] = since
