"""Alerting as a whole, as the composition root runs it and the API asks it."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import polars as pl

from alerts import handling, policy
from alerts.known import Known
from alerts.notification import Acknowledging, Briefings, Links, no_link
from alerts.outbox import Courier
from alerts.policy import Policies
from alerts.receivers import Outcome
from alerts.receivers.building import build
from alerts.receivers.trial import trial
from alerts.receivers.variables import Variables
from alerts.telling import Surroundings, Telling
from alerts.turn import Look, Turns
from threadline.clock import Clock
from threadline.errors import NotFound
from threadline.model.incidents import (
    Affected,
    Change,
    Incident,
    IncidentEvent,
    IncidentState,
    Kind,
)
from threadline.model.readings import Reading
from threadline.settings import AlertsSettings
from threadline.store.control import ControlStore
from threadline.store.control.deliveries import Delivery, Receiving
from threadline.store.control.leases import Lease
from threadline.store.control.listing import IncidentPage, Order

_log = logging.getLogger(__name__)

_WATERMARK = "alerts.evaluation"
# How far a restart may have to look back; each note of it is one durable write.
_NOTE_EVERY = timedelta(minutes=1)


def load_policies(
    settings: AlertsSettings,
    extending: Sequence[Path] = (),
    rotas: Mapping[str, bool] = MappingProxyType({}),
) -> Policies:
    """The shipped policies, extended or replaced by files of the same name in `extending`.

    They may name `rotas`, as `policy.load` has it. Raises `DefinitionErrors`.
    """
    named = {"webhook_url": settings.webhook_url}
    variables = Variables(named, os.environ, settings.secrets_dir)
    return policy.load([policy.SHIPPED, *extending], variables, rotas)


class AlertsService:
    """Opens, escalates, tells about and closes incidents; safe to call from several threads.

    Two clocks are at work. Deadlines are judged at the `now` given to `evaluate`, which must be the
    earlier of the clock and the pipeline's watermark (up to when all input received has been
    derived): while the pipeline lags, the event that kept a promise may still be waiting to be
    read, and no case may be called late for that. Escalation runs by the clock, because the people
    told live by it.
    """

    def __init__(
        self,
        store: ControlStore,
        policies: Policies,
        clock: Clock,
        *,
        briefing: Briefings,
        links: Links,
        surroundings: Surroundings | None = None,
        fence: Callable[[], Lease | None] = lambda: None,
        acknowledging: Acknowledging = no_link,
    ) -> None:
        """`fence` is the lease that evaluating and escalating need; None: there is but one service
        and it needs none.
        """
        self._fence = fence
        self._incidents = store.incidents
        self._silences = store.silences
        self._silences_seen: tuple[int, frozenset[str]] | None = None
        self._surroundings = surroundings or Surroundings()
        self._outbox = store.outbox
        self._watermarks = store.watermarks
        self._policies = policies
        self._clock = clock
        self._telling = Telling(policies, briefing, links, self._surroundings)
        self._receivers = {one.name: build(one, clock) for one in policies.receivers}
        for name, lacking in policies.left_out.items():
            _log.warning("receiver %s is left out: %s is not set", name, ", ".join(lacking))
        self._known = Known(store.incidents)
        self._turns = Turns(
            store.incidents, store.holds, self._known, policies, self._telling, clock, fence
        )
        self._courier = Courier(
            store.outbox, self._receivers, policies.receivers, clock, acknowledging=acknowledging
        )
        self._evaluating = threading.Lock()
        self._noted: datetime | None = None
        self._evaluated: datetime | None = None
        self._token = 0  # of the lease it evaluated under

    def close(self) -> None:
        """Let go of the receivers' connections; the store is its owner's to close."""
        for receiver in self._receivers.values():
            receiver.close()

    def watched(self) -> list[str]:
        """The cases of live incidents: `evaluate` needs their rows even when nothing is late."""
        with self._evaluating:
            return sorted({one.case_id for one in self._known.live() if not one.of_many})

    def evaluate(
        self,
        cases: pl.DataFrame,
        now: datetime,
        *,
        today: Mapping[str, str] | None = None,
        failing: pl.DataFrame | None = None,
        late: pl.DataFrame | None = None,
        readings: Sequence[Reading] = (),
    ) -> Counter[str]:
        """Bring incidents in line with `cases` at `now`; how many changed, by named reason.

        `cases` has the columns of table `cases` of the telemetry store and holds at least the late
        ones and those of `watched()` (under today's ids) of which something has changed; cases left
        out are not judged. `today` maps identifiers that incidents were stored under to the object
        ids they resolve to now. `failing` are all steps that failed and are waited for
        (`store.telemetry.failing`), `late` all running cases past a deadline; None for what has not
        changed since the last call. `readings` are looks at figures, sources and growth; what is
        left out is not judged.

        An incident and its first notifications are stored together: a crash in between loses and
        doubles neither. Going back in time (an index being rebuilt) changes nothing: the count is
        then `behind`. What somebody else changed meanwhile is not stored and counts as `overtaken`:
        call again with the same. Raises `ControlUnavailable`, and `Fenced` when the lease was lost,
        with what was stored so far kept; call again.
        """
        with self._evaluating:
            if self._behind(now):
                return Counter(behind=1)
            look = Look(
                cases=cases,
                now=now,
                today=today or {},
                failing=failing,
                late=late,
                readings=readings,
            )
            counts = self._turns.take(look)
            self._note(now, changed=bool(counts))
        for reason, count in sorted(counts.items()):
            _log.info("incidents %s: %d", reason, count)
        return counts

    def escalate(self, now: datetime) -> Counter[str]:
        """Owe the notifications of escalation steps due at `now`; counts by named reason.

        Where a silence was made, has begun or ended since, all open incidents are looked at anew.
        """
        changes = self._silences.changes(), self._surroundings.silences(now)
        if changes == self._silences_seen:
            return self._take_further(self._incidents.escalating(now), now)
        counts = self.rethink(now)
        if not counts["overtaken"]:  # else somebody else changed some of them: they are next
            self._silences_seen = changes
        return counts + self._take_further(self._incidents.escalating(now), now)

    def rethink(self, now: datetime) -> Counter[str]:
        """Look at all open incidents anew: silences have changed."""
        open_ones = [one for one in self._incidents.live() if one.state == "open"]
        return self._take_further(open_ones, now)

    def deliver(self, now: datetime) -> Counter[str]:
        """Escalate and deliver all that is due at `now`, the clock's; attempts by named reason."""
        self.escalate(now)
        return self.send(now)

    def send(self, now: datetime) -> Counter[str]:
        """Deliver what is owed at `now` already; attempts by named reason. It needs no lease."""
        return self._courier.deliver_due(now)

    @property
    def policies(self) -> Policies:
        """What it goes by; receivers hold secrets, which no repr shows."""
        return self._policies

    def try_out(self, receiver: str, *, who: str) -> Outcome:
        """Send a test through `receiver` (`policy/name`) at once; raises `NotFound`.

        Nothing is stored, and no rate limit holds it up.
        """
        if receiver not in self._receivers:
            raise NotFound("receiver", receiver)
        return self._receivers[receiver].deliver(trial(receiver, who, self._clock.now()))

    def owed_since(self) -> datetime | None:
        """Since when the notification is owed that waits the longest; None: none does."""
        return self._outbox.owed_since()

    def page(
        self,
        *,
        states: Collection[IncidentState] = (),
        limit: int = 100,
        cursor: str | None = None,
        order: Order = "newest",
        **equal: str,
    ) -> IncidentPage:
        """Incidents whose fields are `equal`, the newest opened first, or the most `urgent`.

        Raises `ValueError` for a cursor that is not ours.
        """
        return self._incidents.page(states=states, limit=limit, cursor=cursor, order=order, **equal)

    def narrowing(
        self, *, states: Collection[IncidentState] = (), **equal: str
    ) -> dict[str, list[str]]:
        """By which values of journey, criticality and system a list of the same may be narrowed."""
        return self._incidents.narrowing(states=states, **equal)

    def parts(self, wholes: Collection[str]) -> dict[str, int]:
        """How many incidents each of `wholes` speaks for; those without any are left out."""
        return self._incidents.parts(wholes)

    def get(self, incident_id: str) -> Incident:
        """One incident; raises `NotFound`, as everything below that takes an id."""
        return self._incidents.get(incident_id)

    def of_cases(self, case_ids: Collection[str]) -> list[Incident]:
        """All incidents of these cases, and of hops they hang or hung on, whatever their state."""
        return self._incidents.of_cases(case_ids) + self._incidents.behind_hops(case_ids)

    def affected(self, incident_id: str, *, after: int = 0, limit: int = 100) -> list[Affected]:
        """The cases of a hop's incident, those that still hang on it first."""
        return self._incidents.affected(incident_id, after=after, limit=limit)

    def history(self, incident_id: str) -> list[IncidentEvent]:
        """All that happened to an incident, every attempt to tell somebody included."""
        return self._incidents.history(incident_id)

    def deliveries(self, incident_id: str) -> list[Delivery]:
        """Whom it was told to, whom it is still to be told to, and who could not be told."""
        return self._outbox.of(incident_id)

    def receiving(self, since: datetime) -> dict[str, Receiving]:
        """How each receiver has taken what it was owed `since`, by name."""
        return {one.receiver: one for one in self._outbox.receiving(since)}

    def acknowledge(
        self, incident_id: str, *, who: str, text: str = "", episode: int | None = None
    ) -> Incident:
        """`who` is on it: nothing more is told. Raises `IncidentClosed` when it is over.

        `episode`: only in that one, else it is over as well; None for whichever it is in.
        """
        at = self._clock.now()

        def decide(incident: Incident) -> Change | None:
            handling.require_episode(incident, episode)
            lapses = self._policies.escalation(incident.policy).lapses
            change = handling.acknowledge(incident, who, at, text, lapses)
            return self._with_news(change, "update", at)

        return self._incidents.change(incident_id, decide)

    def escalate_now(self, incident_id: str, *, who: str, text: str = "") -> Incident:
        """Tell the next step at once. Raises `IncidentClosed` unless it is open."""
        at = self._clock.now()

        def decide(incident: Incident) -> Change:
            handling.require_open(incident)
            told = self._telling.next_step(replace(incident, part_of=""), at)
            return handling.escalated(incident, told, who, at, text)

        return self._incidents.change(incident_id, decide)

    def resolve(self, incident_id: str, *, who: str, text: str = "") -> Incident:
        """Close it by hand, for the deadline it is about. Raises `IncidentClosed`."""
        at = self._clock.now()

        def decide(incident: Incident) -> Change | None:
            return self._with_news(handling.resolve(incident, who, at, text), "resolved", at)

        return self._incidents.change(incident_id, decide)

    def assign(self, incident_id: str, *, assignee: str, who: str, text: str = "") -> Incident:
        """Make it `assignee`'s; an empty one gives it back."""
        return self._incidents.change(
            incident_id, lambda one: handling.assign(one, who, self._clock.now(), assignee, text)
        )

    def note(self, incident_id: str, *, text: str, who: str) -> Incident:
        """Add `text` to its history."""
        return self._incidents.change(
            incident_id, lambda one: handling.note(one, who, self._clock.now(), text)
        )

    def _take_further(self, incidents: Iterable[Incident], now: datetime) -> Counter[str]:
        changes = [self._further(incident, now) for incident in incidents]
        return self._turns.commit([one for one in changes if one is not None])

    def _further(self, incident: Incident, now: datetime) -> Change | None:
        told = self._telling.due(incident, now)
        if told.incident == incident:
            return None
        lapsed = told.incident.state != incident.state
        muted = told.incident.muted_until != incident.muted_until
        quiet = told.reason == "not-yet" and not muted and not lapsed
        what = "escalated" if told.steps else "lapsed" if lapsed else f"escalation-{told.reason}"
        event = IncidentEvent(at=now, what=what, detail={"steps": list(told.steps)})
        return Change(
            incident=replace(told.incident, version=incident.version + 1),
            event=None if quiet else event,
            notifications=told.notifications,
            hold=told.hold,
        )

    def _with_news(self, change: Change | None, kind: Kind, at: datetime) -> Change | None:
        """With word to all who were told."""
        if change is None:
            return None
        return replace(
            change, news=self._telling.news(change.incident, kind, change.incident.reason, at)
        )

    def _behind(self, now: datetime) -> bool:
        lease = self._fence()
        if self._evaluated is None or (lease is not None and lease.token != self._token):
            self._token = lease.token if lease else 0
            self._turns.forget()
            self._evaluated = self._noted = self._watermarks.get(_WATERMARK)
        return self._evaluated is not None and now < self._evaluated

    def _note(self, now: datetime, *, changed: bool) -> None:
        self._evaluated = now
        if changed or self._noted is None or now - self._noted >= _NOTE_EVERY:
            self._watermarks.advance(_WATERMARK, now)
            self._noted = now
