"""How far recurring work has come in time, so that going back in time repeats nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, bindparam, insert, select, update

from threadline.store.control.schema import watermarks
from threadline.store.control.transactions import Transactions, insert_once

_OF = watermarks.c.name == bindparam("of")
_REACHED = select(watermarks.c.at).where(_OF)
_MOVE = update(watermarks).where(_OF)


class Watermarks:
    """One instant per name; but for `exchange` it only moves forward."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def get(self, name: str) -> datetime | None:
        """The instant reached, or None when the work was never done."""
        with self._transactions.read() as connection:
            return connection.execute(_REACHED, {"of": name}).scalar_one_or_none()

    def advance(self, name: str, at: datetime) -> None:
        """Move to `at`; an earlier instant than the one reached changes nothing."""
        with self._transactions.write(alone="watermarks") as connection:
            found = connection.execute(_REACHED, {"of": name}).scalar_one_or_none()
            if found is None:
                connection.execute(insert(watermarks), {"name": name, "at": at})
            elif found < at:
                connection.execute(_MOVE, {"of": name, "at": at})

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
