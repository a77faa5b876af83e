"""How far recurring work has come in time, so that going back in time repeats nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, insert, select, update

from threadline.store.control.schema import watermarks
from threadline.store.control.transactions import Transactions, insert_once


class Watermarks:
    """One instant per name; but for `exchange` it only moves forward."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def get(self, name: str) -> datetime | None:
        """The instant reached, or None when the work was never done."""
        with self._transactions.read() as connection:
            return connection.execute(
                select(watermarks.c.at).where(watermarks.c.name == name)
            ).scalar_one_or_none()

    def advance(self, name: str, at: datetime) -> None:
        """Move to `at`; an earlier instant than the one reached changes nothing."""
        with self._transactions.write(alone="watermarks") as connection:
            known = select(watermarks.c.at).where(watermarks.c.name == name)
            found = connection.execute(known).scalar_one_or_none()
            if found is None:
                connection.execute(insert(watermarks), {"name": name, "at": at})
            elif found < at:
                statement = update(watermarks).where(watermarks.c.name == name)
                connection.execute(statement.values(at=at))

    def exchange(self, name: str, before: datetime | None, at: datetime) -> bool:
        """Move from `before` (None: never done) to `at`, whichever is earlier; whether it did.

        It does not where another process has moved it since it was read as `before`.
        """
        with self._transactions.write(alone="watermarks") as connection:
            if before is None:
                return insert_once(connection, watermarks, {"name": name, "at": at})
            ours = and_(watermarks.c.name == name, watermarks.c.at == before)
            moved = connection.execute(update(watermarks).where(ours).values(at=at))
            return moved.rowcount == 1
