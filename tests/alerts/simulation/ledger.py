"""What was stored and what arrived, in the order of ticks: all that the rules go by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulation.machine import Database
from threadline.clock import FixedClock

_INCIDENT = (
    *("id", "version", "case_id", "root_id", "promise", "criticality", "severity", "state"),
    *("reason", "policy", "rule", "step", "system", "part_of", "acknowledged_by", "episode"),
    *("cases", "breached", "worth", "value", "currency", "deadline", "since", "resolved_at"),
    *("acknowledged_at", "escalate_at", "told_cases"),
)
_INSTANTS = ("deadline", "since", "resolved_at", "acknowledged_at", "escalate_at")
_OWED = ("id", "incident_id", "episode", "kind", "step", "turn", "receiver", "reason", "owed_at")


@dataclass(frozen=True, kw_only=True)
class Version:
    """An incident as it was stored at `tick`; who decided so may have stood still since."""

    tick: int
    at: datetime
    decided: datetime
    of: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.of[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def live(self) -> bool:
        """Whether somebody still has to do something."""
        return self.state in ("open", "acknowledged")


@dataclass(frozen=True, kw_only=True)
class Owed:
    """A notification as it was put into the outbox at `tick`."""

    tick: int
    at: datetime
    id: int
    incident_id: str
    episode: int
    kind: str
    step: int
    turn: int
    receiver: str
    reason: str
    owed_at: datetime


@dataclass(kw_only=True)
class Attempt:
    """One delivery: what it carried, whether it arrived, and how it ended for the sender."""

    process: str
    receiver: str
    claimed: int  # the tick
    until: datetime  # its sender's lease
    rows: tuple[int, ...]
    claims: tuple[int, ...]  # how often each row had been claimed by then
    tick: int = 0
    at: datetime | None = None
    repeat: bool = False
    payload: Mapping[str, Any] = field(default_factory=dict)
    arrived: bool = False
    outcome: str = ""
    final: bool = False  # it will not be tried again
    settled: int | None = None  # the tick


class Ledger:
    """Filled while a run is played; read by the rules."""

    def __init__(self, database: Database, clock: FixedClock) -> None:
        self._database, self._clock = database, clock
        self.traces: dict[str, list[Version]] = {}
        self.owed: dict[int, Owed] = {}
        self.attempts: list[Attempt] = []
        # Incidents that somebody escalated by hand, and at which ticks.
        self.hastened: set[tuple[str, int]] = set()
        self.claimed: dict[int, list[int]] = {}  # the ticks at which each row was
        self.resumed: set[int] = set()  # pages that were owed again after a quiet time

    def observe(self, tick: int) -> Iterator[str]:
        """Look at what has just been committed; what is new, in words."""
        at = self._clock.now()
        known = {name: trace[-1].version for name, trace in self.traces.items()}
        columns = ", ".join(_INCIDENT)
        for row in self._database.rows(f"SELECT {columns} FROM incidents ORDER BY id"):
            if known.get(row[0]) != row[1]:
                version = Version(
                    tick=tick, at=at, decided=self._decided(row[0], at), of=_read(row)
                )
                self.traces.setdefault(row[0], []).append(version)
                yield _said(version)
        statement = f"SELECT {', '.join(_OWED)} FROM outbox WHERE id > ? ORDER BY id"
        for row in self._database.rows(statement, max(self.owed, default=0)):
            told_of = dict(zip(_OWED, row, strict=True))
            told_of["owed_at"] = instant(told_of["owed_at"])
            owed = Owed(tick=tick, at=at, **told_of)
            self.owed[owed.id] = owed
            yield f"owes {told(owed)}"
        for row, owed_at, claims in self._database.rows("SELECT id, owed_at, attempts FROM outbox"):
            if instant(owed_at) != self.owed[row].owed_at:
                self.resumed.add(row)
            known = self.claimed.setdefault(row, [])
            known += [tick] * (claims - len(known))

    def _decided(self, incident_id: str, at: datetime) -> datetime:
        statement = "SELECT max(id), at FROM incident_events WHERE incident_id = ?"
        ((_, decided),) = self._database.rows(statement, incident_id)
        return instant(decided) or at

    def live(self) -> list[Version]:
        """The last versions of incidents that are open or acknowledged, by id."""
        return [trace[-1] for _, trace in sorted(self.traces.items()) if trace[-1].live]

    def as_of(self, incident_id: str, tick: int) -> Version:
        """An incident as it stood at `tick`."""
        return [one for one in self.traces[incident_id] if one.tick <= tick][-1]

    def carried(self, row: int) -> list[Attempt]:
        """The attempts at one notification, as they were made."""
        return [one for one in self.attempts if row in one.rows]

    def pending(self) -> list[tuple[datetime, datetime | None]]:
        """What is still to be told: when it is due, and until when somebody has it."""
        owed = "failed_at IS NULL AND delivered_at IS NULL"
        rows = self._database.rows(f"SELECT due_at, lease_until FROM outbox WHERE {owed}")
        return [(instant(due), instant(lease)) for due, lease in rows]

    def withdrawn(self) -> dict[int, str]:
        """What was not delivered and is owed no more, and why."""
        given_up = "SELECT id, failure FROM outbox WHERE failed_at IS NOT NULL"
        return dict(self._database.rows(given_up))

    def holder(self) -> tuple[str, int] | None:
        """Who has the lease by now, and its token."""
        rows = self._database.rows("SELECT holder, token FROM leases")
        return rows[0] if rows else None


def told(owed: Owed) -> str:
    """A notification in words."""
    step = f" step {owed.step}.{owed.turn}" if owed.kind == "page" else ""
    return f"{owed.kind}{step} ({owed.reason}) of {owed.incident_id[:5]} to {owed.receiver}"


def instant(text: str | None) -> datetime | None:
    """As the database keeps it."""
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def _read(row: Sequence[Any]) -> dict[str, Any]:
    found = dict(zip(_INCIDENT, row, strict=True))
    found |= {name: instant(found[name]) for name in _INSTANTS}
    found["worth"] = json.loads(found["worth"])
    return found


def _said(one: Version) -> str:
    part = f", part of {one.part_of[:5]}" if one.part_of else ""
    name = f"{one.case_id.rpartition(':')[2]} {one.promise}".strip()
    return f"{one.id[:5]} {name}: {one.state} {one.severity} ({one.reason}{part})"
