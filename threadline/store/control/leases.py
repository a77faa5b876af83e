"""Who alone does some work, of several processes over one database; who lost it stores no more.

No two clocks are compared. A holder is taken for dead when whoever wants the lease has seen it
unrenewed for its whole length by its own clock, as leader election in Kubernetes has it: clocks
that disagree take it from nobody. What a holder stores names its lease as a fence, which holds even
when that process stood still for hours between deciding and storing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, select, text, update

from threadline.store.control.errors import Fenced
from threadline.store.control.schema import leases
from threadline.store.control.transactions import Transactions, insert_once

# A process that stops in the midst of a transaction keeps its locks; PostgreSQL ends its session.
_STANDS_STILL = text("SET LOCAL idle_in_transaction_session_timeout = '2s'")


@dataclass(frozen=True, kw_only=True)
class Lease:
    """`holder` alone does the work `name`, until `until` by its own clock unless it renews.

    `token` grows by one at each change of holder.
    """

    name: str
    holder: str
    token: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The lease as somebody who wants it found it, and since when it stands so."""

    token: int
    until: datetime
    since: datetime


_OF = leases.c.name == bindparam("of")
_KNOWN = select(leases).where(_OF).with_for_update()
_TAKE = update(leases).where(_OF)


class Leases:
    """One lease per name, in a row of its own."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._seen: dict[tuple[str, str], _Seen] = {}

    def acquire(self, name: str, holder: str, now: datetime, length: timedelta) -> Lease | None:
        """Take or renew the lease until `now + length`; None while somebody else holds it.

        Ask again and again: a holder that died is known by its lease not being renewed. `holder`
        names one run of one process, never two.
        """
        free = {"name": name, "holder": "", "token": 0, "until": now}
        with self._transactions.write() as connection:
            insert_once(connection, leases, free)
            row = connection.execute(_KNOWN, {"of": name}).one()
            if not self._may(row, holder, now, length):
                return None
            token = row.token + (row.holder != holder)
            lease = Lease(name=name, holder=holder, token=token, until=now + length)
            values = {"holder": holder, "token": token, "until": lease.until}
            connection.execute(_TAKE, {"of": name, **values})
        self._seen.pop((name, holder), None)
        return lease

    def release(self, lease: Lease) -> None:
        """Free `lease` for the next who asks; one that was lost stays whose it is."""
        ours = and_(leases.c.name == lease.name, leases.c.token == lease.token)
        with self._transactions.write() as connection:
            connection.execute(update(leases).where(ours).values(holder=""))

    def current(self, name: str) -> Lease | None:
        """The lease as it stands, whether or not its holder still lives; None: nobody's."""
        statement = select(leases).where(leases.c.name == name, leases.c.holder != "")
        with self._transactions.read() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else Lease(**row._mapping)  # noqa: SLF001

    def _may(self, row: Any, holder: str, now: datetime, length: timedelta) -> bool:
        if row.holder in ("", holder):
            return True
        seen = self._seen.get((row.name, holder))
        same = seen is not None and (seen.token, seen.until) == (row.token, row.until)
        if seen is None or not same or now < seen.since:
            seen = _Seen(token=row.token, until=row.until, since=now)
            self._seen[row.name, holder] = seen
        return now - seen.since >= length


def require(connection: Connection, lease: Lease) -> None:
    """Raise `Fenced` unless `lease` is current, and keep it so until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(_STANDS_STILL)
    ours = and_(leases.c.name == lease.name, leases.c.token == lease.token)
    held = select(leases.c.token).where(ours, leases.c.holder == lease.holder)
    if connection.execute(held.with_for_update(read=True)).one_or_none() is None:
        raise Fenced(lease.name, lease.token)
