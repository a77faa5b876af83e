"""Incidents: the list on call, one with its history, and what people do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from threadline.api import cases
from threadline.api.access import requires
from threadline.api.problems import Refusal
from threadline.api.services import ApiServices, Services
from threadline.model.incidents import CASE_PROMISE, IncidentState
from threadline.model.incidents import Incident as Opened
from threadline.model.people import Permission
from threadline.store.control.deliveries import Delivery as Owed
from threadline.store.control.listing import Order
from threadline.wire import (
    Act,
    AffectedCase,
    Delivery,
    Incident,
    IncidentEvent,
    Money,
    Narrowing,
    Page,
)

STATES: tuple[IncidentState, ...] = get_args(IncidentState)
_SEVERITY = ("failure", "breach", "warning")
HANDLING = [requires(Permission.HANDLING)]

State = Annotated[str, Query(description="open, acknowledged…; several with commas")]
Whole = Annotated[bool, Query(description="leave out what is part of another")]

router = APIRouter(
    prefix="/incidents", tags=["incidents"], dependencies=[requires(Permission.INCIDENTS)]
)


class Wanted(BaseModel):
    """Which incidents; what is not given is not asked for."""

    journey: str = ""
    criticality: str = ""
    system: str = ""
    assignee: str = ""
    part_of: str = Field("", description="those that this incident speaks for")

    @property
    def equal(self) -> dict[str, str]:
        return {name: value for name, value in self if value}


@router.get("")
def page(
    services: Services,
    wanted: Annotated[Wanted, Depends()],
    state: State = "",
    whole: Whole = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: str | None = None,
    order: Annotated[Order, Query(description="which come into the first part")] = "newest",
) -> Page[Incident]:
    """Incidents, newest first, or the most urgent: live, grave, of many cases, worth much, old.

    Each part of the list has the most severe and valuable first.
    """
    equal = wanted.equal | ({"part_of": ""} if whole else {})
    try:
        found = services.alerts.page(
            states=_states(state), limit=limit, cursor=cursor, order=order, **equal
        )
    except ValueError as error:
        raise Refusal(422, f"cursor: {error}") from error
    parts = services.alerts.parts([one.id for one in found.items])
    items = [
        shown(services, incident).model_copy(update={"parts": parts.get(incident.id, 0)})
        for incident in sorted(found.items, key=urgency)
    ]
    return Page(items=items, next=found.next)


@router.get("/narrowing")
def narrowing(
    services: Services,
    state: State = "",
    whole: Whole = False,
) -> Narrowing:
    """By what the list of such incidents may be narrowed, however long it is."""
    equal = {"part_of": ""} if whole else {}
    found = services.alerts.narrowing(states=_states(state), **equal)
    return Narrowing(**{name: list(values) for name, values in found.items()})


def _states(named: str) -> list[IncidentState]:
    states = [part.strip() for part in named.split(",") if part.strip()]
    unknown = sorted(set(states) - set(STATES))
    if unknown:
        raise Refusal(422, f"state: {', '.join(unknown)} is none of {', '.join(STATES)}")
    return [known for known in STATES if known in states]


@router.get("/{incident_id}")
def one(services: Services, incident_id: str) -> Incident:
    """One incident with all that happened to it."""
    return _whole(services, services.alerts.get(incident_id))


@router.get("/{incident_id}/cases")
def affected(
    services: Services,
    incident_id: str,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[int, Query(ge=0)] = 0,
) -> Page[AffectedCase]:
    """The cases of a hop's incident: those that hang on it first, then those that have left."""
    services.alerts.get(incident_id)
    found = services.alerts.affected(incident_id, after=cursor, limit=limit + 1)
    items = [
        AffectedCase(
            journey=one.case.journey,
            case_id=one.case.case_id,
            contract=one.case.root_id,
            number=cases.number(one.case.root_id or one.case.case_id),
            joined_at=one.joined_at,
            left_at=one.left_at,
        )
        for one in found[:limit]
    ]
    return Page(items=items, next=str(cursor + limit) if len(found) > limit else None)


@router.post("/{incident_id}/acknowledge", dependencies=HANDLING)
def acknowledge(services: Services, incident_id: str, act: Act) -> Incident:
    """Somebody looks after it: escalation stops."""
    who = services.asker.named(act.actor)
    return _whole(services, services.alerts.acknowledge(incident_id, who=who, text=act.text))


@router.post("/{incident_id}/escalate", dependencies=HANDLING)
def escalate(services: Services, incident_id: str, act: Act) -> Incident:
    """Tell the next step of its escalation at once."""
    who = services.asker.named(act.actor)
    return _whole(services, services.alerts.escalate_now(incident_id, who=who, text=act.text))


@router.post("/{incident_id}/resolve", dependencies=HANDLING)
def resolve(services: Services, incident_id: str, act: Act) -> Incident:
    """It is over, though the case may not be."""
    who = services.asker.named(act.actor)
    return _whole(services, services.alerts.resolve(incident_id, who=who, text=act.text))


@router.post("/{incident_id}/assign", dependencies=HANDLING)
def assign(services: Services, incident_id: str, act: Act) -> Incident:
    """It is `assignee`'s from now on; an empty one gives it back."""
    who = services.asker.named(act.actor)
    done = services.alerts.assign(incident_id, assignee=act.assignee, who=who, text=act.text)
    return _whole(services, done)


@router.post("/{incident_id}/note", dependencies=HANDLING)
def note(services: Services, incident_id: str, act: Act) -> Incident:
    """Something worth knowing, for its history."""
    if not act.text.strip():
        raise Refusal(422, "text: a note needs words")
    who = services.asker.named(act.actor)
    return _whole(services, services.alerts.note(incident_id, text=act.text, who=who))


def of_cases(services: ApiServices, case_ids: Sequence[str]) -> list[Incident]:
    """All incidents of some cases, the most urgent first."""
    found = services.alerts.of_cases(case_ids) if case_ids else []
    return [shown(services, incident) for incident in sorted(found, key=urgency)]


def shown(services: ApiServices, incident: Opened) -> Incident:
    """An incident in words, with who was told."""
    journey = services.definitions.known_journey(incident.journey)
    step = services.definitions.known_step(incident.journey, incident.step)
    process = journey.title if journey else incident.journey
    milestone = step.title if step else incident.step
    return Incident(
        **{name: getattr(incident, name) for name in _SAME},
        title=_title(incident, process, milestone),
        contract=incident.root_id,
        number=cases.number(incident.root_id or incident.case_id),
        step_title=milestone,
        value=cases.money(incident.value, incident.currency),
        worth=[
            Money(amount=Decimal(total), currency=unit) for unit, total in incident.worth.items()
        ],
        owner=step.owner if step else journey.owner if journey else "",
        runbook=cases.runbook(journey, step),
        labels=dict(incident.labels),
        deliveries=[_delivery(owed) for owed in services.alerts.deliveries(incident.id)],
    )


_SAME = (
    *("id", "state", "severity", "criticality", "reason", "policy", "promise", "journey"),
    *("case_id", "step", "since", "due_at", "opened_at", "deadline", "acknowledged_at"),
    *("acknowledged_by", "resolved_at", "escalate_at", "assignee", "system", "error", "cases"),
    *("about", "rule", "breached", "part_of", "muted_until", "told_steps"),
)


def _whole(services: ApiServices, incident: Opened) -> Incident:
    history = [
        IncidentEvent(at=event.at, what=event.what, who=event.who, detail=dict(event.detail))
        for event in services.alerts.history(incident.id)
    ]
    parts = services.alerts.parts([incident.id]).get(incident.id, 0)
    return shown(services, incident).model_copy(update={"history": history, "parts": parts})


def _title(incident: Opened, journey: str, step: str) -> str:
    if incident.of_hop:
        return _title_of_hop(incident, step)
    if incident.said:
        return incident.said
    number = cases.number(incident.root_id or incident.case_id)
    if incident.of_failure:
        said = f"“{incident.error}”" if incident.error else "a failure without a message"
        return f"“{step}” of {number} has failed on {incident.system}: {said}"
    how = "is past its deadline" if incident.late else "is close to its deadline"
    if incident.promise == CASE_PROMISE:
        return f"{journey} of {number} {how}"
    return f"“{step}” of {number} {how}"


def _title_of_hop(incident: Opened, step: str) -> str:
    hang = "1 case hangs" if incident.cases == 1 else f"{incident.cases:,} cases hang"
    if incident.error:
        said = f"on “{incident.error}”"
    elif incident.promise.split(":", 2)[2].startswith("late:"):
        said = f"past the deadline of “{step}”, and nothing is heard"
    else:
        said = "on a failure without a message"
    if not incident.live:
        return f"{incident.system} failed: cases hung {said}"
    return f"{incident.system} fails: {hang} {said}"


def urgency(incident: Opened) -> tuple[bool, int, float, datetime]:
    """What comes first in a list: live, grave, worth much, old."""
    # Amounts of several currencies are only ranked here, never added up.
    worth = -max(map(float, incident.worth.values()), default=float(incident.value or 0))
    return not incident.live, _SEVERITY.index(incident.severity), worth, incident.opened_at


def _delivery(owed: Owed) -> Delivery:
    told, lost = owed.delivered_at is not None, owed.failed_at is not None
    return Delivery(
        receiver=owed.notification.receiver,
        kind=owed.notification.kind,
        reason=owed.notification.reason,
        step=owed.notification.step,
        state="delivered" if told else "failed" if lost else "waiting",
        attempts=owed.attempts,
        due_at=owed.notification.due_at,
        delivered_at=owed.delivered_at,
        failure=owed.failure,
    )
