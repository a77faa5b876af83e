"""Machines' tokens: made, revoked, never removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from threadline.clock import Clock
from threadline.errors import NotFound
from threadline.model.people import Token
from threadline.store.control.audit import AuditEntry, append
from threadline.store.control.schema import tokens as table
from threadline.store.control.transactions import Transactions


class Tokens:
    """The book of tokens; making and revoking one are in the audit."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    def add(self, token: Token) -> None:
        """Store a new token."""
        row = asdict(token) | {"roles": sorted(token.roles), "sources": list(token.sources)}
        told = ("id", "name", "roles", "sources")
        detail = {name: row[name] for name in told} | {"expires": token.expires_at.isoformat()}
        with self._transactions.write() as connection:
            connection.execute(insert(table), row)
            _record(connection, token.created_at, token.created_by, "token.created", detail)

    def revoke(self, token_id: str, *, who: str) -> Token:
        """Revoke now; a token revoked before stays as it is. Raises `NotFound`."""
        now = self._clock.now()
        with self._transactions.write() as connection:
            statement = select(table).where(table.c.id == token_id)
            found = connection.execute(statement).mappings().one_or_none()
            if found is None:
                raise NotFound("token", token_id)
            token = _token(found)
            if token.revoked_at is not None:
                return token
            revoked = {"revoked_at": now, "revoked_by": who}
            connection.execute(update(table).where(table.c.id == token_id).values(**revoked))
            detail = {"id": token_id, "name": token.name}
            _record(connection, now, who, "token.revoked", detail)
        return replace(token, revoked_at=now, revoked_by=who)

    def all(self) -> list[Token]:
        """Every token there ever was, the oldest first."""
        statement = select(table).order_by(table.c.created_at, table.c.id)
        with self._transactions.read() as connection:
            return [_token(row) for row in connection.execute(statement).mappings()]

    def used(self, last: Mapping[str, datetime]) -> None:
        """Note when tokens, by id, were used last."""
        with self._transactions.write() as connection:
            for token_id, at in last.items():
                statement = update(table).where(table.c.id == token_id)
                connection.execute(statement.values(last_used_at=at))


def _record(
    connection: Connection, at: datetime, who: str, what: str, detail: Mapping[str, Any]
) -> None:
    append(connection, AuditEntry(at=at, who=who, what=what, detail=detail))


def _token(row: RowMapping) -> Token:
    scopes = {"roles": frozenset(row["roles"]), "sources": tuple(row["sources"])}
    return Token(**{**row, **scopes})
