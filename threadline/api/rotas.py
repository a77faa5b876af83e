"""Rotas: who is on duty now or then, who follows, and putting somebody on duty instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from alerts import silences
from alerts.duty.rota import Duty, Rota, coming
from alerts.duty.words import told as in_words
from threadline import wire
from threadline.api.access import requires
from threadline.api.cursors import LARGEST
from threadline.api.problems import Refusal
from threadline.api.services import ApiServices, Services
from threadline.errors import NotFound
from threadline.model.duty import Override
from threadline.model.people import Permission
from threadline.wire import OverrideRequest, Page, RotaMember, Shift

HANDLING = [requires(Permission.HANDLING)]
At = Annotated[AwareDatetime | None, Query(description="who is on duty then, instead of now")]

router = APIRouter(
    prefix="/rotas", tags=["incidents"], dependencies=[requires(Permission.INCIDENTS)]
)


@router.get("")
def page(services: Services, at: At = None) -> Page[wire.Rota]:
    """All rotas by name, each with who is on duty and who follows."""
    moment = at or services.clock.now()
    decided = services.overrides.since(moment)
    rotas = sorted(services.rotas.values(), key=lambda rota: rota.name)
    return Page(items=[told(rota, moment, decided, most=2) for rota in rotas])


@router.get("/{name}")
def one(
    services: Services,
    name: str,
    at: At = None,
    shifts: Annotated[int, Query(ge=2, le=100, description="how many, with the present one")] = 10,
) -> wire.Rota:
    """One rota, with who is on duty next and after that."""
    rota = _named(services, name)
    moment = at or services.clock.now()
    return told(rota, moment, services.overrides.since(moment), most=shifts)


@router.post("/{name}/overrides", status_code=201, dependencies=HANDLING)
def decide(services: Services, name: str, asked: OverrideRequest) -> wire.Override:
    """Put a member on duty whatever the rota says; of several at once the last decided counts."""
    rota, now = _named(services, name), services.clock.now()
    starts_at, why = asked.starts_at or now, asked.why.strip()
    faults = [*silences.of_span(starts_at, asked.ends_at, now)]
    if asked.member not in rota.members:
        known = ", ".join(rota.members)
        faults.append(f"member: {asked.member!r} is none of this rota (members: {known})")
    if not why:
        faults.append("why: say why, for whoever finds it")
    if faults:
        raise Refusal(422, "; ".join(faults))
    who = services.asker.named(asked.actor)
    return override(
        services.overrides.add(name, asked.member, starts_at, asked.ends_at, who=who, why=why)
    )


@router.delete("/{name}/overrides/{number}", dependencies=HANDLING)
def end(
    services: Services,
    name: str,
    number: Annotated[int, Path(ge=1, le=LARGEST)],
    actor: Annotated[str, Query(min_length=1, max_length=200)] = "api",
) -> wire.Override:
    """End it now; one that is over stays as it is. Those of the definition end with it."""
    return override(services.overrides.end(name, number, who=services.asker.named(actor)))


def told(rota: Rota, at: datetime, decided: Sequence[Override], *, most: int) -> wire.Rota:
    """A rota as the API shows it, with so many shifts."""
    found = coming(rota, at, decided, most)
    following = found[1][1] if len(found) > 1 else None
    return wire.Rota(
        name=rota.name,
        title=rota.title,
        zone=rota.zone,
        text=in_words(rota, found[0][1], following),
        members=[
            RotaMember(name=member.name, receivers=list(member.receivers))
            for member in rota.members.values()
        ],
        shifts=[_shift(since, duty) for since, duty in found],
        overrides=[override(one) for one in decided if one.rota == rota.name],
    )


def override(decided: Override) -> wire.Override:
    """An override as the API shows it."""
    shown = {name: value for name, value in vars(decided).items() if name != "rota"}
    return wire.Override(**shown, until=decided.until)


def _shift(since: datetime, duty: Duty) -> Shift:
    return Shift(
        since=since,
        until=duty.until,
        members=list(duty.members),
        receivers=list(duty.receivers),
        by=duty.by,
    )


def _named(services: ApiServices, name: str) -> Rota:
    rota = services.rotas.get(name)
    if rota is None:
        raise NotFound("rota", name)
    return rota
