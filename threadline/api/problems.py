"""Everything that goes wrong is answered as a problem document (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from alerts.handling import IncidentClosed
from threadline.access.acknowledging import PATH
from threadline.errors import (
    NoMailServer,
    NotAllowed,
    NotFound,
    NotProven,
    OutOfReach,
    ProofUnknown,
    QueryFault,
    TelemetryUnavailable,
    TooOften,
    ViewNotReady,
)
from threadline.store.control import ControlUnavailable
from threadline.wire import ContractHit, Fault, Problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 5  # seconds; an index that is being rebuilt seldom answers sooner

logger = logging.getLogger(__name__)


class Refusal(Exception):
    """An answer that is a problem; `detail` says what is wrong and what to do about it."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        title: str = "",
        errors: list[Fault] | None = None,
        candidates: list[ContractHit] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.title = title or HTTPStatus(status).phrase
        self.errors, self.candidates = errors or [], candidates or []


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(IncidentClosed, _conflict)
    app.add_exception_handler(NoMailServer, _conflict)
    app.add_exception_handler(TelemetryUnavailable, _unavailable)
    app.add_exception_handler(QueryFault, _unexpected)
    app.add_exception_handler(NotProven, _not_proven)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(ProofUnknown, _ask_again)
    app.add_exception_handler(ControlUnavailable, _ask_again)
    app.add_exception_handler(TooOften, _too_often)
    app.add_exception_handler(OutOfReach, _out_of_reach)
    app.add_exception_handler(ViewNotReady, _not_ready)
    app.add_exception_handler(Exception, _unexpected)


def answer(
    request: Request, refusal: Refusal, headers: dict[str, str] | None = None
) -> JSONResponse:
    """The problem document for `refusal`, as the answer to `request`."""
    problem = Problem(
        title=refusal.title,
        status=refusal.status,
        detail=refusal.detail,
        instance=_place(request),
        errors=refusal.errors,
        candidates=refusal.candidates,
    )
    return JSONResponse(
        problem.model_dump(mode="json"), refusal.status, headers=headers, media_type=MEDIA_TYPE
    )


async def _refusal(request: Request, error: Exception) -> JSONResponse:
    return answer(request, cast("Refusal", error))


async def _http(request: Request, error: Exception) -> JSONResponse:
    fault = cast("HTTPException", error)
    headers = dict(fault.headers or {})
    return answer(request, Refusal(fault.status_code, str(fault.detail)), headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    faults = [
        Fault(where=".".join(str(part) for part in fault["loc"]), rule=str(fault["msg"]))
        for fault in cast("RequestValidationError", error).errors()
    ]
    detail = "; ".join(f"{fault.where}: {fault.rule}" for fault in faults)
    return answer(request, Refusal(422, detail, title="The request breaks a rule", errors=faults))


async def _not_found(request: Request, error: Exception) -> JSONResponse:
    return answer(request, Refusal(404, str(error)))


async def _conflict(request: Request, error: Exception) -> JSONResponse:
    return answer(request, Refusal(409, str(error)))


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    detail = f"{error} Nothing received is lost; ask again shortly."
    title = "The index does not answer"
    return answer(request, Refusal(503, detail, title=title), {"Retry-After": str(RETRY_AFTER)})


async def _not_proven(request: Request, error: Exception) -> JSONResponse:
    refusal = Refusal(401, str(error), title="Not signed in")
    return answer(request, refusal, {"WWW-Authenticate": "Bearer"})


async def _not_allowed(request: Request, error: Exception) -> JSONResponse:
    return answer(request, Refusal(403, str(error), title="Not allowed"))


async def _ask_again(request: Request, error: Exception) -> JSONResponse:
    logger.warning("%s %s has to wait: %s", request.method, _place(request), error)
    refusal = Refusal(503, "what this needs does not answer now; ask again shortly")
    return answer(request, refusal, {"Retry-After": str(RETRY_AFTER)})


async def _too_often(request: Request, error: Exception) -> JSONResponse:
    wait = str(cast("TooOften", error).retry_after)
    return answer(request, Refusal(429, str(error)), {"Retry-After": wait})


async def _out_of_reach(request: Request, error: Exception) -> JSONResponse:
    return answer(request, Refusal(422, f"as_of: {error}", title="Nothing is known of that past"))


async def _not_ready(request: Request, error: Exception) -> JSONResponse:
    wait = str(cast("ViewNotReady", error).retry_after)
    refusal = Refusal(503, str(error), title="That past is being derived")
    return answer(request, refusal, {"Retry-After": wait})


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, _place(request), exc_info=error)
    return answer(request, Refusal(500, f"{type(error).__name__}: see the service's log."))


def _place(request: Request) -> str:
    """What was asked for; the end of a link to acknowledge is as good as a password."""
    path = request.url.path
    return f"{PATH}…" if path.startswith(PATH) else path
