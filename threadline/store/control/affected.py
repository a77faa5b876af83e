"""Which cases hang, or hung, on a hop: written in the transaction of their incident."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from threadline.model.incidents import Affected, CaseKey
from threadline.store.control.schema import incident_cases

_ROWS = 500  # per statement


def hang(
    connection: Connection, incident_id: str, cases: Collection[CaseKey], at: datetime
) -> None:
    """From `at` on, `cases` and no others hang on the incident's hop."""
    table = incident_cases
    here = (table.c.incident_id == incident_id) & table.c.left_at.is_(None)
    columns = (table.c.journey, table.c.case_id, table.c.root_id, table.c.id)
    there = {
        CaseKey(*of): number for *of, number in connection.execute(select(*columns).where(here))
    }
    gone = [there[case] for case in sorted(there.keys() - set(cases))]
    for part in (gone[start : start + _ROWS] for start in range(0, len(gone), _ROWS)):
        connection.execute(update(table).where(table.c.id.in_(part)).values(left_at=at))
    fresh = sorted(set(cases) - there.keys())
    rows = [{"incident_id": incident_id, "joined_at": at, **case._asdict()} for case in fresh]
    if rows:
        connection.execute(insert(table), rows)


def read(connection: Connection, incident_id: str, after: int, limit: int) -> list[Affected]:
    """Those that hang first, the ones that joined last before others; then those that have left.

    `after` skips so many.
    """
    table = incident_cases
    found = connection.execute(
        select(table)
        .where(table.c.incident_id == incident_id)
        .order_by(table.c.left_at.is_not(None), table.c.id.desc())
        .offset(after)
        .limit(limit)
    )
    return [spell(row) for row in found]


def spell(row: Row[Any]) -> Affected:
    """From when until when a case belonged to an incident."""
    return Affected(case=key(row), joined_at=row.joined_at, left_at=row.left_at)


def key(row: Row[Any]) -> CaseKey:
    """The case of a row."""
    return CaseKey(row.journey, row.case_id, row.root_id)
