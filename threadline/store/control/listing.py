"""Lists of incidents, part by part, and what they may be narrowed by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Float, Select, and_, case, cast, or_, select

from threadline.model.incidents import Incident, IncidentState
from threadline.store.control.schema import incidents

BY = ("journey", "criticality", "system")
LIVE: tuple[IncidentState, ...] = ("open", "acknowledged")
_GRAVEST_FIRST = ("failure", "breach", "warning")

Order = Literal["newest", "urgent"]


@dataclass(frozen=True, kw_only=True)
class IncidentPage:
    """A part of a list; `next` opens the part that follows, None ends the list."""

    items: list[Incident]
    next: str | None


def newest(
    states: Collection[IncidentState], equal: Mapping[str, str], cursor: str | None
) -> Select[Any]:
    """Those in `states` (none named: all) with these fields, the newest opened first, after
    `cursor`; raises `ValueError` for one that `cursor` here did not make.
    """
    order = (incidents.c.opened_at.desc(), incidents.c.id.desc())
    statement = _where(select(incidents), states, equal).order_by(*order)
    return statement if cursor is None else statement.where(_after(cursor))


def urgent(
    states: Collection[IncidentState], equal: Mapping[str, str], cursor: str | None
) -> Select[Any]:
    """The same, live and grave ones first, of those what concerns many cases, is worth much, and
    is old.
    """
    c = incidents.c
    gravity = case(*((c.severity == name, place) for place, name in enumerate(_GRAVEST_FIRST)))
    worth = cast(c.value, Float).desc().nulls_last()
    order = (c.state.not_in(LIVE), gravity, c.cases.desc(), worth, c.opened_at, c.id)
    return _where(select(incidents), states, equal).order_by(*order).offset(offset(cursor))


def offset(following: str | None) -> int:
    """How many a part of `urgent` comes after; raises `ValueError` for what is no such cursor."""
    if following is None:
        return 0
    if not (following.isascii() and following.isdigit() and len(following) < 10):
        raise ValueError(f"{following!r} is no cursor")
    return int(following)


def places(states: Collection[IncidentState], equal: Mapping[str, str]) -> Select[Any]:
    """What the fields `BY` of the same are, each combination once."""
    return _where(select(*(incidents.c[name] for name in BY)).distinct(), states, equal)


def _where(
    statement: Select[Any], states: Collection[IncidentState], equal: Mapping[str, str]
) -> Select[Any]:
    if states:
        statement = statement.where(incidents.c.state.in_(sorted(states)))
    return statement.where(*(incidents.c[name] == value for name, value in equal.items()))


def cursor(incident: Incident) -> str:
    """Opens the part of a list that follows `incident`."""
    return f"{incident.opened_at.isoformat()}~{incident.id}"


def _after(following: str) -> ColumnElement[bool]:
    instant, _, incident_id = following.partition("~")
    try:
        at = datetime.fromisoformat(instant)
    except ValueError as error:
        raise ValueError(f"{following!r} is no cursor") from error
    if at.tzinfo is None or not incident_id:
        raise ValueError(f"{following!r} is no cursor")
    return or_(
        incidents.c.opened_at < at,
        and_(incidents.c.opened_at == at, incidents.c.id < incident_id),
    )
