"""Monthly closes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "closes",
        sa.Column("id", NUMBER, nullable=False),
        _text("period"),
        sa.Column("revision", sa.Integer(), nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("starts_at", "ends_at")),
        _text("zone"),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("at", "taken_at")),
        *(_text(name) for name in ("who", "note")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("silent", "silent_before")),
        _text("digest"),
        sa.PrimaryKeyConstraint("id", name="pk_closes"),
        sa.UniqueConstraint("period", "revision", name="uq_closes_period"),
    )
    op.create_table(
        "close_kpis",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("close_id", NUMBER, nullable=False),
        *(_text(name) for name in ("kpi", "title")),
        sa.Column("business", sa.Boolean(), nullable=False),
        *(_text(name) for name in ("direction", "counts", "digest")),
        sa.Column("now", INSTANT, nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("population", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_close_kpis"),
        sa.ForeignKeyConstraint(["close_id"], ["closes.id"], name="fk_close_kpis_close_id"),
        sa.UniqueConstraint("close_id", "kpi", name="uq_close_kpis_close_id"),
    )
    for table in ("closes", "close_kpis"):
        _refuse_updates(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _refuse_updates(table: str) -> None:
    """What was published stays as it was; a whole close may end when its retention does."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is never changed'); END"
        )
        return
    op.execute(
        f"CREATE FUNCTION {table}_never_changed() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is never changed'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_never_changed()"
    )
