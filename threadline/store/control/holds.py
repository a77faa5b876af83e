"""Since when what a rule watches is beyond its bound, though nobody is told yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, insert, select

from threadline.store.control import leases
from threadline.store.control.leases import Lease
from threadline.store.control.schema import holds
from threadline.store.control.transactions import Transactions


class Holds:
    """One instant per promise, so that a restart does not begin to count anew."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def all(self) -> dict[str, datetime]:
        """Since when each has stood; those that do not are absent."""
        with self._transactions.read() as connection:
            return {row.promise: row.since for row in connection.execute(select(holds))}

    def note(self, changes: Mapping[str, datetime | None], *, fence: Lease | None = None) -> None:
        """Since when these stand; None: not any more. Repeating it changes nothing.

        Raises `Fenced`, with nothing stored, when the lease `fence` is somebody else's by now.
        """
        rows = [{"promise": name, "since": at} for name, at in changes.items() if at is not None]
        with self._transactions.write() as connection:
            if fence is not None:
                leases.require(connection, fence)
            connection.execute(delete(holds).where(holds.c.promise.in_(sorted(changes))))
            if rows:
                connection.execute(insert(holds), rows)
