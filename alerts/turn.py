"""One turn of evaluation: from what is hanging and late to incidents and what is owed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import NamedTuple

import polars as pl

from alerts import case, escalation, evaluation, failures, hops, signals, wholes
from alerts.actions import FOLDED, MERGED, PARTED, REOPENED, RETURNED, Action
from alerts.book import Book, Holding
from alerts.evaluation import Wholes
from alerts.known import Known
from alerts.policy import Policies
from alerts.telling import Telling, grown
from alerts.wholes import Belonging
from threadline.clock import Clock
from threadline.errors import ThreadlineError
from threadline.model.incidents import Change, Incident, IncidentEvent, Notification
from threadline.model.readings import Reading
from threadline.store.control.leases import Lease

_TOGETHER = 500


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is judged at one instant, `now`; see `AlertsService.evaluate`."""

    cases: pl.DataFrame
    now: datetime
    today: Mapping[str, str]
    failing: pl.DataFrame | None
    late: pl.DataFrame | None
    readings: Sequence[Reading] = ()


class _Owed(NamedTuple):
    """An incident, and what an action on it owes: see `Change`."""

    incident: Incident
    notifications: tuple[Notification, ...] = ()
    withdraw: str = ""
    hold: datetime | None = None
    steps: tuple[int, ...] = ()


class Turns:
    """Takes turns; not safe to call from several threads.

    What hangs is judged before single cases, because a case that belongs to a whole is told by it.
    """

    def __init__(
        self,
        incidents: Book,
        holds: Holding,
        known: Known,
        policies: Policies,
        telling: Telling,
        clock: Clock,
        fence: Callable[[], Lease | None],
    ) -> None:
        self._incidents, self._holds, self._known = incidents, holds, known
        self._policies, self._telling, self._clock = policies, telling, clock
        self._fence = fence
        self._belonging = Belonging(incidents)
        self._failing: pl.DataFrame | None = None
        self._late: pl.DataFrame | None = None
        self._standing: frozenset[str] = frozenset()  # incidents of hops, as of the last turn

    def take(self, look: Look) -> Counter[str]:
        """Bring incidents in line with `look`; how many changed, by named reason."""
        live = self._known.live()
        moved = look.failing is not None or look.late is not None or self._standing != _hops(live)
        if look.failing is not None:
            self._failing = hops.failing(look.failing)
        if look.late is not None:
            self._late = look.late
        counts: Counter[str] = Counter()
        self._belonging.keep([one.id for one in live])
        # Each is decided on what the one before has stored.
        if moved:
            counts += self._apply(self._of_hops(look.now))
        counts += self._apply(self._of_failures(look))
        counts += self._apply(self._refolded(look.today))
        counts += self._apply(self._of_cases(look))
        counts += self._apply(self._of_signals(look.readings))
        counts += self._apply(signals.ruleless(self._known.held(), self._policies, look.now))
        self._belonging.left.clear()
        self._standing = _hops(self._known.held())
        return counts

    def commit(self, changes: Sequence[Change]) -> Counter[str]:
        """Store decided changes; how many were stored, by the name of what happened."""
        try:
            stored = self._incidents.commit(changes, fence=self._fence()) if changes else []
        except ThreadlineError:
            self.forget()  # it may have been stored all the same
            raise
        if changes:
            self._known.outdate()
        counts = Counter(change.event.what for change in stored if change.event is not None)
        self._belonging.stored(stored)
        if overtaken := len(changes) - len(stored):
            self.forget()
            counts["overtaken"] = overtaken
        return counts

    def forget(self) -> None:
        """Somebody else has changed something: know nothing of what is stored."""
        self._known.forget()
        self._belonging.forget()

    def _apply(self, actions: Iterator[Action]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for some in _batches(actions):
            counts += self.commit([self.change(action) for action in some])
        return counts

    def _of_hops(self, now: datetime) -> Iterator[Action]:
        failing = self._failing if self._failing is not None else hops.none()
        overdue = hops.late(self._late, now) if self._late is not None else hops.none()
        known, held = self._incidents.of_hops(), self._belonging.held()
        all_late = self._late if self._late is not None else hops.none()
        yield from hops.evaluate(failing, overdue, known, now, self._policies, all_late, held)

    def _refolded(self, today: Mapping[str, str]) -> Iterator[Action]:
        return wholes.refold(self._known.held(), self._belonging.now(), today)

    def _of_failures(self, look: Look) -> Iterator[Action]:
        failing, today = self._failing, look.today
        mine = [one for one in self._known.held() if one.of_failure]
        if failing is None or not (mine or any(self._policies.of("step-failure"))):
            return
        live = {today.get(one.case_id, one.case_id) for one in mine}
        free = self._belonging.free(failing)
        ids = live | set(free["case_id"])
        judged = failing.filter(pl.col("case_id").is_in(ids))
        known = [one for one in self._known.of(ids) if one.of_failure]
        belonging = self._belonging.now()
        yield from failures.evaluate(judged, known, belonging, look.now, self._policies, today)

    def _of_cases(self, look: Look) -> Iterator[Action]:
        live = [one for one in self._known.held() if not one.of_many]
        watched = {look.today.get(one.case_id, one.case_id) for one in live}
        cases = self._with_those_that_left(look.cases)
        # One that is told by a whole needs no look unless it has an incident of its own.
        late = self._belonging.free(case.late(cases, look.now))
        watched.update(late["case_id"])
        known = [one for one in self._known.of(watched) if not one.of_many and not one.of_failure]
        if not watched:
            return
        judged = list(case.read(cases.filter(pl.col("case_id").is_in(watched)), look.now))
        yield from evaluation.evaluate(
            judged, known, look.now, self._policies, look.today, self._wholes(judged)
        )

    def _of_signals(self, readings: Sequence[Reading]) -> Iterator[Action]:
        """Since when something stands is kept until its incident is known to be stored."""
        if not readings:
            return
        held, known = self._holds.all(), self._incidents.of_many(*signals.PROMISES)
        noted: dict[str, datetime | None] = {}
        for judged in signals.evaluate(readings, known, held, self._policies):
            if judged.held != held.get(judged.promise):
                noted[judged.promise] = judged.held
            if judged.action is not None:
                yield judged.action
        if noted:
            self._holds.note(noted, fence=self._fence())

    def _wholes(self, judged: Iterable[case.Case]) -> Wholes:
        """What a case once belonged to matters only while it belongs to nothing."""
        belonging = self._belonging.now()
        free = [one.case_id for one in judged if one.key not in belonging]
        belonged = wholes.spells(self._incidents, free) if free else {}
        return Wholes(belonging=belonging, belonged=belonged)

    def _with_those_that_left(self, cases: pl.DataFrame) -> pl.DataFrame:
        """Nothing about them has changed but that no whole tells of them any more."""
        left = self._belonging.left
        if not left or self._late is None:
            return cases
        keys = pl.DataFrame(sorted(left), schema=["journey", "case_id"], orient="row")
        rows = self._late.join(keys, on=["journey", "case_id"], how="semi")
        rows = rows.join(cases, on=["journey", "case_id"], how="anti")
        return pl.concat([cases, rows], how="diagonal") if len(rows) else cases

    def change(self, action: Action) -> Change:
        """`action` with what it owes to whom."""
        at = self._clock.now()
        owed = self._owed(action, at)
        incident = owed.incident
        news = self._news(action, incident, at)
        if news is not None and news.reason == "grown":
            incident = replace(incident, told_cases=incident.cases)
        deadline = incident.deadline.isoformat()
        detail = {"severity": incident.severity, "deadline": deadline, **action.detail}
        return Change(
            incident=incident,
            event=IncidentEvent(at=at, what=action.reason, detail=detail),
            notifications=owed.notifications,
            withdraw=owed.withdraw,
            hold=owed.hold,
            escalated=_escalated(owed.steps, at),
            hanging=action.hanging,
            news=news,
            revive=incident.state == "open" and _is_back(action),
        )

    def _owed(self, action: Action, at: datetime) -> _Owed:
        incident = action.incident
        if action.page:
            policy = self._policies.escalation(incident.policy)
            again = action.reason == REOPENED
            fresh = escalation.reopen(incident, policy, at) if again else None
            told = self._telling.due(fresh or escalation.begin(incident, at), at)
            return _Owed(told.incident, told.notifications, "superseded")
        if incident.state == "resolved":
            return _Owed(incident, withdraw="resolved")
        if action.reason == FOLDED:
            lapses = incident.escalate_at if incident.state == "acknowledged" else None
            return _Owed(replace(incident, escalate_at=lapses), withdraw="part-of")
        withdraw = RETURNED if action.reason == RETURNED else ""
        if _is_merged_no_more(action):
            policy = self._policies.escalation(incident.policy)
            return _Owed(escalation.spent(incident, policy), withdraw=withdraw)
        if incident.state != "open":
            return _Owed(incident, withdraw=withdraw)
        if action.reason == RETURNED:
            incident = escalation.resume(incident, at)
        told = self._telling.due(incident, at)
        return _Owed(told.incident, told.notifications, withdraw, told.hold, told.steps)

    def _news(self, action: Action, incident: Incident, at: datetime) -> Notification | None:
        if incident.state == "resolved":
            over = at + self._policies.escalation(incident.policy).grace
            return self._telling.news(incident, "resolved", action.reason, over)
        if action.reason == RETURNED and not _is_merged_no_more(action):
            return self._telling.news(incident, "update", RETURNED, at)
        if action.reason == "raised" and not action.page:
            return self._telling.news(incident, "update", "raised", at)
        if not action.page and grown(incident):
            return self._telling.news(incident, "update", "grown", at)
        return None


def _hops(live: Iterable[Incident]) -> frozenset[str]:
    """What somebody closes by hand speaks for its cases no more: others have to be looked at."""
    return frozenset(one.id for one in live if one.of_hop)


def _escalated(steps: Sequence[int], at: datetime) -> IncidentEvent | None:
    return IncidentEvent(at=at, what="escalated", detail={"steps": list(steps)}) if steps else None


def _is_back(action: Action) -> bool:
    """Whether it needs somebody again who was not told when it did before."""
    returned = action.reason == RETURNED and not _is_merged_no_more(action)
    return returned or action.reason == PARTED


def _is_merged_no_more(action: Action) -> bool:
    """What is back only because cases were parted is nobody's news."""
    return action.reason == RETURNED and action.detail.get("after") == MERGED


def _batches(actions: Iterable[Action]) -> Iterator[list[Action]]:
    waiting = iter(actions)
    while batch := list(islice(waiting, _TOGETHER)):
        yield batch
