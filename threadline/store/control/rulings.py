"""What people decided about ties between identifiers: append only, inputs like any other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import Row, Select, insert, or_, select

from threadline.clock import Clock
from threadline.model.identifiers import Identifier
from threadline.store.control.audit import AuditEntry, append
from threadline.store.control.schema import rulings
from threadline.store.control.transactions import Transactions

Act = Literal["assert", "retract", "lift"]
_DONE: Mapping[str, str] = {"assert": "asserted", "retract": "retracted", "lift": "lifted"}


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """`who` decided at `at`, because of `why`, that a link of `kind` holds or does not.

    `lift` leaves it to the evidence again. `number` grows with every ruling.
    """

    number: int
    kind: str
    child: Identifier
    parent: Identifier
    act: Act
    who: str
    at: datetime
    why: str


class Rulings:
    """Append-only store of rulings; with `until` those made by then are all there are."""

    def __init__(
        self, transactions: Transactions, clock: Clock, until: datetime | None = None
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._until = until

    def rule(
        self, act: Act, kind: str, child: Identifier, parent: Identifier, *, who: str, why: str
    ) -> Ruling:
        """Record a ruling now; a later one on the same pair overrides it, none is ever removed."""
        at = self._clock.now()
        said = {"kind": kind, "child": str(child), "parent": str(parent), "why": why}
        entry = AuditEntry(at=at, who=who, what=f"link.{_DONE[act]}", detail=said)
        statement = insert(rulings).values(**said, act=act, who=who, at=at).returning(rulings)
        with self._transactions.write() as connection:
            made = _ruling(connection.execute(statement).one())
            append(connection, entry)
        return made

    def received_by(self, at: datetime) -> list[Ruling]:
        """All rulings made up to and including `at`, in the order they were made."""
        return self._all(select(rulings).where(rulings.c.at <= at))

    def since(self, at: datetime) -> list[Ruling]:
        """All rulings made after `at`, in the order they were made."""
        return self._all(select(rulings).where(rulings.c.at > at))

    def after(self, number: int) -> list[Ruling]:
        """All rulings with a greater number, in the order they were made."""
        return self._all(select(rulings).where(rulings.c.id > number))

    def up_to(self, number: int) -> list[Ruling]:
        """All rulings up to and including that number, in the order they were made."""
        return self._all(select(rulings).where(rulings.c.id <= number))

    def about(self, identifiers: Collection[str]) -> list[Ruling]:
        """All rulings on pairs that have one of `identifiers` at an end."""
        ends = or_(rulings.c.child.in_(identifiers), rulings.c.parent.in_(identifiers))
        return self._all(select(rulings).where(ends))

    def about_pairs(self) -> set[tuple[str, str, str]]:
        """Every pair (kind, child, parent) that anybody has ever ruled on."""
        pairs = select(rulings.c.kind, rulings.c.child, rulings.c.parent).distinct()
        with self._transactions.read() as connection:
            found = connection.execute(self._made(pairs))
            return {(row.kind, row.child, row.parent) for row in found}

    def latest(self, limit: int, before: int | None = None) -> list[Ruling]:
        """The last rulings, the newest first, of those with a number below `before`."""
        statement = select(rulings).order_by(rulings.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(rulings.c.id < before)
        with self._transactions.read() as connection:
            return [_ruling(row) for row in connection.execute(self._made(statement))]

    def _all(self, statement: Select[Any]) -> list[Ruling]:
        with self._transactions.read() as connection:
            found = connection.execute(self._made(statement).order_by(rulings.c.id))
            return [_ruling(row) for row in found]

    def _made(self, statement: Select[Any]) -> Select[Any]:
        """Of the rulings asked for those made by `until`."""
        return statement if self._until is None else statement.where(rulings.c.at <= self._until)


def _ruling(row: Row[Any]) -> Ruling:
    return Ruling(
        number=row.id,
        kind=row.kind,
        child=Identifier.parse(row.child),
        parent=Identifier.parse(row.parent),
        act=cast("Act", row.act),
        who=row.who,
        at=row.at,
        why=row.why,
    )
