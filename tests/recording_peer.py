"""A peer on loopback that holds what it is sent against a schema, and answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from loopback import served


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Peer:
    """`answers` are given in turn: (status, body, headers); then `usual`, over and over.

    `schemas` are by method and path; what breaks its own, or has none where there are some, is
    answered with 400 and kept in `broken`.
    """

    usual: tuple[int, Any, Mapping[str, str]] = (200, {}, {})
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    answers: list[tuple[int, Any, Mapping[str, str]]] = field(default_factory=list)
    received: list[Request] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, request: Request) -> tuple[int, Any, Mapping[str, str]]:
        self.received.append(request)
        faults = self._faults(request)
        self.broken += faults
        if faults:
            return 400, {"errors": faults}, {}
        return self.answers.pop(0) if self.answers else self.usual

    def _faults(self, request: Request) -> list[str]:
        if not self.schemas or not request.body:
            return []
        schema = self.schemas.get(f"{request.method} {request.path}")
        if schema is None:
            return [f"{request.method} {request.path} is documented nowhere"]
        checker = Draft202012Validator(schema, format_checker=FormatChecker())
        return [fault.message for fault in checker.iter_errors(request.json)]


@contextmanager
def peer(**settings: Any) -> Iterator[Peer]:
    """One that listens until the block ends; everything it got kept to its schemas."""
    running = Peer(**settings)
    with served(_handler(running)) as url:
        running.url = url
        yield running
    assert running.broken == []


def _handler(running: Peer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            where = urlsplit(self.path)
            request = Request(
                method=self.command,
                path=where.path,
                query=dict(parse_qsl(where.query)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
            )
            status, body, headers = running.answer(request)
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | dict(headers)).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815  http.server names them

        def log_message(self, *_: object) -> None:
            """What is received is the log."""

    return Handler
