"""Incidents, their history, and the notifications stored in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    func,
    or_,
    select,
    update,
)

from threadline.errors import NotFound
from threadline.model.incidents import (
    Affected,
    CaseKey,
    Change,
    Incident,
    IncidentEvent,
    IncidentState,
)
from threadline.store.control import affected, audit, history, leases, listing, owing
from threadline.store.control.leases import Lease
from threadline.store.control.listing import LIVE, IncidentPage, Order
from threadline.store.control.schema import incident_cases, incident_events, incidents
from threadline.store.control.transactions import Transactions, insert_all_once, insert_once

HOP = "hop:"
_FIELDS = [field.name for field in fields(Incident)]
# SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535; plans stay small well below.
_PARAMETERS = 1_000


def _of_many(*prefixes: str) -> Select[Any]:
    named = or_(*(incidents.c.promise.startswith(prefix) for prefix in prefixes))
    return select(incidents).where(incidents.c.case_id == "", named)


# What every turn asks is put together once.
_IS_LIVE = incidents.c.state.in_(LIVE)
_LIVE_ONES = select(incidents).where(_IS_LIVE).order_by(incidents.c.id)
_OF_CASES = select(incidents).where(incidents.c.case_id.in_(bindparam("case_ids", expanding=True)))
_CLOSED_OF_CASES = _OF_CASES.where(incidents.c.state.not_in(LIVE))
_OF_HOPS = _of_many(HOP)
_ESCALATING = (
    select(incidents)
    .where(_IS_LIVE, incidents.c.escalate_at <= bindparam("now"))
    .order_by(incidents.c.escalate_at, incidents.c.id)
    .limit(bindparam("limit"))
)
# The spells of cases that were told by the incident; a silent source's only explains them. Of one
# that was silenced, or came and went, perhaps nobody knew.
_KNOWN_OF = or_(
    incidents.c.told_cases > 0,
    incidents.c.acknowledged_at.is_not(None),
    incidents.c.reason == "closed-by-hand",
)
_BELONGED = (
    select(incident_cases)
    .join(incidents, incidents.c.id == incident_cases.c.incident_id)
    .where(incidents.c.promise.startswith(HOP), _KNOWN_OF)
    .where(incident_cases.c.case_id.in_(bindparam("case_ids", expanding=True)))
)
_SPELL = (incident_cases.c[name] for name in ("journey", "case_id", "root_id", "incident_id"))
_BELONGING = (
    select(*_SPELL)
    .join(incidents, incidents.c.id == incident_cases.c.incident_id)
    .where(incident_cases.c.left_at.is_(None), _IS_LIVE, incidents.c.promise.startswith(HOP))
    .order_by(incident_cases.c.id)
)
_LAST_EVENT = select(func.max(incident_events.c.id))
_UPDATE = update(incidents).where(
    incidents.c.id == bindparam("of_id"), incidents.c.version == bindparam("of_version")
)


class Incidents:
    """The book of incidents. Methods that read return an empty list when nothing fits."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def get(self, incident_id: str) -> Incident:
        """The incident of that id; raises `NotFound`."""
        with self._transactions.read() as connection:
            return _one(connection, incident_id)

    def history(self, incident_id: str) -> list[IncidentEvent]:
        """All that happened to the incident, in the order it was stored."""
        with self._transactions.read() as connection:
            return history.read(connection, incident_id)

    def page(
        self,
        *,
        states: Collection[IncidentState] = (),
        limit: int = 100,
        cursor: str | None = None,
        order: Order = "newest",
        **equal: str,
    ) -> IncidentPage:
        """Incidents in `states` (none named: all), the newest opened first, or the most `urgent`.

        Only those whose fields are `equal` to what is given. Raises `ValueError` for a cursor that
        did not come from `IncidentPage.next` of the same order.
        """
        listed = listing.urgent if order == "urgent" else listing.newest
        found = self._all(listed(states, equal, cursor).limit(limit + 1))
        items = found[:limit]
        if len(found) <= limit:
            return IncidentPage(items=items, next=None)
        after = str(listing.offset(cursor) + limit) if order == "urgent" else None
        return IncidentPage(items=items, next=after or listing.cursor(items[-1]))

    def narrowing(
        self, *, states: Collection[IncidentState] = (), **equal: str
    ) -> dict[str, list[str]]:
        """By what a list of the same may be narrowed: the values of journey, criticality and
        system that there are, in order; '' is left out.
        """
        with self._transactions.read() as connection:
            rows = connection.execute(listing.places(states, equal)).all()
        values = {name: {getattr(row, name) for row in rows} for name in listing.BY}
        return {name: sorted(found - {""}) for name, found in values.items()}

    def parts(self, wholes: Collection[str]) -> dict[str, int]:
        """How many incidents are part of each of `wholes`; those without any are left out."""
        counted = func.count().label("parts")
        statement = select(incidents.c.part_of, counted).group_by(incidents.c.part_of)
        found: dict[str, int] = {}
        with self._transactions.read() as connection:
            for part in _parts(sorted(set(wholes))):
                rows = connection.execute(statement.where(incidents.c.part_of.in_(part)))
                found |= {row.part_of: row.parts for row in rows}
        return found

    def live(self) -> list[Incident]:
        """All that are open or acknowledged, by id."""
        return self._all(_LIVE_ONES)

    def of_cases(self, case_ids: Collection[str], *, closed: bool = False) -> list[Incident]:
        """All that were stored under one of `case_ids`; with `closed`, only those not live."""
        statement = _CLOSED_OF_CASES if closed else _OF_CASES
        found: list[Incident] = []
        for part in _parts(sorted(set(case_ids))):
            found += self._all(statement, case_ids=part)
        return found

    def of_hops(self) -> list[Incident]:
        """All that stand for the cases of a hop, whatever their state."""
        return self._all(_OF_HOPS)

    def of_many(self, *prefixes: str) -> list[Incident]:
        """All whose promise begins with one of `prefixes`, whatever their state."""
        return self._all(_of_many(*prefixes))

    def behind_hops(self, case_ids: Collection[str]) -> list[Incident]:
        """The incidents of hops on which one of `case_ids` hangs or hung."""
        found: dict[str, Incident] = {}
        for part in _parts(sorted(set(case_ids))):
            named = select(incident_cases.c.incident_id).where(incident_cases.c.case_id.in_(part))
            found |= {one.id: one for one in self._all(_of_ids(named))}
        return list(found.values())

    def affected(self, incident_id: str, *, after: int = 0, limit: int = 100) -> list[Affected]:
        """The cases of a hop's incident, those that still hang on it first; raises `NotFound`."""
        with self._transactions.read() as connection:
            _one(connection, incident_id)
            return affected.read(connection, incident_id, after, limit)

    def escalating(self, now: datetime, limit: int = 500) -> list[Incident]:
        """Live incidents whose escalation is to be looked at at `now`, the longest due first."""
        return self._all(_ESCALATING, now=now, limit=limit)

    def belonging(self) -> list[tuple[CaseKey, str]]:
        """Which live incidents of hops (their ids) cases belong to now, in the order they came."""
        with self._transactions.read() as connection:
            return [(CaseKey(*of), whole) for *of, whole in connection.execute(_BELONGING)]

    def belonged(self, case_ids: Collection[str]) -> list[Affected]:
        """When one of `case_ids` belonged to an incident of a hop that somebody knew of, and from
        when until when.
        """
        found: list[Affected] = []
        for part in _parts(sorted(set(case_ids))):
            with self._transactions.read() as connection:
                found += map(affected.spell, connection.execute(_BELONGED, {"case_ids": part}))
        return found

    def last_event(self) -> int:
        """A number that grows whenever any incident changes or is told of."""
        with self._transactions.read() as connection:
            return connection.execute(_LAST_EVENT).scalar() or 0

    def commit(self, changes: Sequence[Change], *, fence: Lease | None = None) -> list[Change]:
        """Store `changes` in one transaction; those that were stored.

        Raises `Fenced`, with nothing stored, when the lease `fence` is somebody else's by now.

        A change whose incident has meanwhile been changed by somebody else is left out whole, with
        its event and its notifications: decide it anew. Repeating a stored change stores nothing.
        """
        with self._transactions.write() as connection:
            if fence is not None:
                leases.require(connection, fence)
            records = [change for change in changes if _is_record(change)]
            recorded = _record(connection, records) if records else set()
            return [
                change
                for change in changes
                if (
                    change.incident.id in recorded
                    if _is_record(change)
                    else _store(connection, change)
                )
            ]

    def change(self, incident_id: str, decide: Callable[[Incident], Change | None]) -> Incident:
        """Apply what `decide` makes of the incident as it is now; None leaves it as it is.

        Nobody else can change the incident in between. Raises `NotFound`, and whatever `decide`
        raises, with nothing stored.
        """
        with self._transactions.write() as connection:
            incident = _one(connection, incident_id, lock=True)
            change = decide(incident)
            if change is None:
                return incident
            _store(connection, change)
            return change.incident

    def _all(self, statement: Select[Any], **given: Any) -> list[Incident]:
        with self._transactions.read() as connection:
            return [Incident(**row) for row in connection.execute(statement, given).mappings()]


def _is_record(change: Change) -> bool:
    """Whether it only says that there is an incident, which nobody is told of."""
    quiet = not change.notifications and change.news is None and change.hanging is None
    event = change.event
    return quiet and change.incident.version == 1 and event is not None and not event.who


def _record(connection: Connection, changes: Sequence[Change]) -> set[str]:
    """Store all that are new in a few statements; their ids."""
    rows = [{name: getattr(change.incident, name) for name in _FIELDS} for change in changes]
    stored = insert_all_once(connection, incidents, rows)
    told = [(one.incident.id, one.event) for one in changes if one.incident.id in stored]
    history.record_all(connection, [(name, event) for name, event in told if event is not None])
    return stored


def _store(connection: Connection, change: Change) -> bool:
    incident = change.incident
    if not _put(connection, incident):
        return False
    if change.event is None:
        return True
    history.record(connection, incident.id, change.event)
    if change.escalated is not None:
        history.record(connection, incident.id, change.escalated)
    if change.event.who:
        _audit(connection, incident.id, change.event)
    if change.hanging is not None:
        affected.hang(connection, incident.id, change.hanging, change.event.at)
    _owe(connection, change, change.event.at)
    return True


def _owe(connection: Connection, change: Change, at: datetime) -> None:
    incident = change.incident
    if change.withdraw:
        owing.withdraw(connection, incident.id, change.withdraw, at)
    if change.revive:
        owing.revive(connection, incident.id, incident.episode, at)
    if change.hold is not None:
        owing.hold(connection, incident.id, change.hold)
    if change.news is not None:
        owing.enqueue_news(connection, change.news)
    for notification in change.notifications:
        owing.enqueue(connection, notification)


def _put(connection: Connection, incident: Incident) -> bool:
    row = {name: getattr(incident, name) for name in _FIELDS}
    if incident.version == 1:
        return insert_once(connection, incidents, row)
    decided_on = {"of_id": incident.id, "of_version": incident.version - 1}
    return connection.execute(_UPDATE, row | decided_on).rowcount == 1


def _audit(connection: Connection, incident_id: str, event: IncidentEvent) -> None:
    detail = {"incident": incident_id, **event.detail}
    entry = audit.AuditEntry(
        at=event.at, who=event.who, what=f"incident.{event.what}", detail=detail
    )
    audit.append(connection, entry)


def _one(connection: Connection, incident_id: str, *, lock: bool = False) -> Incident:
    statement = select(incidents).where(incidents.c.id == incident_id)
    found = connection.execute(statement.with_for_update() if lock else statement)
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("incident", incident_id)
    return Incident(**row)


def _of_ids(ids: Select[Any]) -> Select[Any]:
    return select(incidents).where(incidents.c.id.in_(ids))


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _PARAMETERS):
        yield values[start : start + _PARAMETERS]
