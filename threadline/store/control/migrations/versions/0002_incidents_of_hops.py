"""Incidents that stand for all cases hanging on one hop."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for name, kind, default in (
        ("system", sa.String(), ""),
        ("error", sa.String(), ""),
        ("cases", sa.Integer(), "1"),
        ("worth", sa.JSON(), "{}"),
    ):
        column = sa.Column(name, kind, nullable=False, server_default=default)
        op.add_column("incidents", column)
    op.create_table(
        "incident_cases",
        sa.Column("id", NUMBER, nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("incident_id", "journey", "case_id", "root_id")
        ),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.Column("left_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_incident_cases"),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_incident_cases_incident_id"
        ),
    )
    op.create_index(
        "ix_incident_cases_incident_id", "incident_cases", ["incident_id", "left_at", "id"]
    )
    op.create_index("ix_incident_cases_case_id", "incident_cases", ["case_id"])
