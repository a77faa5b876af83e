"""Whose data were erased: append only, told without the identifiers."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, insert, select, text, update

from threadline.clock import Clock
from threadline.model.erasures import Erasure
from threadline.store.control.audit import AuditEntry, append
from threadline.store.control.schema import (
    erasures,
    incident_events,
    incidents,
    outbox,
    rota_overrides,
    silences,
)
from threadline.store.control.transactions import Transactions

# Where words of senders and people stand. Audit and rulings are not among them: they say who did or
# decided what, why, and the database refuses to change them.
_WORDS: Mapping[Table, Sequence[str]] = {
    incidents: ("error", "reason", "said", "assignee"),
    incident_events: ("detail",),
    outbox: ("payload", "failure"),
    silences: ("matchers", "comment"),
    rota_overrides: ("why",),
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
                found = connection.execute(select(table.c.id, *(table.c[one] for one in columns)))
                changed = [
                    (row["id"], become)
                    for row in found.mappings()
                    if (become := {name: _cleared(row[name], clear) for name in columns})
                    != {name: row[name] for name in columns}
                ]
                if changed:
                    with _changeable(connection, table):
                        for number, become in changed:
                            mine = table.c.id == number
                            connection.execute(update(table).where(mine).values(**become))
        self._transactions.overwrite()

    def _record(
        self, connection: Connection, who: str, what: str, one: Erasure, **more: int
    ) -> None:
        detail = {"pseudonym": one.pseudonym, "reason": one.reason, **more}
        entry = AuditEntry(at=self._clock.now(), who=who, what=what, detail=detail)
        append(connection, entry)


@contextmanager
def _changeable(connection: Connection, table: Table) -> Iterator[None]:
    """Histories are append only in the database: not within this transaction, for this purpose."""
    if table is not incident_events:
        yield
    elif connection.dialect.name == "postgresql":
        trigger = f"ALTER TABLE {table.name} {{}} TRIGGER {table.name}_append_only"
        connection.execute(text(trigger.format("DISABLE")))
        yield
        connection.execute(text(trigger.format("ENABLE")))
    else:
        name = f"{table.name}_no_update"
        asked = text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = :name")
        made = connection.execute(asked, {"name": name}).scalar_one()
        connection.execute(text(f"DROP TRIGGER {name}"))
        yield
        connection.execute(text(made))


def _cleared(value: Any, clear: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clear(value)
    return json.loads(clear(json.dumps(value, ensure_ascii=False)))


def _erasure(row: RowMapping) -> Erasure:
    told = {**row, "number": row["id"], "fingerprint": int(row["fingerprint"], 16)}
    del told["id"]
    return Erasure(**told)
