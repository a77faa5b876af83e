"""Who stands in for whom on a rota: decided, ended, never removed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, and_, insert, or_, select, update

from threadline.clock import Clock
from threadline.errors import NotFound
from threadline.model.duty import Override
from threadline.store.control.audit import AuditEntry, append
from threadline.store.control.schema import rota_overrides as table
from threadline.store.control.transactions import Transactions


class Overrides:
    """The book of overrides; making and ending one are in the audit."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    def add(
        self, rota: str, member: str, starts_at: datetime, ends_at: datetime, *, who: str, why: str
    ) -> Override:
        """A new override; whether there is such a rota and member is the caller's to judge."""
        now = self._clock.now()
        row = {
            "rota": rota,
            "member": member,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "who": who,
            "why": why,
            "made_at": now,
            "ended_by": "",
        }
        with self._transactions.write() as connection:
            statement = insert(table).values(**row).returning(table)
            made = _override(connection.execute(statement).mappings().one())
            append(connection, _entry(made, now, who, "override.made"))
        return made

    def end(self, rota: str, number: int, *, who: str) -> Override:
        """End it now; one that is over stays as it is. Raises `NotFound`."""
        now = self._clock.now()
        mine = and_(table.c.rota == rota, table.c.id == number)
        with self._transactions.write() as connection:
            found = connection.execute(select(table).where(mine).with_for_update()).mappings()
            row = found.one_or_none()
            if row is None:
                raise NotFound(f"override of the rota {rota}", str(number))
            override = _override(row)
            if now >= override.until:
                return override
            ending = update(table).where(mine).values(ended_at=now, ended_by=who)
            ended = _override(connection.execute(ending.returning(table)).mappings().one())
            append(connection, _entry(ended, now, who, "override.ended"))
        return ended

    def since(self, at: datetime) -> list[Override]:
        """Those that count at `at` or later, of every rota, in the order they were decided."""
        statement = select(table).where(_lasts(at)).order_by(table.c.id)
        with self._transactions.read() as connection:
            return [_override(row) for row in connection.execute(statement).mappings()]


def _lasts(at: datetime) -> ColumnElement[bool]:
    over = or_(table.c.ended_at.is_(None), table.c.ended_at > at)
    taken_back = and_(table.c.ended_at.is_not(None), table.c.ended_at <= table.c.starts_at)
    return and_(table.c.ends_at > at, over, ~taken_back)


def _override(row: RowMapping) -> Override:
    told = {name: value for name, value in row.items() if name != "id"}
    return Override(number=row["id"], **told)


def _entry(override: Override, at: datetime, who: str, what: str) -> AuditEntry:
    detail = {
        "override": override.number,
        "rota": override.rota,
        "member": override.member,
        "starts_at": override.starts_at.isoformat(),
        "ends_at": override.ends_at.isoformat(),
        "why": override.why,
    }
    return AuditEntry(at=at, who=who, what=what, detail=detail)
