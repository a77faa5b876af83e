"""Refusals as HTTP answers: RFC 9457 problem details, or google.rpc.Status to who sent protobuf."""

from __future__ import annotations

import json
from http import HTTPStatus

from fastapi import Response
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.intake.media import PROTOBUF
from collector.intake.refusals import Refusal


def refused(refusal: Refusal, media_type: str) -> Response:
    """The answer to a request whose answers have `media_type`."""
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if media_type == PROTOBUF:
        content = status(refusal).SerializeToString()
        return Response(content, refusal.status, headers, PROTOBUF)
    return problem(refusal.status, refusal.detail, headers)


def problem(code: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """A problem document."""
    content = {"type": "about:blank", "title": HTTPStatus(code).phrase, "status": int(code)}
    body = json.dumps(content | {"detail": detail})
    return Response(body, code, headers, "application/problem+json")


def status(refusal: Refusal) -> Status:
    """The refusal in the words of gRPC; when to try again is a `RetryInfo` among its details."""
    said = Status(code=refusal.code, message=refusal.detail)
    if refusal.retry_after is not None:
        said.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=refusal.retry_after)))
    return said
