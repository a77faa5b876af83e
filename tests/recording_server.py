"""A server that answers as the service's intake does, and hands on what it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import grpc
from loopback import served
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
GRPC = f"/{_SERVICE}/Export"  # the path of what comes over gRPC

Put = Callable[[str, dict[str, str], bytes], None]  # path, headers, body; from any thread


@contextmanager
def recording(put: Put) -> Iterator[tuple[str, str]]:
    """The address over HTTP and that over gRPC; headers are those that bodies depend on."""
    with _http(put) as http, _rpc(put) as rpc:
        yield http, rpc


@contextmanager
def _http(put: Put) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept = {
                name.lower(): value
                for name, value in self.headers.items()
                if name.lower().startswith(("content-type", "content-encoding", "ce-"))
            }
            put(self.path, kept, body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """What is put is the log."""

    with served(Handler) as url:
        yield url


@contextmanager
def _rpc(put: Put) -> Iterator[str]:
    def export(body: bytes, _: grpc.ServicerContext) -> bytes:
        put(GRPC, {}, body)
        return bytes(ExportTraceServiceResponse().SerializeToString())

    handler = grpc.method_handlers_generic_handler(
        _SERVICE, {"Export": grpc.unary_unary_rpc_method_handler(export)}
    )
    server = grpc.server(ThreadPoolExecutor(2), handlers=[handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(1).wait()
