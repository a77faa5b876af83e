"""How what is owed has gone: for each incident, and for each receiver."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from threadline.model.incidents import Notification
from threadline.store.control.owing import owed
from threadline.store.control.schema import outbox


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How the notification with this outbox `id` stands."""

    id: int
    notification: Notification
    attempts: int
    delivered_at: datetime | None
    failed_at: datetime | None
    failure: str


# Why alerting takes back what it owed: says nothing of the receiver.
_WITHDRAWN = ("acknowledged", "resolved", "part-of", "superseded", "returned")


@dataclass(frozen=True, kw_only=True)
class Receiving:
    """How a receiver takes what it is owed.

    So many are `waiting`; `failure` is why the last attempt failed, '' when it arrived.
    """

    receiver: str
    delivered_at: datetime | None
    waiting: int
    failure: str


def of(connection: Connection, incident_id: str) -> list[Delivery]:
    """How all notifications of an incident stand, in the order they were stored."""
    statement = select(outbox).where(outbox.c.incident_id == incident_id).order_by(outbox.c.id)
    return [
        Delivery(
            id=row.id,
            notification=notification(row),
            attempts=row.attempts,
            delivered_at=row.delivered_at,
            failed_at=row.failed_at,
            failure=row.failure,
        )
        for row in connection.execute(statement)
    ]


def receiving(connection: Connection, since: datetime) -> list[Receiving]:
    """How each receiver has taken what it was owed `since`, by name; others are left out."""
    recent = outbox.c.owed_at >= since
    tried = and_(outbox.c.attempts > 0, recent, outbox.c.failure.not_in(_WITHDRAWN))
    latest = (
        select(outbox.c.receiver, func.max(outbox.c.id).label("id"))
        .where(tried)
        .group_by(outbox.c.receiver)
        .subquery()
    )
    last = select(outbox.c.receiver, outbox.c.failure)
    waiting = select(outbox.c.receiver, func.count().label("waiting")).where(owed(), recent)
    arrived = func.max(outbox.c.delivered_at).label("at")
    heard = select(outbox.c.receiver, arrived).where(recent)
    counts = connection.execute(waiting.group_by(outbox.c.receiver))
    queued = {row.receiver: row.waiting for row in counts}
    reached = connection.execute(heard.group_by(outbox.c.receiver))
    at = {row.receiver: row.at for row in reached}
    rows = connection.execute(last.join(latest, latest.c.id == outbox.c.id))
    failures = {row.receiver: row.failure for row in rows}
    return [
        Receiving(
            receiver=name,
            delivered_at=at.get(name),
            waiting=queued.get(name, 0),
            failure=failures.get(name, ""),
        )
        for name in sorted(queued.keys() | failures.keys())
    ]


def notification(row: Row[Any]) -> Notification:
    """A row of the outbox as what it owes."""
    return Notification(
        incident_id=row.incident_id,
        episode=row.episode,
        kind=row.kind,
        step=row.step,
        turn=row.turn,
        receiver=row.receiver,
        reason=row.reason,
        due_at=row.due_at,
        payload=row.payload,
    )
