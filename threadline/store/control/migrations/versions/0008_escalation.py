"""Incidents that stand for many promises, rounds of escalation, news to whom was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for name, kind, default in (
        ("rule", sa.String(), ""),
        ("said", sa.String(), ""),
        ("breached", sa.Integer(), "0"),
        ("part_of", sa.String(), ""),
        ("told_steps", sa.JSON(), "[]"),
        ("rounds", sa.Integer(), "0"),
        ("reopenings", sa.JSON(), "[]"),
        ("told_cases", sa.Integer(), "0"),
    ):
        column = sa.Column(name, kind, nullable=False, server_default=default)
        op.add_column("incidents", column)
    op.add_column("incidents", sa.Column("muted_until", INSTANT))
    _name_the_steps()
    _owe_anew()
    op.drop_column("incidents", "steps_notified")
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="page"))
        outbox.add_column(sa.Column("turn", sa.Integer(), nullable=False, server_default="0"))
        outbox.add_column(
            sa.Column("doubtful", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        outbox.add_column(sa.Column("message", sa.String(), nullable=False, server_default=""))
        outbox.add_column(sa.Column("reference", sa.String(), nullable=False, server_default=""))
        outbox.drop_constraint("uq_outbox_incident_id", type_="unique")
        outbox.create_unique_constraint(
            "uq_outbox_incident_id", ["incident_id", "episode", "kind", "step", "turn", "receiver"]
        )
    op.create_index("ix_outbox_receiver", "outbox", ["receiver", "delivered_at"])
    op.create_index("ix_outbox_incident_id", "outbox", ["incident_id", "id"])


def _name_the_steps() -> None:
    """Before, steps were told in their order: how many says which."""
    connection = op.get_bind()
    incidents = sa.table(
        "incidents",
        sa.column("id", sa.String()),
        sa.column("steps_notified", sa.Integer()),
        sa.column("told_steps", sa.JSON()),
    )
    for row in connection.execute(sa.select(incidents.c.id, incidents.c.steps_notified)).all():
        told = list(range(1, row.steps_notified + 1))
        named = sa.update(incidents).where(incidents.c.id == row.id).values(told_steps=told)
        connection.execute(named)


def _owe_anew() -> None:
    """What waits to be told is worded for an earlier Threadline: its escalation begins again."""
    connection = op.get_bind()
    outbox = sa.table(
        "outbox",
        sa.column("incident_id", sa.String()),
        sa.column("due_at", INSTANT),
        sa.column("delivered_at", INSTANT),
        sa.column("failed_at", INSTANT),
        sa.column("failure", sa.String()),
    )
    incidents = sa.table(
        "incidents",
        sa.column("id", sa.String()),
        sa.column("state", sa.String()),
        sa.column("told_steps", sa.JSON()),
        sa.column("episode", sa.Integer()),
        sa.column("escalation_from", INSTANT),
        sa.column("escalate_at", INSTANT),
    )
    waiting = sa.and_(outbox.c.delivered_at.is_(None), outbox.c.failed_at.is_(None))
    owed = sa.select(outbox.c.incident_id).where(waiting)
    connection.execute(
        sa.update(incidents)
        .where(incidents.c.id.in_(owed), incidents.c.state == "open")
        .values(
            told_steps=[],
            episode=incidents.c.episode + 1,
            escalate_at=incidents.c.escalation_from,
        )
    )
    withdrawn = {"failed_at": outbox.c.due_at, "failure": "superseded"}
    connection.execute(sa.update(outbox).where(waiting).values(withdrawn))
