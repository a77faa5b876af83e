"""Who did what, when: append only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from threadline.store.control.schema import audit
from threadline.store.control.transactions import Transactions


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One act of a person, or of Threadline on its own account (`who` then is `threadline`)."""

    at: datetime
    who: str
    what: str
    detail: Mapping[str, Any]


def append(connection: Connection, entry: AuditEntry) -> None:
    """Record `entry` in the transaction of the act itself: both are stored, or neither."""
    row = {"at": entry.at, "who": entry.who, "what": entry.what, "detail": dict(entry.detail)}
    connection.execute(insert(audit), row)


class Audit:
    """Reads what was recorded."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def latest(self, limit: int = 100) -> list[AuditEntry]:
        """The newest entries, newest first; empty when nothing was recorded."""
        statement = select(audit).order_by(audit.c.id.desc()).limit(limit)
        with self._transactions.read() as connection:
            rows = connection.execute(statement).all()
        return [AuditEntry(at=r.at, who=r.who, what=r.what, detail=r.detail) for r in rows]
