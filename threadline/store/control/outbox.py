"""The outbox: notifications that are owed, claimed by lease, delivered at least once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from threadline.model.incidents import IncidentEvent, Notification
from threadline.store.control import history
from threadline.store.control.schema import outbox
from threadline.store.control.transactions import Transactions, insert_once


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A notification that its claimer alone may deliver until `lease_until`.

    `attempt` counts from 1; `owed_since` is when it was first due.
    """

    id: int
    notification: Notification
    attempt: int
    owed_since: datetime
    lease_until: datetime
    owner: str


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How the notification with this outbox `id` stands."""

    id: int
    notification: Notification
    attempts: int
    delivered_at: datetime | None
    failed_at: datetime | None
    failure: str


class Outbox:
    """Claims and settles what `Incidents.commit` stored.

    Every attempt is also appended to the history of its incident: that is the delivery log.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def claim(
        self,
        now: datetime,
        *,
        owner: str,
        lease_until: datetime,
        excluding: Collection[str] = (),
    ) -> Claim | None:
        """The notification due the longest at `now`, or None when none is free.

        `excluding` names receivers left alone. A claim that is not settled by `lease_until` (its
        worker died) is free again: a crash delays, never loses.
        """
        statement = (
            select(outbox)
            .where(_free(now, excluding))
            .order_by(outbox.c.due_at, outbox.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with self._transactions.write() as connection:
            row = connection.execute(statement).one_or_none()
            if row is None:
                return None
            leased = {
                "lease_until": lease_until,
                "lease_owner": owner,
                "attempts": row.attempts + 1,
            }
            connection.execute(update(outbox).where(outbox.c.id == row.id).values(leased))
        return Claim(
            id=row.id,
            notification=_notification(row),
            attempt=row.attempts + 1,
            owed_since=row.owed_at,
            lease_until=lease_until,
            owner=owner,
        )

    def delivered(self, claim: Claim, at: datetime) -> bool:
        """Settle `claim` as delivered; False when its lease was lost to another worker."""
        return self._settle(claim, at, "notified", "", delivered_at=at, failed_at=None)

    def retry(self, claim: Claim, at: datetime, reason: str, after: timedelta) -> bool:
        """Free `claim` to be tried again at `at + after`; False when its lease was lost."""
        return self._settle(claim, at, "notification-delayed", reason, due_at=at + after)

    def failed(self, claim: Claim, at: datetime, reason: str) -> bool:
        """Give `claim` up for good; False when its lease was lost to another worker."""
        return self._settle(claim, at, "notification-failed", reason, failed_at=at)

    def of(self, incident_id: str) -> list[Delivery]:
        """How all notifications of an incident stand, in the order they were stored."""
        statement = select(outbox).where(outbox.c.incident_id == incident_id).order_by(outbox.c.id)
        with self._transactions.read() as connection:
            return [
                Delivery(
                    id=row.id,
                    notification=_notification(row),
                    attempts=row.attempts,
                    delivered_at=row.delivered_at,
                    failed_at=row.failed_at,
                    failure=row.failure,
                )
                for row in connection.execute(statement)
            ]

    def _settle(self, claim: Claim, at: datetime, what: str, reason: str, **values: Any) -> bool:
        ours = and_(
            outbox.c.id == claim.id,
            outbox.c.lease_owner == claim.owner,
            outbox.c.attempts == claim.attempt,
        )
        settled = {"lease_until": None, "lease_owner": "", "failure": reason, **values}
        with self._transactions.write() as connection:
            kept = connection.execute(update(outbox).where(ours).values(settled)).rowcount == 1
            if kept:
                history.record(
                    connection, claim.notification.incident_id, _attempt(claim, at, what, reason)
                )
        return kept


def enqueue(connection: Connection, notification: Notification) -> None:
    """Owe `notification` in the caller's transaction; once, however often it is asked for."""
    row = {
        "incident_id": notification.incident_id,
        "episode": notification.episode,
        "step": notification.step,
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


def withdraw(connection: Connection, incident_id: str, reason: str, at: datetime) -> None:
    """Stop owing what the incident's receivers have not been told yet."""
    waiting = and_(outbox.c.incident_id == incident_id, _owed())
    connection.execute(update(outbox).where(waiting).values(failed_at=at, failure=reason))


def _owed() -> ColumnElement[bool]:
    return and_(outbox.c.delivered_at.is_(None), outbox.c.failed_at.is_(None))


def _free(now: datetime, excluding: Collection[str]) -> ColumnElement[bool]:
    unleased = or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= now)
    free = and_(_owed(), outbox.c.due_at <= now, unleased)
    return and_(free, outbox.c.receiver.not_in(sorted(excluding))) if excluding else free


def _notification(row: Any) -> Notification:
    return Notification(
        incident_id=row.incident_id,
        episode=row.episode,
        step=row.step,
        receiver=row.receiver,
        reason=row.reason,
        due_at=row.due_at,
        payload=row.payload,
    )


def _attempt(claim: Claim, at: datetime, what: str, reason: str) -> IncidentEvent:
    notification = claim.notification
    detail = {
        "receiver": notification.receiver,
        "step": notification.step,
        "reason": reason or notification.reason,
        "attempt": claim.attempt,
    }
    return IncidentEvent(at=at, what=what, detail=detail)
