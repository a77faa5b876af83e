"""The outbox: notifications that are owed, claimed by lease, delivered at least once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
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
from threadline.store.control import history
from threadline.store.control.schema import outbox
from threadline.store.control.transactions import Transactions, insert_once

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

    def receiving(self, since: datetime) -> list[Receiving]:
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
        waiting = select(outbox.c.receiver, func.count().label("waiting")).where(_owed(), recent)
        arrived = func.max(outbox.c.delivered_at).label("at")
        heard = select(outbox.c.receiver, arrived).where(recent)
        with self._transactions.read() as connection:
            counts = connection.execute(waiting.group_by(outbox.c.receiver))
            queued = {row.receiver: row.waiting for row in counts}
            reached = connection.execute(heard.group_by(outbox.c.receiver))
            at = {row.receiver: row.at for row in reached}
            rows = connection.execute(last.join(latest, latest.c.id == outbox.c.id)).all()
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
                    _notification(row), reference=references.get(row.incident_id, "")
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

    def owed_since(self) -> datetime | None:
        """Since when the notification is owed that waits the longest; None: none does."""
        with self._transactions.read() as connection:
            first = select(outbox.c.owed_at).where(_owed()).order_by(outbox.c.owed_at).limit(1)
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


def _owed() -> ColumnElement[bool]:
    return and_(outbox.c.delivered_at.is_(None), outbox.c.failed_at.is_(None))


def _over() -> ColumnElement[bool]:
    """Whether it says that something is over, and has arrived or is going to."""
    comes = or_(outbox.c.delivered_at.is_not(None), outbox.c.failed_at.is_(None))
    return and_(outbox.c.kind == "resolved", comes)


def _told() -> ColumnElement[bool]:
    """Whether it arrived or may have; that something is over counts as soon as it is owed."""
    tried = outbox.c.lease_until.is_not(None)  # it is under way, or its worker died on the way
    return or_(outbox.c.delivered_at.is_not(None), tried, outbox.c.doubtful, _over())


_BEFORE = outbox.alias("before")
_NOW = bindparam("now", type_=outbox.c.due_at.type)


def _free() -> ColumnElement[bool]:
    before = _BEFORE
    unsettled = and_(before.c.delivered_at.is_(None), before.c.failed_at.is_(None))
    overtakes = exists().where(
        before.c.incident_id == outbox.c.incident_id,
        before.c.receiver == outbox.c.receiver,
        before.c.id < outbox.c.id,
        or_(unsettled, before.c.lease_until > _NOW),
    )
    unleased = or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= _NOW)
    return and_(_owed(), outbox.c.due_at <= _NOW, unleased, ~overtakes)


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
_OF_INCIDENT = outbox.c.incident_id == bindparam("of")
_HEARD = (
    select(outbox.c.receiver, outbox.c.kind, _over().label("over"))
    .where(_OF_INCIDENT, _told())
    .order_by(outbox.c.id)
)
_WAITING = update(outbox).where(_OF_INCIDENT, _owed())
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


def _notification(row: Row[Any]) -> Notification:
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
