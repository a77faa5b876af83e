"""What every route asks of whoever asks: a permission, named where the route is."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from threadline.api.services import Services
from threadline.errors import NotAllowed
from threadline.model.people import Permission

# Answered to anybody: whether the process lives, and the description of the API.
PUBLIC = frozenset({"/livez", "/readyz", "/openapi.json", "/docs", "/docs/oauth2-redirect"}) | {
    "/static-offline-docs",  # the script and the style of /docs
    "/a/{token}",  # a link to acknowledge is a permission of its own
}


class Requires:
    """A dependency that lets through whoever has `permission`; None: whoever has proved a name."""

    def __init__(self, permission: Permission | None) -> None:
        self.permission = permission

    def __call__(self, services: Services, request: Request) -> None:
        asker = services.asker
        if self.permission is None or asker.may(self.permission):
            return
        services.denials.record(asker, self.permission, request.url.path)
        roles = ", ".join(sorted(asker.roles)) or "none"
        raise NotAllowed(
            f"{asker.who} may not do this: it takes the permission {self.permission.value!r}, and"
            f" the roles held are: {roles}"
        )


def requires(permission: Permission | None) -> Any:
    """For the `dependencies` of a route or router."""
    return Depends(Requires(permission))


def unguarded(routes: list[BaseRoute]) -> list[str]:
    """The paths that neither name a permission nor are `PUBLIC`."""
    contexts = iter_route_contexts(routes)
    return sorted(
        {str(route.path) for route in contexts if route.path not in PUBLIC and not _guarded(route)}
    )


def _guarded(route: Any) -> bool:
    dependant = getattr(route, "dependant", None)
    found = dependant.dependencies if dependant else ()
    return any(isinstance(dependency.call, Requires) for dependency in found)
