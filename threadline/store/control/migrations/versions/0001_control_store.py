"""The control store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
APPEND_ONLY = ("definition_versions", "rulings", "incident_events", "audit")


def upgrade() -> None:
    _definitions_and_rulings()
    _incidents()
    _outbox()
    _records()
    for table in APPEND_ONLY:
        _refuse_changes(table)


def _definitions_and_rulings() -> None:
    op.create_table(
        "definition_versions",
        sa.Column("id", NUMBER, nullable=False),
        _text("kind"),
        _text("name"),
        sa.Column("content", sa.JSON(none_as_null=True)),
        _text("digest"),
        sa.Column("active_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_definition_versions"),
    )
    op.create_index(
        "ix_definition_versions_kind", "definition_versions", ["kind", "name", "active_from"]
    )
    op.create_table(
        "rulings",
        sa.Column("id", NUMBER, nullable=False),
        _text("kind"),
        _text("child"),
        _text("parent"),
        _text("act"),
        _text("who"),
        sa.Column("at", INSTANT, nullable=False),
        _text("why"),
        sa.PrimaryKeyConstraint("id", name="pk_rulings"),
    )


def _incidents() -> None:
    op.create_table(
        "incidents",
        *(_text(name) for name in ("id", "journey", "case_id", "root_id", "promise")),
        *(_text(name) for name in ("criticality", "severity", "state", "reason", "policy")),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("deadline", INSTANT, nullable=False),
        _text("step"),
        sa.Column("since", INSTANT),
        sa.Column("due_at", INSTANT),
        sa.Column("value", sa.String()),
        _text("currency"),
        _text("assignee"),
        sa.Column("acknowledged_at", INSTANT),
        _text("acknowledged_by"),
        sa.Column("resolved_at", INSTANT),
        _count("episode"),
        sa.Column("escalation_from", INSTANT),
        _count("steps_notified"),
        sa.Column("escalate_at", INSTANT),
        _count("version"),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
        sa.UniqueConstraint("case_id", "journey", "promise", name="uq_incidents_case_id"),
    )
    op.create_index("ix_incidents_opened_at", "incidents", ["opened_at", "id"])
    op.create_index("ix_incidents_state", "incidents", ["state", "escalate_at"])
    op.create_table(
        "incident_events",
        sa.Column("id", NUMBER, nullable=False),
        _incident("incident_events"),
        sa.Column("at", INSTANT, nullable=False),
        _text("what"),
        _text("who"),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident_events"),
    )
    op.create_index("ix_incident_events_incident_id", "incident_events", ["incident_id", "id"])


def _outbox() -> None:
    owed = ["incident_id", "episode", "step", "receiver"]
    op.create_table(
        "outbox",
        sa.Column("id", NUMBER, nullable=False),
        _incident("outbox"),
        _count("episode"),
        _count("step"),
        _text("receiver"),
        _text("reason"),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("owed_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        _count("attempts"),
        sa.Column("lease_until", INSTANT),
        _text("lease_owner"),
        sa.Column("delivered_at", INSTANT),
        sa.Column("failed_at", INSTANT),
        _text("failure"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint(*owed, name="uq_outbox_incident_id"),
    )
    waiting = ["delivered_at", "failed_at", "due_at", "id"]
    op.create_index("ix_outbox_due_at", "outbox", waiting)


def _records() -> None:
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        _text("who"),
        _text("what"),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_table(
        "watermarks",
        _text("name"),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_watermarks"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _incident(table: str) -> sa.Column[str]:
    key = sa.ForeignKey("incidents.id", name=f"fk_{table}_incident_id")
    return sa.Column("incident_id", sa.String(), key, nullable=False)


def _refuse_changes(table: str) -> None:
    # Kept by the database as well, so that no stray statement can rewrite what people relied on.
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
