"""Tokens are made, revoked and never removed; each act is in the audit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from control_databases import NOON

from threadline.errors import NotFound
from threadline.model.people import Token

TOKEN = Token(
    id="abcdefgh",
    name="erp exporter",
    digest="0" * 64,
    roles=frozenset({"support"}),
    sources=("erp", "s4"),
    created_at=NOON,
    created_by="ana",
    expires_at=NOON + timedelta(days=90),
)


def test_a_token_is_kept_as_it_was_made(control):
    control.tokens.add(TOKEN)

    assert control.tokens.all() == [TOKEN]
    (entry,) = control.audit.latest()
    assert (entry.who, entry.what, entry.detail["sources"]) == (
        "ana",
        "token.created",
        ["erp", "s4"],
    )
    assert TOKEN.digest not in str(entry.detail)


def test_revoking_says_who_and_when_once(control, clock):
    control.tokens.add(TOKEN)
    clock.move_to(NOON + timedelta(hours=1))
    control.tokens.revoke(TOKEN.id, who="ben")
    clock.move_to(NOON + timedelta(hours=2))
    again = control.tokens.revoke(TOKEN.id, who="eve")

    assert (again.revoked_by, again.revoked_at) == ("ben", NOON + timedelta(hours=1))
    assert again.state(clock.now()) == "revoked"
    assert [entry.what for entry in control.audit.latest()] == ["token.revoked", "token.created"]
    with pytest.raises(NotFound):
        control.tokens.revoke("nobody", who="ben")


def test_when_it_was_used_last_is_noted(control):
    control.tokens.add(TOKEN)
    control.tokens.used({TOKEN.id: NOON + timedelta(minutes=5)})

    assert control.tokens.all()[0].last_used_at == NOON + timedelta(minutes=5)
