"""Monthly closes: append only, and the only place where a published figure outlives its index."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Connection, Row, delete, insert, select

from threadline.clock import Clock
from threadline.errors import NotFound, ThreadlineError
from threadline.model.closes import Close, ClosedFigure, ClosedKpi
from threadline.model.kpis import Counted, Direction, Window
from threadline.store.control.audit import AuditEntry, append
from threadline.store.control.schema import close_kpis, closes
from threadline.store.control.transactions import Transactions

_AMOUNTS = ("value", "target", "low", "high")
_ABOUT = [
    *(column for column in close_kpis.columns if column.name != "population"),
    close_kpis.c.population.is_not(None).label("kept"),
]


class AlreadyClosed(ThreadlineError):
    """The period has a close; another one has to be asked for."""

    def __init__(self, close: Close) -> None:
        self.close = close
        super().__init__(
            f"{close.period} was closed by {close.who} on {close.taken_at:%Y-%m-%d %H:%M} UTC, from"
            f" what was known on {close.at:%Y-%m-%d %H:%M} UTC"
        )


class Closes:
    """Append-only store of closes. A close is never changed; closing again adds a revision."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    def take(self, close: Close, kpis: Sequence[ClosedKpi], *, again: bool = False) -> Close:
        """Freeze `kpis`; the close with its number, revision and digest.

        Of several that close a period at once, one does; the others, as anybody who does not say
        `again`, get `AlreadyClosed`.
        """
        digest = _digest(close, kpis)
        with self._transactions.write(alone="closes") as connection:
            last = _last(connection, close.period)
            if last and not again:
                raise AlreadyClosed(last)
            revision = last.revision + 1 if last else 1
            taken = replace(close, revision=revision, digest=digest)
            statement = insert(closes).values(**_row(taken)).returning(closes.c.id)
            number = connection.execute(statement).scalar_one()
            for kpi in kpis:
                connection.execute(insert(close_kpis), _kpi_row(number, kpi))
            told = {"period": close.period, "revision": revision, "digest": digest}
            detail = told | {"at": close.at.isoformat(), "note": close.note}
            entry = AuditEntry(at=close.taken_at, who=close.who, what="close.taken", detail=detail)
            append(connection, entry)
        return replace(taken, number=number)

    def end(self, until: datetime, *, who: str) -> int:
        """Delete the closes taken until then, each whole; how many."""
        old = closes.c.taken_at <= until
        with self._transactions.write() as connection:
            asked = select(closes.c.id, closes.c.period, closes.c.revision, closes.c.digest)
            found = connection.execute(asked.where(old).order_by(closes.c.id)).all()
            for row in found:
                connection.execute(delete(close_kpis).where(close_kpis.c.close_id == row.id))
                connection.execute(delete(closes).where(closes.c.id == row.id))
                detail = {"period": row.period, "revision": row.revision, "digest": row.digest}
                now = self._clock.now()
                append(connection, AuditEntry(at=now, who=who, what="close.ended", detail=detail))
        return len(found)

    def latest(self, limit: int, before: int | None = None) -> list[Close]:
        """The last taken, the newest first, of those with a number below `before`."""
        statement = select(closes).order_by(closes.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(closes.c.id < before)
        with self._transactions.read() as connection:
            return [_close(row) for row in connection.execute(statement)]

    def of(self, period: str) -> list[Close]:
        """Every revision of the period's close, the first first; empty if it was never closed."""
        statement = select(closes).where(closes.c.period == period).order_by(closes.c.revision)
        with self._transactions.read() as connection:
            return [_close(row) for row in connection.execute(statement)]

    def get(self, period: str, revision: int | None = None) -> Close:
        """That revision of the period's close, by default the last; raises `NotFound`."""
        found = [one for one in self.of(period) if revision in (None, one.revision)]
        if not found:
            name = period if revision is None else f"{period} revision {revision}"
            raise NotFound("close", name)
        return found[-1]

    def kpis(self, number: int) -> list[ClosedKpi]:
        """The KPIs of the close of that number, as they were evaluated, without populations."""
        statement = select(*_ABOUT).where(close_kpis.c.close_id == number).order_by(close_kpis.c.id)
        with self._transactions.read() as connection:
            return [_kpi(row) for row in connection.execute(statement)]

    def population(self, number: int, kpi: str) -> bytes | None:
        """What the KPI was computed from, packed; None where it was too much to keep.

        Raises `NotFound` where the close has no such KPI.
        """
        mine = (close_kpis.c.close_id == number, close_kpis.c.kpi == kpi)
        with self._transactions.read() as connection:
            found = connection.execute(select(close_kpis.c.population).where(*mine)).one_or_none()
        if found is None:
            raise NotFound("closed KPI", kpi)
        return cast("bytes | None", found.population)


def _last(connection: Connection, period: str) -> Close | None:
    statement = select(closes).where(closes.c.period == period)
    newest = statement.order_by(closes.c.revision.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return _close(row) if row else None


def _digest(close: Close, kpis: Sequence[ClosedKpi]) -> str:
    """SHA-256 over what is frozen, canonical; populations by their own."""
    told = _row(close) | {"revision": None, "digest": None, "taken_at": None}
    frozen = [
        _kpi_row(0, kpi) | {"population": hashlib.sha256(kpi.population or b"").hexdigest()}
        for kpi in kpis
    ]
    content = json.dumps([told, frozen], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def _row(close: Close) -> dict[str, Any]:
    return {
        "period": close.period,
        "revision": close.revision,
        "starts_at": close.window.start,
        "ends_at": close.window.end,
        "zone": close.zone,
        "at": close.at,
        "taken_at": close.taken_at,
        "who": close.who,
        "note": close.note,
        "silent": list(close.silent),
        "silent_before": list(close.silent_before),
        "digest": close.digest,
    }


def _close(row: Row[Any]) -> Close:
    return Close(
        number=row.id,
        period=row.period,
        revision=row.revision,
        window=Window(start=row.starts_at, end=row.ends_at),
        zone=row.zone,
        at=row.at,
        taken_at=row.taken_at,
        who=row.who,
        note=row.note,
        silent=tuple(row.silent),
        silent_before=tuple(row.silent_before),
        digest=row.digest,
    )


def _kpi_row(number: int, kpi: ClosedKpi) -> dict[str, Any]:
    return {
        "close_id": number,
        "kpi": kpi.kpi,
        "title": kpi.title,
        "business": kpi.business,
        "direction": kpi.direction,
        "counts": kpi.counts,
        "digest": kpi.digest,
        "now": kpi.now,
        "figures": [_told(figure) for figure in kpi.figures],
        "rows": kpi.rows,
        "population": kpi.population,
    }


def _kpi(row: Row[Any]) -> ClosedKpi:
    return ClosedKpi(
        kpi=row.kpi,
        title=row.title,
        business=row.business,
        direction=cast("Direction", row.direction),
        counts=cast("Counted", row.counts),
        digest=row.digest,
        now=row.now,
        figures=tuple(_figure(told) for told in row.figures),
        rows=row.rows,
        population=None,
        kept=bool(row.kept),
    )


def _told(figure: ClosedFigure) -> dict[str, Any]:
    told = asdict(figure)
    return told | {name: _text(told[name]) for name in _AMOUNTS}


def _figure(told: Mapping[str, Any]) -> ClosedFigure:
    amounts = {name: _amount(told[name]) for name in _AMOUNTS}
    return ClosedFigure(**{**told, **amounts})


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
