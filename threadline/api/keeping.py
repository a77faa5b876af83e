"""What is kept and for how long, dropping what was kept long enough, and erasing a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter

from threadline import keeping
from threadline.api.access import requires
from threadline.api.problems import Refusal
from threadline.api.services import ApiServices, Erasing, Keeper, Services
from threadline.erasing import ErasureRefused
from threadline.errors import LogUnavailable
from threadline.model.people import Permission
from threadline.store.log import NEVER, Segment
from threadline.store.telemetry.ended import Ended
from threadline.wire import (
    Erased,
    EraseRequest,
    ErasureRow,
    Going,
    Kept,
    Page,
    Retained,
    RetainRequest,
)

_NOBODY = Ended(roots=[], facts=[])

router = APIRouter(prefix="/keeping", tags=["keeping"])


@router.get("", dependencies=[requires(Permission.FIGURES)])
def kept(services: Services) -> Kept:
    """How much of the disk is taken by what, how long there is room, and what goes next."""
    keeper = _keeper(services)
    standing = keeper.standing()
    whole = [one for one in standing.segments if one.dropped is None]
    usage = standing.usage
    return Kept(
        **{f"{name}_bytes": size for name, size in usage.by_class.items()},
        total_bytes=usage.total,
        free_bytes=usage.free,
        budget_bytes=standing.budget_bytes,
        days_left=standing.days_left,
        warning=standing.warning,
        bodies_days=standing.retention.bodies_days,
        contracts_days=standing.retention.contracts_days,
        closes_days=standing.retention.closes_days,
        bodies_since=_since(whole),
        inputs_since=_since(standing.segments),
        due=[_told(one) for one in keeper.due()],
    )


@router.post("/retain", dependencies=[requires(Permission.KEEPING)])
def retain(services: Services, asked: RetainRequest) -> Retained:
    """Drop what is due, now and not at the next turn: bodies, contracts that are over, closes.

    The index is derived anew where contracts were forgotten.
    """
    keeper, forgetting = _keeper(services), services.forgetting
    who = services.asker.named(asked.actor)
    over = _NOBODY
    try:
        if forgetting is not None:
            over = forgetting.due() if asked.dry_run else forgetting.forget(who)
        gone = keeper.due() if asked.dry_run else keeper.retain(who)
    except LogUnavailable as error:
        raise Refusal(503, str(error)) from error
    return Retained(
        dry_run=asked.dry_run,
        dropped=[_told(one) for one in gone],
        contracts=len(over.roots),
        facts=len(over.facts),
    )


@router.get("/erasures", dependencies=[requires(Permission.AUDIT)])
def erasures(services: Services) -> Page[ErasureRow]:
    """What was erased, the newest first, without saying whom."""
    found = reversed(_erasing(services).all())
    names = ErasureRow.model_fields
    return Page(items=[ErasureRow(**{name: getattr(one, name) for name in names}) for one in found])


@router.post("/erasures", dependencies=[requires(Permission.KEEPING)])
def erase(services: Services, asked: EraseRequest) -> Erased:
    """Replace a person's identifiers wherever they stand, and from now on; figures stay.

    The index is derived anew afterwards.
    """
    who = services.asker.named(asked.actor)
    try:
        done = _erasing(services).erase(
            asked.identifiers, who=who, reason=asked.reason, dry_run=asked.dry_run
        )
    except ErasureRefused as error:
        raise Refusal(422, str(error)) from error
    except LogUnavailable as error:
        raise Refusal(503, f"{error}; it goes on when the service starts again") from error
    return Erased(
        dry_run=asked.dry_run,
        pseudonyms=list(done.pseudonyms),
        entries=done.entries,
        places=dict(done.places.most_common()),
    )


def _erasing(services: ApiServices) -> Erasing:
    if services.erasing is None:
        raise Refusal(503, "nothing can be erased here")
    return services.erasing


def _keeper(services: ApiServices) -> Keeper:
    if services.keeper is None:
        raise Refusal(503, "nothing is kept or dropped here")
    return services.keeper


def _since(segments: Sequence[Segment]) -> datetime | None:
    return segments[0].begun if segments and segments[0].begun > NEVER else None


def _told(going: keeping.Going) -> Going:
    segment = going.segment
    return Going(
        first=segment.first,
        begun=segment.begun,
        ended=segment.ended,
        size=segment.bytes,
        why=going.why,
    )
