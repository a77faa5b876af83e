"""Whose data were erased: append only, told without the identifiers."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, insert, select, update

from threadline.clock import Clock
from threadline.model.erasures import Erasure
from threadline.store.control.audit import AuditEntry, append
from threadline.store.control.schema import (
    erasures,
    incident_events,
    incidents,
    outbox,
    rulings,
)
from threadline.store.control.transactions import Transactions

# Where words of senders and people stand. The audit is not among them: it says who did what, and a
# record that is changed breaks its chain.
_WORDS: Mapping[Table, Sequence[str]] = {
    incidents: ("error", "reason", "assignee"),
    incident_events: ("detail",),
    outbox: ("payload", "failure"),
    rulings: ("why",),
}


class Erasures:
    """The book of erasures; what began and what was done is in the audit."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    def all(self) -> list[Erasure]:
        """Every erasure there ever was, the oldest first."""
        with self._transactions.read() as connection:
            rows = connection.execute(select(erasures).order_by(erasures.c.id)).mappings()
            return [_erasure(row) for row in rows]

    def begin(self, new: Collection[Erasure]) -> None:
        """Store erasures, still to be applied; their numbers are given here."""
        with self._transactions.write() as connection:
            for one in new:
                row = asdict(one) | {"fingerprint": f"{one.fingerprint:016x}"}
                del row["number"]
                connection.execute(insert(erasures), row)
                self._record(connection, one.who, "erasure.begun", one)

    def applied(self, done: Collection[Erasure], *, entries: int, values: int) -> None:
        """Note that nothing kept names these any more; `entries` did until now, in `values`.

        Where a crash came between, earlier counts were higher, and stand.
        """
        with self._transactions.write() as connection:
            for one in done:
                counts = {
                    "entries": max(one.entries, entries),
                    "values": max(one.values, values),
                }
                changed = {"applied_at": self._clock.now(), **counts}
                mine = erasures.c.pseudonym == one.pseudonym
                connection.execute(update(erasures).where(mine).values(**changed))
                self._record(connection, one.who, "erasure.applied", one, **counts)

    def forget(self, clear: Callable[[str], str]) -> None:
        """Pass every text of this store through `clear`, and overwrite what it was before."""
        with self._transactions.write(alone="erasures") as connection:
            for table, columns in _WORDS.items():
                for row in connection.execute(select(table)).mappings().all():
                    was = {name: row[name] for name in columns}
                    become = {name: _cleared(value, clear) for name, value in was.items()}
                    if become != was:
                        mine = table.c.id == row["id"]
                        connection.execute(update(table).where(mine).values(**become))
        self._transactions.overwrite()

    def _record(
        self, connection: Connection, who: str, what: str, one: Erasure, **more: int
    ) -> None:
        detail = {"pseudonym": one.pseudonym, "reason": one.reason, **more}
        entry = AuditEntry(at=self._clock.now(), who=who, what=what, detail=detail)
        append(connection, entry)


def _cleared(value: Any, clear: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clear(value)
    return json.loads(clear(json.dumps(value, ensure_ascii=False)))


def _erasure(row: RowMapping) -> Erasure:
    told = {**row, "number": row["id"], "fingerprint": int(row["fingerprint"], 16)}
    del told["id"]
    return Erasure(**told)
