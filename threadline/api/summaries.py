"""Executive summaries by mail: which there are, what each would say, sending one at once."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter

from threadline.api.access import requires
from threadline.api.services import ApiServices, Services, Summaries
from threadline.errors import NotFound
from threadline.model.people import Permission, Role
from threadline.wire import Page
from threadline.wire.summaries import SummaryDelivery, SummaryLetter, SummaryRow

_OF_READERS: Role = "executive"

router = APIRouter(
    prefix="/summaries", tags=["summaries"], dependencies=[requires(Permission.FIGURES)]
)


@router.get("")
def summaries(services: Services) -> Page[SummaryRow]:
    """Every summary that is set up: when it is due, and how the last attempts to send it went."""
    return Page(items=list(services.summaries.rows() if services.summaries else ()))


@router.get("/{name}")
def summary(services: Services, name: str) -> SummaryLetter:
    """What the summary would say if it was sent now; nothing is sent.

    Its readers see what an executive may see; who asks without that role sees what its own allow.
    """
    roles = services.asker.roles
    if roles & {_OF_READERS, "admin"}:
        services = replace(services, asker=replace(services.asker, roles=frozenset({_OF_READERS})))
    return _known(services, name).letter(services, name)


@router.post("/{name}/send")
def send(services: Services, name: str) -> SummaryDelivery:
    """Send the summary now, beside what its schedule sends; recorded with who asked for it."""
    return _known(services, name).send(services, name, services.asker.who)


def _known(services: ApiServices, name: str) -> Summaries:
    if services.summaries is None:
        raise NotFound("summary", name)
    return services.summaries
