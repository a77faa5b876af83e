"""Port 4318: OTLP/HTTP and CloudEvents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from collector.intake import body, media
from collector.intake.clearing import Appends
from collector.intake.cloudevents import EVENTS, event_headers
from collector.intake.counts import IntakeCounts
from collector.intake.media import Media
from collector.intake.otlp import LOGS, TRACES
from collector.intake.problems import problem, refused
from collector.intake.reception import Authenticate, Reception, open_source
from collector.intake.refusals import Refusal
from collector.intake.submissions import Signal, Submission
from threadline.clock import Clock
from threadline.settings import IntakeSettings

Handler = Callable[[Request], Awaitable[Response]]


def create_app(
    log: Appends,
    settings: IntakeSettings,
    *,
    clock: Clock,
    counts: IntakeCounts,
    authenticate: Authenticate = open_source,
) -> FastAPI:
    """The ASGI app of intake; a 200 from it means that the body is in `log`, durable.

    `authenticate` gets the request's headers and gives the source that ids are scoped by.
    """
    reception = Reception(
        log, settings.max_body_bytes, clock=clock, counts=counts, authenticate=authenticate
    )
    return FastAPI(
        title="Threadline intake",
        openapi_url=None,
        # No telemetry about telemetry: an exporter to this port would never fall silent.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        routes=[
            Route("/v1/traces", _handler(reception, TRACES), methods=["POST"]),
            Route("/v1/logs", _handler(reception, LOGS), methods=["POST"]),
            Route("/v1/events", _handler(reception, EVENTS), methods=["POST"]),
            Route("/v1/metrics", _no_metrics, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _http_problem, Exception: _unexpected},
    )


def _handler(reception: Reception, signal: Signal) -> Handler:
    async def handle(request: Request) -> Response:
        answer_type = signal.answer_type(Media.parse(request.headers.get("content-type", "")))
        try:
            source = reception.authenticate(request.headers)
            submission = await _submission(request, signal, reception.limit)
            verdict = await reception.take(signal, source, submission)
        except Refusal as refusal:
            reception.counts.refuse(signal.name, refusal.outcome)
            return refused(refusal, answer_type)
        except ClientDisconnect:
            reception.counts.refuse(signal.name, "disconnected")
            return problem(400, "the sender went away")
        return Response(signal.answer(answer_type, verdict), media_type=answer_type)

    return handle


async def _submission(request: Request, signal: Signal, limit: int) -> Submission:
    """The request as far as its headers say what it is, then its body."""
    headers = request.headers
    said = Submission(
        content_type=media.content_type(headers.get("content-type", "")),
        content_encoding=media.encoding(headers.get("content-encoding", "")),
        headers=event_headers(headers),
    )
    signal.admit(said)
    content = await body.collected(request.stream(), headers.get("content-length", ""), limit)
    return replace(said, body=content)


async def _no_metrics(_request: Request) -> Response:
    return problem(404, "metrics are not taken here: send traces, logs or events")


async def _http_problem(_request: Request, error: HTTPException) -> Response:
    return problem(error.status_code, error.detail, dict(error.headers or {}))


async def _unexpected(_request: Request, _error: Exception) -> Response:
    return problem(500, "an unexpected fault, written to the service's log; nothing was kept")
