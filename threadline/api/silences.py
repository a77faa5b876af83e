"""Silences: making, ending, and what one would mute; announced maintenance beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, get_args

from fastapi import APIRouter, Query

from alerts import silences
from threadline import wire
from threadline.api import incidents
from threadline.api.access import requires
from threadline.api.cursors import LARGEST
from threadline.api.problems import Refusal
from threadline.api.services import ApiServices, Services
from threadline.model.incidents import Incident as Opened
from threadline.model.incidents import IncidentState
from threadline.model.people import Permission
from threadline.model.silences import Matcher, Silence, SilenceState
from threadline.wire import Page, SilencePreview, SilencePreviewRequest, SilenceRequest

STATES: tuple[SilenceState, ...] = get_args(SilenceState)
HANDLING = [requires(Permission.HANDLING)]
SHOWN = 50  # of the incidents that a silence would mute
_AT_ONCE = 500
_LIVE: tuple[IncidentState, ...] = ("open", "acknowledged")
_MAINTENANCE = "maintenance/"

router = APIRouter(
    prefix="/silences", tags=["incidents"], dependencies=[requires(Permission.INCIDENTS)]
)


@router.get("")
def page(
    services: Services,
    state: Annotated[str, Query(description="active, pending, expired; several with commas")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
) -> Page[wire.Silence]:
    """Silences, the last made first, behind the maintenance that is on or comes next."""
    states = [part.strip() for part in state.split(",") if part.strip()]
    if unknown := sorted(set(states) - set(STATES)):
        raise Refusal(422, f"state: {', '.join(unknown)} is none of {', '.join(STATES)}")
    now = services.clock.now()
    named = [known for known in STATES if known in states]
    found = services.silences.latest(limit + 1, now, states=named, before=cursor)
    items = [told(one, now) for one in found[:limit]]
    if cursor is None:
        announced = (told(one, now) for one in _maintenance(services, now))
        items = [one for one in announced if not states or one.state in states] + items
    return Page(items=items, next=found[limit - 1].id if len(found) > limit else None)


@router.post("", status_code=201, dependencies=HANDLING)
def make(services: Services, asked: SilenceRequest) -> wire.Silence:
    """Tell nobody about what all matchers hold for; incidents open and close as ever."""
    now = services.clock.now()
    starts_at = asked.starts_at or now
    matchers = _matchers(asked.matchers)
    comment = asked.comment.strip()
    faults = [*silences.of_span(starts_at, asked.ends_at, now)]
    if not comment:
        faults.append("comment: say why, for whoever finds it")
    _refuse(faults)
    who = services.asker.named(asked.actor)
    made = services.silences.add(matchers, starts_at, asked.ends_at, who=who, comment=comment)
    return told(made, now)


@router.post("/preview")
def preview(services: Services, asked: SilencePreviewRequest) -> SilencePreview:
    """Which live incidents a silence with these matchers would mute now."""
    matchers = _matchers(asked.matchers)
    found = [
        one for one in _live(services) if all(matcher.matches(one.labels) for matcher in matchers)
    ]
    found.sort(key=incidents.urgency)
    items = [incidents.shown(services, one) for one in found[:SHOWN]]
    return SilencePreview(count=len(found), items=items)


@router.get("/{silence_id:path}")
def one(services: Services, silence_id: str) -> wire.Silence:
    """One silence, or the window of a maintenance."""
    now = services.clock.now()
    for announced in _maintenance(services, now):
        if announced.id == silence_id:
            return told(announced, now)
    return told(services.silences.get(silence_id), now)


@router.delete("/{silence_id:path}", dependencies=HANDLING)
def end(
    services: Services,
    silence_id: str,
    actor: Annotated[str, Query(min_length=1, max_length=200)] = "api",
) -> wire.Silence:
    """End it now; it stays in the list. One that is over stays as it is."""
    if silence_id.startswith(_MAINTENANCE):
        raise Refusal(409, f"{silence_id} ends when its definition is changed or taken away")
    now = services.clock.now()
    return told(services.silences.end(silence_id, who=services.asker.named(actor)), now)


def told(silence: Silence, now: datetime) -> wire.Silence:
    """A silence as the API shows it."""
    announced = silence.id.startswith(_MAINTENANCE)
    return wire.Silence(
        **vars(silence)
        | {
            "source": "maintenance" if announced else "silence",
            "state": silence.state(now),
            "until": silence.until,
            "matchers": [wire.Matcher(**vars(matcher)) for matcher in silence.matchers],
        }
    )


def _maintenance(services: ApiServices, now: datetime) -> Iterator[Silence]:
    return (found for one in services.maintenance if (found := one.silence(now)))


def _matchers(asked: Sequence[wire.Matcher]) -> list[Matcher]:
    read: list[Matcher] = []
    for index, one in enumerate(asked):
        try:
            read.append(Matcher(label=one.label, op=one.op, value=one.value))
        except ValueError as error:
            raise Refusal(422, f"matchers.{index}: {error}") from error
    _refuse([f"matchers: {fault}" for fault in silences.of_matchers(read)])
    return read


def _live(services: ApiServices) -> Iterator[Opened]:
    cursor = None
    while True:
        found = services.alerts.page(states=_LIVE, limit=_AT_ONCE, cursor=cursor)
        yield from found.items
        if (cursor := found.next) is None:
            return


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise Refusal(422, "; ".join(faults))
