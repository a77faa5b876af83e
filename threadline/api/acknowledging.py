"""Acknowledging by a signed link: looking changes nothing, because programs look at links too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from alerts.handling import IncidentClosed
from threadline.access.acknowledging import (
    PATH,
    AcknowledgeLinks,
    LinkExpired,
    LinkForged,
    Permit,
)
from threadline.api import incidents
from threadline.api.acknowledge_page import Page, answered, of_incident
from threadline.api.services import ApiServices, ServicesForAnybody
from threadline.errors import NotFound, TooOften
from threadline.store.control import ControlUnavailable

NAME = 100  # characters
_FORM_BYTES = 8 * 1024
_INSTEAD = "Sign in to Threadline and acknowledge it there, or use the link in a newer message."
FORGED = Page(
    state="This link is not valid",
    title="Threadline did not make it",
    tone="bad",
    lines=("It may have been cut off or changed on its way: open it from the message again.",),
)
EXPIRED = Page(
    state="This link has expired", title="Its time is over", tone="warning", lines=(_INSTEAD,)
)
GONE = Page(
    state="This is not known any more",
    title="There is nothing left to acknowledge",
    lines=("What the link was about has been taken away since.",),
)
OLD_FORM = Page(
    state="Not acknowledged",
    title="Open the link once more",
    tone="warning",
    lines=("The page was opened too long ago, or elsewhere. Open the link and press again.",),
)
TOO_OFTEN = Page(state="Not so often", title="Try again in a few seconds", tone="warning", lines=())
AWAY = Page(
    state="Not now",
    title="Threadline cannot look it up at the moment",
    tone="warning",
    lines=("Nothing was changed. Try again in a minute.",),
)

router = APIRouter(prefix=PATH.rstrip("/"), include_in_schema=False)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; none of a body that is longer than any form of ours."""
    body = b""
    async for part in request.stream():
        body = (body + part)[: _FORM_BYTES + 1]
    if len(body) > _FORM_BYTES:
        return {}
    fields = parse_qs(body.decode("utf-8", "replace"))
    return {name: values[0] for name, values in fields.items()}


Form = Annotated[dict[str, str], Depends(_form)]


@router.get("/{token}")
def look(services: ServicesForAnybody, token: str) -> Response:
    """What the link is about, with a button while somebody is looked for."""
    return _guarded(services, token, lambda links, permit: _shown(services, links, permit, token))


@router.post("/{token}")
def acknowledge(services: ServicesForAnybody, token: str, form: Form, request: Request) -> Response:
    """Acknowledge in the name of the receiver that was sent the link, and of a name given."""

    def act(links: AcknowledgeLinks, permit: Permit) -> Response:
        try:
            _require_own_form(links, token, form.get("form", ""), request)
        except (LinkForged, LinkExpired):
            return answered(OLD_FORM, services.clock.now(), 403)
        who = _who(form.get("name", ""), permit.receiver)
        try:
            services.alerts.acknowledge(permit.incident, who=who, episode=permit.episode)
        except IncidentClosed:
            return _shown(services, links, permit, token, status=409)
        # Loading the page again does not send the form again. Relative: a proxy may add a prefix.
        return RedirectResponse(token, 303, headers={"cache-control": "no-store"})

    return _guarded(services, token, act)


def _guarded(
    services: ApiServices, token: str, act: Callable[[AcknowledgeLinks, Permit], Response]
) -> Response:
    """What `act` answers to whoever holds a link of ours; else a page that says what to do."""
    links, now = services.acknowledging, services.clock.now()
    if links is None:
        return answered(FORGED, now, 403)
    try:
        return act(links, links.read(token))
    except LinkForged:
        return answered(FORGED, now, 403)
    except LinkExpired:
        on_call = services.dashboards_url and f"{services.dashboards_url}/on-call"
        return answered(replace(EXPIRED, more=on_call), now, 410)
    except NotFound:
        return answered(GONE, now, 410)
    except TooOften:
        return answered(TOO_OFTEN, now, 429)
    except ControlUnavailable:
        return answered(AWAY, now, 503)


def _shown(
    services: ApiServices, links: AcknowledgeLinks, permit: Permit, token: str, status: int = 200
) -> Response:
    incident = services.alerts.get(permit.incident)
    now = services.clock.now()
    page = of_incident(
        incidents.shown(services, incident),
        now,
        current=incident.episode == permit.episode,
        receiver=permit.receiver,
        form=links.form(token),
        dashboards=services.dashboards_url,
    )
    return answered(page, now, status)


def _require_own_form(links: AcknowledgeLinks, token: str, form: str, request: Request) -> None:
    """Raise `LinkForged` or `LinkExpired` unless our page sent this.

    What the form brings back is enough; where the browser says which site sent it, that must fit.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise LinkForged("another site has sent the form")
    links.require_form(token, form)


def _who(name: str, receiver: str) -> str:
    """Nobody has proved the name, so the receiver stands beside it."""
    given = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:NAME]
    return f"{given} (via {receiver})" if given else f"via {receiver}"
