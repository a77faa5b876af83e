"""Silences: made, ended, never removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, func, insert, or_, select, update

from threadline.clock import Clock
from threadline.errors import NotFound
from threadline.model.silences import Matcher, Silence, SilenceState
from threadline.store.control.audit import AuditEntry, append
from threadline.store.control.schema import silences as table
from threadline.store.control.transactions import Transactions


class Silences:
    """The book of silences; making and ending one are in the audit."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    def add(
        self,
        matchers: Sequence[Matcher],
        starts_at: datetime,
        ends_at: datetime,
        *,
        who: str,
        comment: str,
    ) -> Silence:
        """A new silence; whether it makes sense is the caller's to judge."""
        now = self._clock.now()
        row = {
            "matchers": [asdict(matcher) for matcher in matchers],
            "starts_at": starts_at,
            "ends_at": ends_at,
            "who": who,
            "comment": comment,
            "made_at": now,
            "ended_by": "",
        }
        with self._transactions.write() as connection:
            statement = insert(table).values(**row).returning(table)
            made = _silence(connection.execute(statement).mappings().one())
            append(connection, _entry(made, now, who, "silence.created"))
        return made

    def get(self, silence_id: str) -> Silence:
        """The silence of that id; raises `NotFound`."""
        with self._transactions.read() as connection:
            found = connection.execute(select(table).where(_named(silence_id))).mappings()
            return _found(found.one_or_none(), silence_id)

    def end(self, silence_id: str, *, who: str) -> Silence:
        """End it now; one that is over stays as it is. Raises `NotFound`."""
        now = self._clock.now()
        mine = _named(silence_id)
        with self._transactions.write() as connection:
            found = connection.execute(select(table).where(mine).with_for_update()).mappings()
            silence = _found(found.one_or_none(), silence_id)
            if silence.state(now) == "expired":
                return silence
            ending = update(table).where(mine).values(ended_at=now, ended_by=who)
            ended = _silence(connection.execute(ending.returning(table)).mappings().one())
            append(connection, _entry(ended, now, who, "silence.ended"))
        return ended

    def standing(self, at: datetime) -> list[Silence]:
        """Those that hold at `at` or later, as far as is known now; the oldest first."""
        here = or_(_state("active", at), _state("pending", at))
        statement = select(table).where(here).order_by(table.c.id)
        with self._transactions.read() as connection:
            return [_silence(row) for row in connection.execute(statement).mappings()]

    def changes(self) -> int:
        """How often one was made or ended before its time: it grows with every change."""
        with self._transactions.read() as connection:
            made, ended = connection.execute(_CHANGES).one()
        return int(made) + int(ended)

    def latest(
        self,
        limit: int,
        at: datetime,
        *,
        states: Collection[SilenceState] = (),
        before: int | None = None,
    ) -> list[Silence]:
        """The last made, the newest first, of those in `states` at `at` (none named: all)."""
        statement = select(table).order_by(table.c.id.desc()).limit(limit)
        if states:
            statement = statement.where(or_(*(_state(state, at) for state in states)))
        if before is not None:
            statement = statement.where(table.c.id < before)
        with self._transactions.read() as connection:
            return [_silence(row) for row in connection.execute(statement).mappings()]


_CHANGES = select(func.count(table.c.id), func.count(table.c.ended_at))


def _named(silence_id: str) -> ColumnElement[bool]:
    # Longer numbers are none of ours, and more than either database counts to.
    known = silence_id.isascii() and silence_id.isdigit() and len(silence_id) < 19
    return table.c.id == (int(silence_id) if known else -1)


def _state(state: SilenceState, at: datetime) -> ColumnElement[bool]:
    """As `Silence.state` says it."""
    over = or_(table.c.ends_at <= at, table.c.ended_at <= at, table.c.ended_at <= table.c.starts_at)
    whole = or_(table.c.ended_at.is_(None), table.c.ended_at > at)
    lasts = and_(table.c.ends_at > at, whole)
    if state == "expired":
        return over
    begun = table.c.starts_at <= at
    if state == "active":
        return and_(begun, lasts)
    begins = or_(table.c.ended_at.is_(None), table.c.ended_at > table.c.starts_at)
    return and_(table.c.starts_at > at, lasts, begins)


def _found(row: RowMapping | None, silence_id: str) -> Silence:
    if row is None:
        raise NotFound("silence", silence_id)
    return _silence(row)


def _silence(row: RowMapping) -> Silence:
    matchers: Sequence[Mapping[str, Any]] = row["matchers"]
    told = {name: value for name, value in row.items() if name not in ("id", "matchers")}
    return Silence(id=str(row["id"]), matchers=tuple(Matcher(**one) for one in matchers), **told)


def _entry(silence: Silence, at: datetime, who: str, what: str) -> AuditEntry:
    detail = {
        "silence": silence.id,
        "matchers": [str(matcher) for matcher in silence.matchers],
        "starts_at": silence.starts_at.isoformat(),
        "ends_at": silence.ends_at.isoformat(),
        "comment": silence.comment,
    }
    return AuditEntry(at=at, who=who, what=what, detail=detail)
