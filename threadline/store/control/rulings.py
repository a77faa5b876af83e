"""What people decided about ties between identifiers: append only, inputs like any other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import Row, insert, select

from threadline.clock import Clock
from threadline.model.identifiers import Identifier
from threadline.store.control.audit import AuditEntry, append
from threadline.store.control.schema import rulings
from threadline.store.control.transactions import Transactions

Act = Literal["assert", "retract"]


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """`who` decided at `at`, because of `why`, that a link of `kind` holds or does not."""

    kind: str
    child: Identifier
    parent: Identifier
    act: Act
    who: str
    at: datetime
    why: str


class Rulings:
    """Append-only store of rulings."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    def rule(
        self, act: Act, kind: str, child: Identifier, parent: Identifier, *, who: str, why: str
    ) -> Ruling:
        """Record a ruling now; a later one on the same pair overrides it, none is ever removed."""
        ruling = Ruling(
            kind=kind,
            child=child,
            parent=parent,
            act=act,
            who=who,
            at=self._clock.now(),
            why=why,
        )
        row = {
            "kind": kind,
            "child": str(child),
            "parent": str(parent),
            "act": act,
            "who": who,
            "at": ruling.at,
            "why": why,
        }
        detail = {name: row[name] for name in ("kind", "child", "parent", "why")}
        with self._transactions.write() as connection:
            connection.execute(insert(rulings), row)
            append(
                connection,
                AuditEntry(at=ruling.at, who=who, what=f"link.{act}ed", detail=detail),
            )
        return ruling

    def received_by(self, at: datetime) -> list[Ruling]:
        """All rulings made up to and including `at`, in the order they were made."""
        statement = select(rulings).where(rulings.c.at <= at).order_by(rulings.c.at, rulings.c.id)
        with self._transactions.read() as connection:
            return [_ruling(row) for row in connection.execute(statement)]


def _ruling(row: Row[Any]) -> Ruling:
    return Ruling(
        kind=row.kind,
        child=Identifier.parse(row.child),
        parent=Identifier.parse(row.parent),
        act=cast("Act", row.act),
        who=row.who,
        at=row.at,
        why=row.why,
    )
