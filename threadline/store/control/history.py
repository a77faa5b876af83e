"""The history of incidents: append only, written in the transaction of what it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from threadline.model.incidents import IncidentEvent
from threadline.store.control.schema import incident_events


def record(connection: Connection, incident_id: str, event: IncidentEvent) -> None:
    """Append `event` to the incident's history."""
    record_all(connection, [(incident_id, event)])


def record_all(connection: Connection, events: Sequence[tuple[str, IncidentEvent]]) -> None:
    """Append each event to the history of the incident named beside it."""
    rows = [
        {
            "incident_id": incident_id,
            "at": event.at,
            "what": event.what,
            "who": event.who,
            "detail": dict(event.detail),
        }
        for incident_id, event in events
    ]
    if rows:
        connection.execute(insert(incident_events), rows)


def read(connection: Connection, incident_id: str) -> list[IncidentEvent]:
    """All that happened to the incident, in the order it was stored."""
    ours = incident_events.c.incident_id == incident_id
    statement = select(incident_events).where(ours).order_by(incident_events.c.id)
    return [_event(row) for row in connection.execute(statement)]


def _event(row: Row[Any]) -> IncidentEvent:
    return IncidentEvent(at=row.at, what=row.what, who=row.who, detail=row.detail)
