"""Whether the service lives, whether its answers are current, and what Prometheus reads."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response
from prometheus_client.exposition import choose_encoder

from threadline.api.access import requires
from threadline.api.services import ApiServices, Services, ServicesForAnybody
from threadline.errors import TelemetryUnavailable
from threadline.model.people import Permission
from threadline.wire import Health

ELSEWHERE = "see /api/v1/health"

router = APIRouter(tags=["health"])


@router.get("/livez")
def livez() -> Response:
    """200 as long as the process answers."""
    return Response("ok\n", media_type="text/plain")


@router.get("/readyz", responses={503: {"model": Health}})
def readyz(services: ServicesForAnybody, response: Response) -> Health:
    """200 when questions can be answered; 503, with the same body, when the index cannot.

    Anybody may ask, so where proof is needed it does not say why.
    """
    health = _health(services)
    if not services.gate.open:
        why = {
            "failing": health.failing and ELSEWHERE,
            "rebuilding": health.rebuilding and ELSEWHERE,
            "disk": health.disk and ELSEWHERE,
            "evaluator": health.evaluator and ELSEWHERE,
        }
        health = health.model_copy(update=why)
    if health.status == "unavailable":
        response.status_code = 503
    return health


@router.get("/api/v1/health", dependencies=[requires(Permission.FIGURES)])
def health(services: Services) -> Health:
    """How current the answers are."""
    return _health(services)


@router.get("/metrics", dependencies=[requires(Permission.FIGURES)])
def metrics(services: Services, accept: Annotated[str, Header()] = "") -> Response:
    """The registry in Prometheus' text format, or as OpenMetrics, with exemplars, where asked."""
    encode, media_type = choose_encoder(accept)
    return Response(encode(services.registry), headers={"content-type": media_type})


def _health(services: ApiServices) -> Health:
    status, because = services.status(), services.rebuilding()
    failing = status.failing or _unanswered(services)
    return Health(
        as_of=services.clock.now(),
        status="unavailable" if failing else "rebuilding" if because else "ok",
        watermark=status.watermark,
        lag_seconds=status.lag.total_seconds(),
        entries_behind=status.entries_behind,
        rebuilding=because,
        failing=failing,
        alerting_waits=services.alerting_waits(),
        evaluator=services.evaluator(),
        disk=services.keeper.warning if services.keeper else "",
    )


def _unanswered(services: ApiServices) -> str:
    try:
        services.telemetry.query("SELECT 1 AS one")
    except TelemetryUnavailable as error:
        return str(error)
    return ""
