"""The API as a whole."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from threadline.api import (
    acknowledging,
    closes,
    comparisons,
    contracts,
    definitions,
    exports,
    health,
    identity,
    incidents,
    journeys,
    keeping,
    kpis,
    mismatches,
    paths,
    people,
    problems,
    receivers,
    replays,
    rotas,
    rulings,
    silences,
    sources,
    summaries,
)
from threadline.api.access import unguarded
from threadline.api.services import ApiServices
from threadline.wire import Problem

DESCRIPTION = """Every contract through every system it crosses. Errors are problem details (RFC
9457), lists are `{"items": […], "next": cursor or null}`, times are RFC 3339 in UTC."""
MAX_BODY_BYTES = 1024 * 1024
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": words}
    for status, words in {
        401: "Not signed in",
        403: "Not allowed",
        404: "Not found",
        422: "Breaks a rule",
        429: "Asks too often",
        503: "Ask again",
    }.items()
}


def create_api(services: ApiServices, max_body_bytes: int = MAX_BODY_BYTES) -> FastAPI:
    """The application over `services`; it owns none of them and closes none.

    Handlers are plain functions and run in threads, because the telemetry store blocks.
    """
    app = FastAPIOffline(
        title="Threadline",
        description=DESCRIPTION,
        version=version("threadline"),
        redoc_url=None,
        max_body_size=max_body_bytes,
    )
    app.state.services = services
    problems.install(app)
    for part in (
        contracts,
        identity,
        rulings,
        kpis,
        comparisons,
        closes,
        journeys,
        incidents,
        silences,
        rotas,
        sources,
        mismatches,
        definitions,
        replays,
        paths,
        people,
        exports,
        keeping,
        receivers,
        summaries,
    ):
        app.include_router(part.router, prefix="/api/v1", responses=_PROBLEMS)
    app.include_router(health.router)
    app.include_router(acknowledging.router)
    if left_open := unguarded(app.routes):
        raise AssertionError(f"routes without a permission: {', '.join(left_open)}")
    return app
