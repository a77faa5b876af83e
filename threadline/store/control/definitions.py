"""Every definition that was ever active, whole, with the instant it became so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from threadline.clock import Clock
from threadline.store.control.audit import AuditEntry, append
from threadline.store.control.schema import definition_versions as table
from threadline.store.control.transactions import Transactions


@dataclass(frozen=True, kw_only=True)
class DefinitionVersion:
    """One definition as it was active from `active_from` on, until the next version of its name.

    `content` is JSON (dates of a YAML file are ISO text); `digest` is that of its canonical form.
    None means that the definition was withdrawn.
    """

    kind: str
    name: str
    content: Any
    digest: str
    active_from: datetime


def digest(content: Any) -> str:
    """SHA-256 over the canonical JSON of `content`: the order of keys does not matter."""
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


class Definitions:
    """Append-only store of definitions; with `until` those active by then are all there are."""

    def __init__(
        self, transactions: Transactions, clock: Clock, until: datetime | None = None
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._until = until

    def activate(
        self, kind: str, contents: Mapping[str, Any], *, who: str = "threadline"
    ) -> list[DefinitionVersion]:
        """Make `contents` (by name) all there is of `kind` from now on; the versions appended.

        What is active already is not appended again; what is missing is withdrawn. Two processes
        that activate the same at once append it once.
        """
        now = self._clock.now()
        with self._transactions.write(alone="definitions") as connection:
            active = _active(connection, kind, None)
            changed = _changes(kind, contents, active, now)
            for version in changed:
                connection.execute(insert(table), _row(version))
            if changed:
                names = {version.name: version.digest for version in changed}
                entry = AuditEntry(
                    at=now, who=who, what=f"definitions.{kind}.activated", detail=names
                )
                append(connection, entry)
        return changed

    def active(self, kind: str, at: datetime | None = None) -> dict[str, DefinitionVersion]:
        """What of `kind` was active at `at` (none: the newest), by name; empty if nothing was."""
        with self._transactions.read() as connection:
            return _active(connection, kind, at or self._until)

    def history(self, kind: str) -> list[tuple[datetime, dict[str, DefinitionVersion]]]:
        """All of `kind` that was active, by name, from each instant on at which it changed."""
        statement = select(table).where(table.c.kind == kind)
        if self._until is not None:
            statement = statement.where(table.c.active_from <= self._until)
        statement = statement.order_by(table.c.active_from, table.c.id)
        with self._transactions.read() as connection:
            versions = [_version(row) for row in connection.execute(statement)]
        found: list[tuple[datetime, dict[str, DefinitionVersion]]] = []
        active: dict[str, DefinitionVersion] = {}
        for at, changed in groupby(versions, lambda version: version.active_from):
            active = {**active, **{version.name: version for version in changed}}
            found.append((at, {n: v for n, v in active.items() if v.content is not None}))
        return found

    def changes(self, kind: str) -> int:
        """How many versions of `kind` were ever appended: it grows with every activation."""
        statement = select(func.count()).select_from(table).where(table.c.kind == kind)
        if self._until is not None:
            statement = statement.where(table.c.active_from <= self._until)
        with self._transactions.read() as connection:
            return connection.execute(statement).scalar_one()


def _active(connection: Connection, kind: str, at: datetime | None) -> dict[str, DefinitionVersion]:
    statement = select(table).where(table.c.kind == kind).order_by(table.c.active_from, table.c.id)
    if at is not None:
        statement = statement.where(table.c.active_from <= at)
    newest = {row.name: _version(row) for row in connection.execute(statement)}
    return {name: version for name, version in newest.items() if version.content is not None}


def _changes(
    kind: str, contents: Mapping[str, Any], active: Mapping[str, DefinitionVersion], now: datetime
) -> list[DefinitionVersion]:
    changed = []
    for name in sorted({*contents, *active}):
        content = json.loads(_canonical(contents.get(name)))
        fresh = "" if content is None else digest(content)
        if name not in active or active[name].digest != fresh:
            changed.append(
                DefinitionVersion(
                    kind=kind, name=name, content=content, digest=fresh, active_from=now
                )
            )
    return changed


def _canonical(content: Any) -> str:
    return json.dumps(
        content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    )


def _row(version: DefinitionVersion) -> dict[str, Any]:
    return {
        "kind": version.kind,
        "name": version.name,
        "content": version.content,
        "digest": version.digest,
        "active_from": version.active_from,
    }


def _version(row: Row[Any]) -> DefinitionVersion:
    return DefinitionVersion(
        kind=row.kind,
        name=row.name,
        content=row.content,
        digest=row.digest,
        active_from=row.active_from,
    )
