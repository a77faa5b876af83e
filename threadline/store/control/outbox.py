"""The outbox: notifications that are owed, claimed by lease, delivered at least once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    distinct,
    exists,
    func,
    or_,
    select,
    update,
)

from threadline.model.incidents import IncidentEvent, Notification
from threadline.store.control import deliveries, history
from threadline.store.control.deliveries import Delivery, Receiving
from threadline.store.control.owing import enqueue, owed
from threadline.store.control.schema import outbox
from threadline.store.control.transactions import Transactions

_PARAMETERS = 1_000  # in one statement


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A notification that its claimer alone may deliver until `lease_until`.

    `attempt` counts from 1; `owed_since` is when it was first due. `doubtful`: an earlier attempt
    may have arrived.
    """

    id: int
    notification: Notification
    attempt: int
    owed_since: datetime
    lease_until: datetime
    owner: str
    doubtful: bool


@dataclass(frozen=True, kw_only=True)
class Queue:
    """How many notifications a receiver can be told now, the oldest due since `due_at`."""

    receiver: str
    waiting: int
    due_at: datetime


class Outbox:
    """Claims and settles what `Incidents.commit` stored.

    Every attempt is also appended to the history of its incident: that is the delivery log.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def queues(self, now: datetime) -> list[Queue]:
        """The receivers that something can be told at `now`, the longest waiting first."""
        with self._transactions.read() as connection:
            return [Queue(**row) for row in connection.execute(_QUEUES, {"now": now}).mappings()]

    def of(self, incident_id: str) -> list[Delivery]:
        """How all notifications of an incident stand, in the order they were stored."""
        with self._transactions.read() as connection:
            return deliveries.of(connection, incident_id)

    def receiving(self, since: datetime) -> list[Receiving]:
        """How each receiver has taken what it was owed `since`, by name; others are left out."""
        with self._transactions.read() as connection:
            return deliveries.receiving(connection, since)

    def sent(self, receiver: str, since: datetime) -> int:
        """How many messages `receiver` has got after `since`; a digest is one message."""
        with self._transactions.read() as connection:
            found = connection.execute(_SENT, {"to": receiver, "since": since})
            return int(found.scalar_one())

    def claim(
        self, now: datetime, *, receiver: str, owner: str, lease_until: datetime, most: int = 1
    ) -> list[Claim]:
        """What `receiver` can be told at `now`, at most so many: pages first, then the oldest.

        A claim that is not settled by `lease_until` (its worker died) is free again: a crash
        delays, never loses. What was told of an incident earlier comes first: news do not overtake
        the page they belong to.
        """
        asked = {"to": receiver, "now": now, "most": most}
        leased = {"lease_until": lease_until, "lease_owner": owner}
        with self._transactions.write() as connection:
            rows = connection.execute(_CLAIMABLE, asked).all()
            for part in _parts([row.id for row in rows]):
                connection.execute(_CLAIM, {"ids": part, **leased})
            references = _references(connection, receiver, {row.incident_id for row in rows})
        return [
            Claim(
                id=row.id,
                notification=replace(
                    deliveries.notification(row), reference=references.get(row.incident_id, "")
                ),
                attempt=row.attempts + 1,
                owed_since=row.owed_at,
                lease_until=lease_until,
                owner=owner,
                doubtful=row.doubtful or row.lease_until is not None,
            )
            for row in rows
        ]

    def delivered(
        self, claims: Sequence[Claim], at: datetime, *, message: str, reference: str = ""
    ) -> bool:
        """Settle `claims` as delivered in one `message`; False when a lease was lost."""
        values: dict[str, Any] = {"delivered_at": at, "failed_at": None, "message": message}
        return self._settle(claims, at, "notified", "", reference=reference, **values)

    def retry(
        self,
        claims: Sequence[Claim],
        at: datetime,
        reason: str,
        after: timedelta,
        *,
        doubtful: bool = False,
        instead: Collection[str] = (),
    ) -> bool:
        """Free `claims` to be tried again at `at + after`; False when a lease was lost.

        `doubtful`: they may have arrived all the same. The receivers `instead` are owed the same.
        """
        doubt: dict[str, Any] = {"doubtful": True} if doubtful else {}
        what, due = "notification-delayed", at + after
        return self._settle(claims, at, what, reason, instead=instead, due_at=due, **doubt)

    def failed(
        self, claims: Sequence[Claim], at: datetime, reason: str, *, instead: Collection[str] = ()
    ) -> bool:
        """Give `claims` up for good; False when a lease was lost to another worker."""
        what = "notification-failed"
        return self._settle(claims, at, what, reason, instead=instead, failed_at=at)

    def owed_since(self) -> datetime | None:
        """Since when the notification is owed that waits the longest; None: none does."""
        with self._transactions.read() as connection:
            first = select(outbox.c.owed_at).where(owed()).order_by(outbox.c.owed_at).limit(1)
            return connection.execute(first).scalar_one_or_none()

    def _settle(
        self,
        claims: Sequence[Claim],
        at: datetime,
        what: str,
        reason: str,
        *,
        instead: Collection[str] = (),
        **values: Any,
    ) -> bool:
        settled = {"lease_until": None, "lease_owner": "", "failure": reason, **values}
        kept = 0
        with self._transactions.write() as connection:
            for claim in claims:
                settling = _settle_one(connection, claim, settled)
                if settling is None:
                    continue
                kept += 1
                told = claim.notification
                history.record(connection, told.incident_id, _attempt(claim, at, what, reason))
                # News would be strange to whoever has not been told before.
                for receiver in instead if settling == "owed" and told.kind == "page" else ():
                    enqueue(connection, replace(told, receiver=receiver, due_at=at))
        return kept == len(claims)


def _settle_one(
    connection: Connection, claim: Claim, settled: Mapping[str, Any]
) -> Literal["owed", "withdrawn"] | None:
    """Settle one claim; None: its lease was lost. What was withdrawn meanwhile, and has not
    arrived, stays withdrawn for the reason it was.
    """
    ours = {"of": claim.id, "owner": claim.owner, "attempt": claim.attempt}
    row = connection.execute(_CLAIMED, ours).one_or_none()
    if row is None:
        return None
    withdrawn = row.failed_at is not None and "delivered_at" not in settled
    stays = {"failed_at": row.failed_at, "failure": row.failure} if withdrawn else {}
    if "due_at" in settled and row.due_at > settled["due_at"]:
        stays["due_at"] = row.due_at  # a silence has begun meanwhile
    connection.execute(_SETTLE, {**settled, **stays, "of": claim.id})
    return "withdrawn" if withdrawn else "owed"


_BEFORE = outbox.alias("before")
_NOW = bindparam("now", type_=outbox.c.due_at.type)


def _free() -> ColumnElement[bool]:
    before = _BEFORE
    unsettled = and_(before.c.delivered_at.is_(None), before.c.failed_at.is_(None))
    held = before.c.owed_at > _NOW  # by a silence, in which somebody may escalate by hand
    overtakes = exists().where(
        before.c.incident_id == outbox.c.incident_id,
        before.c.receiver == outbox.c.receiver,
        before.c.id < outbox.c.id,
        or_(and_(unsettled, ~held), before.c.lease_until > _NOW),
    )
    unleased = or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= _NOW)
    return and_(owed(), outbox.c.due_at <= _NOW, unleased, ~overtakes)


# What every turn asks is put together once.
_OLDEST = func.min(outbox.c.due_at)
_QUEUES = (
    select(outbox.c.receiver, func.count().label("waiting"), _OLDEST.label("due_at"))
    .where(_free())
    .group_by(outbox.c.receiver)
    .order_by(_OLDEST, outbox.c.receiver)
)
_SENT = select(func.count(distinct(outbox.c.message))).where(
    outbox.c.receiver == bindparam("to"), outbox.c.delivered_at > bindparam("since")
)
_CLAIMABLE = (
    select(outbox)
    .where(outbox.c.receiver == bindparam("to"), _free())
    .order_by(case((outbox.c.kind == "page", 0), else_=1), outbox.c.due_at, outbox.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        lease_until=bindparam("lease_until"),
        lease_owner=bindparam("lease_owner"),
        attempts=outbox.c.attempts + 1,
        # Whoever held it before has not said how it went.
        doubtful=or_(outbox.c.doubtful, outbox.c.lease_until.is_not(None)),
    )
)
_OF = outbox.c.id == bindparam("of")
_CLAIMED = (
    select(outbox.c.failed_at, outbox.c.failure, outbox.c.due_at)
    .where(_OF, outbox.c.lease_owner == bindparam("owner"))
    .where(outbox.c.attempts == bindparam("attempt"))
    .with_for_update()
)
_SETTLE = update(outbox).where(_OF)
_REFERENCES = (
    select(outbox.c.incident_id, outbox.c.reference)
    .where(outbox.c.incident_id.in_(bindparam("of", expanding=True)))
    .where(outbox.c.receiver == bindparam("to"), outbox.c.reference != "")
    .order_by(outbox.c.id)
)


def _references(
    connection: Connection, receiver: str, incident_ids: Collection[str]
) -> dict[str, str]:
    """What `receiver` answered last about each incident, where it said something."""
    found: dict[str, str] = {}
    for part in _parts(sorted(incident_ids)):
        rows = connection.execute(_REFERENCES, {"of": part, "to": receiver})
        found |= {row.incident_id: row.reference for row in rows}
    return found


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _PARAMETERS] for start in range(0, len(values), _PARAMETERS))


def _attempt(claim: Claim, at: datetime, what: str, reason: str) -> IncidentEvent:
    notification = claim.notification
    detail = {
        "receiver": notification.receiver,
        "kind": notification.kind,
        "step": notification.step,
        "reason": reason or notification.reason,
        "attempt": claim.attempt,
    } | ({"repeat": True} if claim.doubtful else {})
    return IncidentEvent(at=at, what=what, detail=detail)
