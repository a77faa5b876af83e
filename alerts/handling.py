"""What people do to incidents: pure decisions, stored with who did it and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from alerts.actions import CLOSED_BY_HAND
from alerts.telling import Told
from threadline.errors import ThreadlineError
from threadline.model.incidents import Change, Incident, IncidentEvent


class IncidentClosed(ThreadlineError):
    """The incident is over, so there is nothing left to acknowledge or resolve."""

    def __init__(self, incident_id: str, state: str) -> None:
        self.incident_id, self.state = incident_id, state
        super().__init__(f"incident {incident_id} is {state}; only a live one can be handled")


def acknowledge(
    incident: Incident, who: str, at: datetime, text: str, lapses: timedelta | None = None
) -> Change | None:
    """Somebody is on it: nothing more is told, until it `lapses`. The first one stands."""
    if incident.state == "acknowledged":
        return None
    _require_live(incident)
    fresh = replace(
        incident,
        state="acknowledged",
        reason="acknowledged",
        acknowledged_at=at,
        acknowledged_by=who,
        assignee=incident.assignee or who,
        escalate_at=None if lapses is None else at + lapses,
        muted_until=None,
        version=incident.version + 1,
    )
    event = _event("acknowledged", who, at, text=text)
    return Change(incident=fresh, event=event, withdraw="acknowledged")


def resolve(incident: Incident, who: str, at: datetime, text: str) -> Change | None:
    """Closed by hand: it stays so for this deadline, however late the case still is.

    The cases of a hop leave it: what passed while they belonged to it has been told.
    """
    if incident.state == "resolved":
        return None
    _require_live(incident)
    fresh = replace(
        incident,
        state="resolved",
        reason=CLOSED_BY_HAND,
        resolved_at=at,
        escalate_at=None,
        part_of="",
        version=incident.version + 1,
    )
    return Change(
        incident=fresh,
        event=_event("resolved", who, at, text=text),
        withdraw="resolved",
        hanging=frozenset() if incident.of_hop else None,
    )


def require_open(incident: Incident) -> None:
    """Raise `IncidentClosed` unless somebody is still looked for."""
    if incident.state != "open":
        raise IncidentClosed(incident.id, incident.state)


def require_episode(incident: Incident, episode: int | None) -> None:
    """Raise `IncidentClosed` when that `episode` of it is over and another has begun."""
    if episode is not None and episode != incident.episode:
        raise IncidentClosed(incident.id, f"in episode {incident.episode}, no more in {episode}")


def escalated(incident: Incident, told: Told, who: str, at: datetime, text: str) -> Change:
    """The next step is told because somebody wished so."""
    fresh = replace(told.incident, part_of=incident.part_of, version=incident.version + 1)
    steps = list(told.steps)
    event = IncidentEvent(
        at=at, what="escalated", who=who, detail={"steps": steps} | ({"text": text} if text else {})
    )
    return Change(incident=fresh, event=event, notifications=told.notifications)


def assign(incident: Incident, who: str, at: datetime, assignee: str, text: str) -> Change | None:
    """Make it `assignee`'s, or nobody's when that is empty; allowed in any state."""
    if incident.assignee == assignee:
        return None
    fresh = replace(incident, assignee=assignee, version=incident.version + 1)
    return Change(incident=fresh, event=_event("assigned", who, at, assignee=assignee, text=text))


def note(incident: Incident, who: str, at: datetime, text: str) -> Change:
    """Write something into the history; allowed in any state."""
    fresh = replace(incident, version=incident.version + 1)
    return Change(incident=fresh, event=_event("noted", who, at, text=text))


def _require_live(incident: Incident) -> None:
    if not incident.live:
        raise IncidentClosed(incident.id, incident.state)


def _event(what: str, who: str, at: datetime, **detail: str) -> IncidentEvent:
    given = {name: value for name, value in detail.items() if value}
    return IncidentEvent(at=at, what=what, who=who, detail=given)
