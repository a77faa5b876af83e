"""Who asks, and who did what."""

from __future__ import annotations

from typing import Any

from threadline.wire.values import Instant, Shape


class Me(Shape):
    """Who the asker has proved to be; `anonymous`: nobody has to prove anything here."""

    who: str
    anonymous: bool
    roles: list[str]
    permissions: list[str]


class AuditRecord(Shape):
    """One record of the audit: `hash` covers it and `previous`, the hash of the one before."""

    number: int
    at: Instant
    who: str
    what: str
    detail: dict[str, Any]
    previous: str
    hash: str
