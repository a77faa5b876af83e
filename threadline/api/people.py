"""Who asks, and the audit of what everybody did."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from threadline.api import cursors
from threadline.api.access import requires
from threadline.api.services import Services
from threadline.model.people import Permission
from threadline.wire import AuditRecord, Me, Page

router = APIRouter(tags=["people"])


@router.get("/me", dependencies=[requires(None)])
def me(services: Services) -> Me:
    """Who asks, and what they may do."""
    asker = services.asker
    return Me(
        who=asker.who,
        anonymous=asker.anonymous,
        roles=sorted(asker.roles),
        permissions=[one.value for one in Permission if asker.may(one)],
    )


@router.get("/audit", dependencies=[requires(Permission.AUDIT)])
def audit(
    services: Services,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Page[AuditRecord]:
    """Who did what, oldest first; each record's hash covers its content and the one before."""
    after = int(cursors.decode(cursor, int)[0]) if cursor else 0
    found = services.audit.after(after, limit + 1)
    following = cursors.encode(found[limit - 1].number) if len(found) > limit else None
    items = [
        AuditRecord(**{name: getattr(record, name) for name in AuditRecord.model_fields})
        for record in found[:limit]
    ]
    return Page(items=items, next=following)
