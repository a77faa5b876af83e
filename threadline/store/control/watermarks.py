"""How far recurring work has come in time, so that going back in time repeats nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update

from threadline.store.control.schema import watermarks
from threadline.store.control.transactions import Transactions


class Watermarks:
    """One instant per name; it only moves forward."""

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
