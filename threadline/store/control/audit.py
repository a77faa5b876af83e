"""Who did what, when: append only, each record chained to the one before."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from threadline.clock import Clock
from threadline.store.control.chain import record_hash
from threadline.store.control.schema import audit
from threadline.store.control.transactions import Transactions

_READ_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One act of a person, or of Threadline on its own account (`who` then is `threadline`)."""

    at: datetime
    who: str
    what: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class AuditRecord(AuditEntry):
    """An entry as stored: its number grows (with gaps), its hash covers it and `previous`."""

    number: int
    previous: str
    hash: str


def append(connection: Connection, entry: AuditEntry) -> None:
    """Record `entry` in the transaction of the act itself: both are stored, or neither.

    Held until that transaction ends, so that no two records follow the same one: let it be the
    last lock taken.
    """
    if connection.dialect.name != "sqlite":  # whose writers are alone anyway
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('audit', 0))"))
    last = select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)
    previous = connection.execute(last).scalar_one_or_none() or ""
    told = {
        "at": entry.at,
        "who": entry.who,
        "what": entry.what,
        "detail": json.loads(json.dumps(dict(entry.detail))),  # as it will be read
    }
    own = record_hash(previous=previous, **told)
    connection.execute(insert(audit), told | {"previous": previous, "hash": own})


class Audit:
    """Records acts that store nothing else, and reads what was recorded."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    def record(self, who: str, what: str, **detail: Any) -> None:
        """An act of now; durable when this returns."""
        entry = AuditEntry(at=self._clock.now(), who=who, what=what, detail=detail)
        with self._transactions.write() as connection:
            append(connection, entry)

    def after(self, number: int = 0, limit: int = 100) -> list[AuditRecord]:
        """The records that follow `number`, oldest first; empty at the end."""
        statement = select(audit).where(audit.c.id > number).order_by(audit.c.id).limit(limit)
        with self._transactions.read() as connection:
            return [_record(row) for row in connection.execute(statement)]

    def latest(self, limit: int = 100) -> list[AuditRecord]:
        """The newest records, newest first; empty when nothing was recorded."""
        statement = select(audit).order_by(audit.c.id.desc()).limit(limit)
        with self._transactions.read() as connection:
            return [_record(row) for row in connection.execute(statement)]

    def latest_of(self, what: Collection[str], limit: int = 100) -> list[AuditRecord]:
        """The newest records of these acts, newest first."""
        statement = select(audit).where(audit.c.what.in_(sorted(what)))
        with self._transactions.read() as connection:
            found = connection.execute(statement.order_by(audit.c.id.desc()).limit(limit))
            return [_record(row) for row in found]

    def whole(self) -> Iterator[AuditRecord]:
        """Every record, oldest first, read in parts."""
        found = self.after(limit=_READ_AT_ONCE)
        while found:
            yield from found
            found = self.after(found[-1].number, _READ_AT_ONCE)


def _record(row: Row[Any]) -> AuditRecord:
    return AuditRecord(
        number=row.id,
        at=row.at,
        who=row.who,
        what=row.what,
        detail=row.detail,
        previous=row.previous,
        hash=row.hash,
    )
