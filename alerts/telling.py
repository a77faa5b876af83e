"""From what escalation decides to what is owed to whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from alerts import escalation
from alerts.escalation import Decision, Opens, always_open
from alerts.escalations import ROTA
from alerts.notification import Briefings, Links, compose
from alerts.policy import Policies
from threadline.model.incidents import Incident, Kind, Notification

# Worth telling whoever knows of it: so many times as many cases as they were told of.
GROWTH = 5


def not_muted(_labels: Mapping[str, str], _at: datetime) -> datetime | None:
    """For deployments without silences."""
    return None


def no_silences(_at: datetime) -> frozenset[str]:
    """For the same."""
    return frozenset()


def nobody(_rota: str, _at: datetime) -> tuple[str, ...]:
    """For deployments without rotas."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What escalation asks of the world at an instant.

    `muted` is until when an incident of such labels is silenced, None for not at all; `silences`
    are the ids of those that hold, maintenance windows too; `opens` is the first instant from one
    on within business hours of that name; `on_duty` the receivers (`policy/name`) of whoever a rota
    has on duty.
    """

    muted: Callable[[Mapping[str, str], datetime], datetime | None] = not_muted
    silences: Callable[[datetime], frozenset[str]] = no_silences
    opens: Opens = always_open
    on_duty: Callable[[str, datetime], tuple[str, ...]] = nobody


@dataclass(frozen=True, kw_only=True)
class Told:
    """Why something is owed or not, the incident after that, and the notifications.

    `hold` is until when what already waits to be told is held back; now lets it go.
    """

    reason: escalation.Reason
    steps: tuple[int, ...]
    incident: Incident
    notifications: tuple[Notification, ...]
    hold: datetime | None = None


class Telling:
    """Composes notifications; pure but for what `surroundings` answer."""

    def __init__(
        self, policies: Policies, briefing: Briefings, links: Links, surroundings: Surroundings
    ) -> None:
        self._policies, self._briefing, self._links = policies, briefing, links
        self._surroundings = surroundings

    def due(self, incident: Incident, now: datetime) -> Told:
        """The pages that escalation owes at `now`."""
        around = self._surroundings
        muted_until = None
        if incident.state == "open" or incident.escalate_at is not None:
            muted_until = around.muted(incident.labels, now)
        policy = self._policies.escalation(incident.policy)
        decision = escalation.decide(
            incident, policy, now, muted_until=muted_until, opens=around.opens
        )
        return replace(self._told(decision, now), hold=_held(incident, decision, now))

    def next_step(self, incident: Incident, now: datetime) -> Told:
        """The pages of the next step, now."""
        return self._told(self._hastened(incident, now), now)

    def news(self, incident: Incident, kind: Kind, reason: str, at: datetime) -> Notification:
        """What those who were told of it are owed since `at`, addressed to nobody yet."""
        briefing = self._briefing(incident)
        return compose(
            incident,
            kind=kind,
            at=at,
            reason=reason,
            briefing=briefing,
            links=self._links,
            turn=incident.version,
        )

    def _told(self, decision: Decision, now: datetime) -> Told:
        """A step that reaches nobody is no step: the next one follows at once."""
        pages = self._pages(decision, now)
        steps = decision.steps
        while steps and not pages:
            further = self._hastened(decision.incident, now)
            if not further.steps:
                break
            decision = replace(further, reason=decision.reason)
            steps += further.steps
            pages = self._pages(further, now)
        incident = decision.incident
        if pages:
            incident = replace(incident, told_cases=incident.cases)
        return Told(
            reason=decision.reason, steps=steps, incident=incident, notifications=tuple(pages)
        )

    def _hastened(self, incident: Incident, now: datetime) -> Decision:
        policy = self._policies.escalation(incident.policy)
        return escalation.hasten(incident, policy, now, opens=self._surroundings.opens)

    def _pages(self, decision: Decision, now: datetime) -> list[Notification]:
        incident = decision.incident
        briefing = self._briefing(incident)
        steps = self._policies.escalation(incident.policy).steps
        return [
            compose(
                incident,
                kind="page",
                step=number,
                turn=incident.rounds,
                receiver=receiver,
                at=now,
                reason=_reason(incident, number, decision.reason),
                briefing=briefing,
                links=self._links,
            )
            for number in decision.steps
            for receiver in self._receivers(steps[number - 1].receivers, now)
        ]

    def _receivers(self, names: tuple[str, ...], now: datetime) -> list[str]:
        found: dict[str, None] = {}
        for name in names:
            rota = name.removeprefix(ROTA)
            told = (name,) if rota == name else self._surroundings.on_duty(rota, now)
            found |= dict.fromkeys(told)
        return list(found)


def _held(before: Incident, decision: Decision, now: datetime) -> datetime | None:
    if decision.reason == "silenced":
        return decision.incident.muted_until
    return now if before.muted_until is not None else None


def grown(incident: Incident) -> bool:
    """Whether it has become so big that whoever was told should know."""
    return bool(incident.told_cases) and incident.cases >= GROWTH * incident.told_cases


def _reason(incident: Incident, step: int, why: escalation.Reason) -> str:
    if why == "lapsed":
        return "lapsed"
    if incident.rounds:
        return "repeated"
    return incident.reason if step == 1 else "escalated"
