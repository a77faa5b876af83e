"""A receiver on the loopback that keeps what the simulator's exporters deliver."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import grpc
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from loopback import served
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as traces_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Request = traces.ExportTraceServiceRequest


@dataclass
class Receiver:
    """Where to send, and what has come. `refusals` is how many events to refuse first."""

    http: str = ""
    grpc: str = ""
    spans: list[tuple[str, Span]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    modes: set[str] = field(default_factory=set)
    refusals: int = 0

    @property
    def events_url(self) -> str:
        return f"{self.http}/v1/events"

    def take(self, request: Request) -> None:
        for resource in request.resource_spans:
            names = {a.key: a.value.string_value for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(names["service.name"], span) for span in scope.spans]

    def take_event(self, headers: dict[str, str], body: bytes) -> None:
        content_type = headers.get("content-type", "")
        if content_type.startswith("application/cloudevents-batch"):
            self.modes.add("batched")
            self.events += json.loads(body)
        elif content_type.startswith("application/cloudevents"):
            self.modes.add("structured")
            self.events.append(json.loads(body))
        else:
            self.modes.add("binary")
            event = from_http_event(HTTPMessage(headers=headers, body=body))
            self.events.append({**event.get_attributes(), "data": event.get_data()})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    keeper = Receiver()
    server = grpc.server(ThreadPoolExecutor(2))
    traces_grpc.add_TraceServiceServicer_to_server(_service(keeper), server)
    keeper.grpc = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    with served(_handler(keeper)) as keeper.http:
        yield keeper
    server.stop(None).wait()


def _service(keeper: Receiver) -> traces_grpc.TraceServiceServicer:
    class Service(traces_grpc.TraceServiceServicer):
        def Export(self, request: Request, context: Any) -> Any:  # noqa: N802 (gRPC's name)
            keeper.take(request)
            return traces.ExportTraceServiceResponse()

    return Service()


def _handler(keeper: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces":
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                keeper.take(Request.FromString(body))
                self._answer(200)
            elif keeper.refusals:
                keeper.refusals -= 1
                self._answer(503)
            else:
                keeper.take_event({k.lower(): v for k, v in self.headers.items()}, body)
                self._answer(202)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet: the tests read `Receiver`."""

    return Handler
