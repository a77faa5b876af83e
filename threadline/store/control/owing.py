"""What an incident's receivers are owed: written in the transaction of the incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, or_, select, update

from threadline.model.incidents import Notification
from threadline.store.control.schema import outbox
from threadline.store.control.transactions import insert_once


def enqueue(connection: Connection, notification: Notification) -> None:
    """Owe `notification` in the caller's transaction; once, however often it is asked for."""
    row = {
        "incident_id": notification.incident_id,
        "episode": notification.episode,
        "kind": notification.kind,
        "step": notification.step,
        "turn": notification.turn,
        "receiver": notification.receiver,
        "reason": notification.reason,
        "payload": dict(notification.payload),
        "owed_at": notification.due_at,
        "due_at": notification.due_at,
        "attempts": 0,
        "lease_owner": "",
        "failure": "",
    }
    insert_once(connection, outbox, row)


def enqueue_news(connection: Connection, news: Notification) -> None:
    """Owe `news` to every receiver that was told of the incident and not yet that it is over.

    Whoever may have been told counts: an attempt that is under way, was never settled, or was
    doubtful. That it is back is news to those alone who heard that it was over; who may not have
    heard that is told either way.
    """
    heard: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(_HEARD, {"of": news.incident_id}):
        heard.setdefault(row.receiver, []).append(row)
    is_back = news.reason == "returned"
    for receiver, rows in sorted(heard.items()):
        last = rows[-1]
        wanted = last.kind == "resolved" if is_back else not last.over
        if wanted and any(row.kind != "resolved" for row in rows):
            enqueue(connection, replace(news, receiver=receiver))


def withdraw(connection: Connection, incident_id: str, reason: str, at: datetime) -> None:
    """Stop owing what the incident's receivers have not been told yet."""
    withdrawn = {"failed_at": at, "failure": reason}
    connection.execute(_WAITING, {"of": incident_id, **withdrawn})


def revive(connection: Connection, incident_id: str, episode: int, at: datetime) -> None:
    """Owe again what was withdrawn of this episode for a reason that has gone."""
    withdrawn = and_(
        outbox.c.incident_id == incident_id,
        outbox.c.episode == episode,
        outbox.c.kind == "page",
        outbox.c.delivered_at.is_(None),
        outbox.c.failure.in_(("resolved", "part-of")),
    )
    again = {"failed_at": None, "failure": "", "due_at": at, "owed_at": at}
    connection.execute(update(outbox).where(withdrawn).values(again))


def hold(connection: Connection, incident_id: str, until: datetime) -> None:
    """What waits to be told of the incident is due at `until`, as if it were first owed then."""
    connection.execute(_WAITING, {"of": incident_id, "due_at": until, "owed_at": until})


def owed() -> ColumnElement[bool]:
    """Whether it is neither delivered nor given up."""
    return and_(outbox.c.delivered_at.is_(None), outbox.c.failed_at.is_(None))


def _over() -> ColumnElement[bool]:
    """Whether it says that something is over, and has arrived or is going to."""
    comes = or_(outbox.c.delivered_at.is_not(None), outbox.c.failed_at.is_(None))
    return and_(outbox.c.kind == "resolved", comes)


def _told() -> ColumnElement[bool]:
    """Whether it arrived or may have; that something is over counts as soon as it is owed."""
    tried = outbox.c.lease_until.is_not(None)  # it is under way, or its worker died on the way
    return or_(outbox.c.delivered_at.is_not(None), tried, outbox.c.doubtful, _over())


# What every turn asks is put together once.
_OF_INCIDENT = outbox.c.incident_id == bindparam("of")
_HEARD = (
    select(outbox.c.receiver, outbox.c.kind, _over().label("over"))
    .where(_OF_INCIDENT, _told())
    .order_by(outbox.c.id)
)
_WAITING = update(outbox).where(_OF_INCIDENT, owed())
