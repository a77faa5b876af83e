"""Tokens, and the audit as a chain of hashes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from threadline.store.control.chain import record_hash
from threadline.store.control.columns import Instant

revision = "0003"
down_revision = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _tokens()
    _chain()


def _tokens() -> None:
    op.create_table(
        "tokens",
        *(_text(name) for name in ("id", "name", "digest")),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        _text("created_by"),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        _text("revoked_by"),
        sa.Column("last_used_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
    )


def _chain() -> None:
    """The old table refuses changes, so its records move to a new one, chained in their order."""
    records = op.get_bind().execute(sa.select(_table()).order_by(sa.column("id"))).all()
    op.drop_table("audit")  # with its triggers
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_append_only()")
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        _text("who"),
        _text("what"),
        sa.Column("detail", sa.JSON(), nullable=False),
        _text("previous"),
        _text("hash"),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    _keep(records)
    _refuse_changes("audit")


def _keep(records: Any) -> None:
    previous = ""
    for row in records:
        told = {"at": row.at, "who": row.who, "what": row.what, "detail": row.detail}
        own = record_hash(previous=previous, **told)
        op.get_bind().execute(
            sa.insert(_table("previous", "hash")), told | {"previous": previous, "hash": own}
        )
        previous = own


def _table(*more: str) -> sa.TableClause:
    """Rows are numbered anew by the database, in the order they are put in."""
    columns = [sa.column("at", Instant), sa.column("who"), sa.column("what")]
    return sa.table("audit", *columns, sa.column("detail", sa.JSON), *map(sa.column, more))


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _refuse_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
