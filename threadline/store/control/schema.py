"""The tables of the control store: what is not derived and therefore never rebuilt.

`migrations/` creates them; a test holds both equal.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
)

from threadline.store.control.columns import Amount, Instant, RowNumber

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

definition_versions = Table(
    "definition_versions",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("content", JSON(none_as_null=True)),  # null: withdrawn from then on
    Column("digest", String, nullable=False),
    Column("active_from", Instant, nullable=False),
    Index("ix_definition_versions_kind", "kind", "name", "active_from"),
)

rulings = Table(
    "rulings",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("kind", String, nullable=False),
    Column("child", String, nullable=False),
    Column("parent", String, nullable=False),
    Column("act", String, nullable=False),
    Column("who", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("why", String, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", String, primary_key=True),
    Column("journey", String, nullable=False),
    Column("case_id", String, nullable=False),
    Column("root_id", String, nullable=False),
    Column("promise", String, nullable=False),
    Column("criticality", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("policy", String, nullable=False),
    Column("rule", String, nullable=False, server_default=""),
    Column("opened_at", Instant, nullable=False),
    Column("deadline", Instant, nullable=False),
    Column("step", String, nullable=False),
    Column("since", Instant),
    Column("due_at", Instant),
    Column("value", Amount),
    Column("currency", String, nullable=False),
    Column("system", String, nullable=False, server_default=""),
    Column("error", String, nullable=False, server_default=""),
    Column("said", String, nullable=False, server_default=""),
    Column("cases", Integer, nullable=False, server_default="1"),
    Column("breached", Integer, nullable=False, server_default="0"),
    Column("worth", JSON, nullable=False, server_default="{}"),
    Column("part_of", String, nullable=False, server_default=""),  # the id of another incident
    Column("assignee", String, nullable=False),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", String, nullable=False),
    Column("resolved_at", Instant),
    Column("episode", Integer, nullable=False),
    Column("escalation_from", Instant),
    Column("told_steps", JSON, nullable=False, server_default="[]"),
    Column("rounds", Integer, nullable=False, server_default="0"),
    Column("escalate_at", Instant),
    Column("muted_until", Instant),
    Column("reopenings", JSON, nullable=False, server_default="[]"),
    Column("told_cases", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False),
    UniqueConstraint("case_id", "journey", "promise"),
    Index("ix_incidents_opened_at", "opened_at", "id"),
    Index("ix_incidents_state", "state", "escalate_at"),
)

incident_cases = Table(
    "incident_cases",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("incident_id", String, ForeignKey("incidents.id"), nullable=False),
    Column("journey", String, nullable=False),
    Column("case_id", String, nullable=False),
    Column("root_id", String, nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("left_at", Instant),
    Index("ix_incident_cases_incident_id", "incident_id", "left_at", "id"),
    Index("ix_incident_cases_case_id", "case_id"),
)

incident_events = Table(
    "incident_events",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("incident_id", String, ForeignKey("incidents.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("what", String, nullable=False),
    Column("who", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Index("ix_incident_events_incident_id", "incident_id", "id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("incident_id", String, ForeignKey("incidents.id"), nullable=False),
    Column("episode", Integer, nullable=False),
    Column("kind", String, nullable=False, server_default="page"),
    Column("step", Integer, nullable=False),
    Column("turn", Integer, nullable=False, server_default="0"),
    Column("receiver", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("owed_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_until", Instant),
    Column("lease_owner", String, nullable=False),
    Column("delivered_at", Instant),
    Column("failed_at", Instant),
    Column("failure", String, nullable=False),
    # Whether an attempt may have arrived without our knowing.
    Column("doubtful", Boolean, nullable=False, server_default=false()),
    Column("message", String, nullable=False, server_default=""),  # in which it was told
    Column("reference", String, nullable=False, server_default=""),
    UniqueConstraint("incident_id", "episode", "kind", "step", "turn", "receiver"),
    Index("ix_outbox_due_at", "delivered_at", "failed_at", "due_at", "id"),
    Index("ix_outbox_receiver", "receiver", "delivered_at"),
    Index("ix_outbox_incident_id", "incident_id", "id"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", String, nullable=False),
    Column("what", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("previous", String, nullable=False),  # the hash of the record before; '' for the first
    Column("hash", String, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("digest", String, nullable=False),  # SHA-256 of the token's whole text, hex
    Column("roles", JSON, nullable=False),
    Column("sources", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("revoked_by", String, nullable=False),
    Column("last_used_at", Instant),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("name", String, primary_key=True),
    Column("at", Instant, nullable=False),
)

# Since when what a rule watches is beyond its bound, while nobody is told yet.
holds = Table(
    "holds",
    metadata,
    Column("promise", String, primary_key=True),
    Column("since", Instant, nullable=False),
)

# Who alone does some work of several processes; means nothing in a backup.
leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),  # '': nobody
    Column("token", Integer, nullable=False),
    Column("until", Instant, nullable=False),
)

closes = Table(
    "closes",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("period", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("zone", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("who", String, nullable=False),
    Column("note", String, nullable=False),
    Column("silent", JSON, nullable=False),
    Column("silent_before", JSON, nullable=False),
    Column("digest", String, nullable=False),
    UniqueConstraint("period", "revision"),
)

close_kpis = Table(
    "close_kpis",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("close_id", RowNumber, ForeignKey("closes.id"), nullable=False),
    Column("kpi", String, nullable=False),
    Column("title", String, nullable=False),
    Column("business", Boolean, nullable=False),
    Column("direction", String, nullable=False),
    Column("counts", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("now", Instant, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("population", LargeBinary),  # Parquet; null: too many rows to keep
    UniqueConstraint("close_id", "kpi"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("pseudonym", String, nullable=False),
    Column("fingerprint", String, nullable=False),  # 64 bits, hex
    Column("key", String, nullable=False),  # of the digest, hex
    Column("digest", String, nullable=False),
    Column("length", Integer, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("values", Integer, nullable=False),
    Column("applied_at", Instant),  # null: what was kept before is not rid of it yet
)

silences = Table(
    "silences",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("matchers", JSON, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("who", String, nullable=False),
    Column("comment", String, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ended_at", Instant),  # null: it was let run its time
    Column("ended_by", String, nullable=False),
    Index("ix_silences_ends_at", "ends_at"),
)

rota_overrides = Table(
    "rota_overrides",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("rota", String, nullable=False),
    Column("member", String, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("who", String, nullable=False),
    Column("why", String, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ended_at", Instant),  # null: it was let run its time
    Column("ended_by", String, nullable=False),
    Index("ix_rota_overrides_rota", "rota", "ends_at"),
)
