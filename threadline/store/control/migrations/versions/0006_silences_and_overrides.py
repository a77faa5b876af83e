"""Silences, and who stands in for whom on a rota."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "silences",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("matchers", sa.JSON(), nullable=False),
        *_span(),
        *(_text(name) for name in ("who", "comment")),
        *_made_and_ended(),
        sa.PrimaryKeyConstraint("id", name="pk_silences"),
    )
    op.create_table(
        "rota_overrides",
        sa.Column("id", NUMBER, nullable=False),
        *(_text(name) for name in ("rota", "member")),
        *_span(),
        *(_text(name) for name in ("who", "why")),
        *_made_and_ended(),
        sa.PrimaryKeyConstraint("id", name="pk_rota_overrides"),
    )
    op.create_index("ix_silences_ends_at", "silences", ["ends_at"])
    op.create_index("ix_rota_overrides_rota", "rota_overrides", ["rota", "ends_at"])


def _span() -> list[sa.Column[Any]]:
    return [sa.Column(name, INSTANT, nullable=False) for name in ("starts_at", "ends_at")]


def _made_and_ended() -> list[sa.Column[Any]]:
    return [
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        _text("ended_by"),
    ]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)
