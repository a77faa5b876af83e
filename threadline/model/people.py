"""Who asks, and what each role may do: the one table every route is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, get_args

Role = Literal["executive", "support", "on-call", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)


class Permission(StrEnum):
    """What a route asks for."""

    FIGURES = "figures"  # KPIs, journeys, lists of cases, what each source has sent
    THREADS = "threads"  # a contract: its cases, steps, evidence, and its facts in a line each
    INCIDENTS = "incidents"  # the list on call and each one's history, rotas, silences
    HANDLING = "handling"  # acknowledge, resolve, assign, note; silence, put on duty
    RULING = "ruling"  # decide what ties hold
    FACTS = "facts"  # a fact with all its attributes
    INPUTS = "inputs"  # input as received, dead letters included; every look is recorded
    AUDIT = "audit"  # who did what
    CLOSING = "closing"  # freeze what is published of a month
    DEFINITIONS = "definitions"  # what a change of them would do
    KEEPING = "keeping"  # drop bodies as received, erase a person's data


_READING = frozenset({Permission.FIGURES, Permission.THREADS, Permission.INCIDENTS})

GRANTS: Mapping[Role, frozenset[Permission]] = {
    "executive": _READING,
    "support": _READING | {Permission.RULING, Permission.FACTS, Permission.INPUTS},
    "on-call": _READING | {Permission.FACTS, Permission.HANDLING},
    "admin": frozenset(Permission),
}


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A person or a machine that has proved who it is.

    `who` is what others read in histories and the audit log; `subject` is what the proof named
    (issuer and subject, or the token's id). `anonymous`: nobody has to prove anything here.
    """

    who: str
    roles: frozenset[Role]
    subject: str = ""
    anonymous: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether one of the roles grants `permission`."""
        return any(permission in GRANTS[role] for role in self.roles)

    def named(self, said: str) -> str:
        """In whose name an act is recorded: what was `said` counts where nobody proves a name."""
        return said if self.anonymous else self.who


ANONYMOUS = Principal(who="anonymous@loopback", roles=frozenset({"admin"}), anonymous=True)


@dataclass(frozen=True, kw_only=True)
class Token:
    """A machine's key, without its secret: only the SHA-256 of the whole text is kept.

    With `sources` it may send input in their names; with `roles` it may ask the API.
    """

    id: str
    name: str
    digest: str = field(repr=False)
    roles: frozenset[Role]
    sources: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str = ""
    last_used_at: datetime | None = None

    def state(self, now: datetime) -> Literal["live", "expired", "revoked"]:
        """Revoked stands before expired: somebody decided it."""
        if self.revoked_at is not None:
            return "revoked"
        return "live" if now < self.expires_at else "expired"
