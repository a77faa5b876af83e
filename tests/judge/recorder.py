"""Records what a world emits, on the wire: a server that answers as the service does and keeps it.

    PYTHONPATH=tests python -m judge.recorder --seed 1 --out DIR

`DIR` then holds `world.json` (seed, start, end), `truth.json` (what became of each contract, known
to the simulator alone) and `tape.jsonl`: one line per request, with the instant of the world at
which it was delivered, its channel, its headers, and its body as sent, in base64.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from threadline.simulator import World, play

END = datetime(2026, 6, 30, 12, tzinfo=UTC)
EXPORT = "opentelemetry.proto.collector.trace.v1.TraceService"
CREDIBLE = 2000
TRANSIT = timedelta(seconds=2)


class Tape:
    """The lines of a tape. A request is delivered after the last thing that it tells of."""

    def __init__(self, start: datetime) -> None:
        self.lines: list[dict[str, Any]] = []
        self._reached = start
        self._writing = threading.Lock()

    def put(self, channel: str, body: bytes, headers: dict[str, str], told: datetime) -> None:
        with self._writing:
            self._reached = max(self._reached, told + TRANSIT)
            line = {
                "n": len(self.lines),
                "at": self._reached.isoformat(),
                "channel": channel,
                "headers": headers,
                "body": base64.b64encode(body).decode(),
            }
            self.lines.append(line)


def record(world: World, directory: Path) -> None:
    """Play `world` to a recording server and write what it heard to `directory`."""
    begin = min(act.begins for act in world.acts if act.begins.year > CREDIBLE)
    tape = Tape(begin)
    with _http(tape) as http, _rpc(tape) as rpc:
        play(world, http, rpc, f"{http}/v1/events", lambda *_: None)
    directory.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(line) + "\n" for line in tape.lines)
    (directory / "tape.jsonl").write_text(lines, encoding="utf-8")
    about = {"seed": world.seed, "start": begin.isoformat(), "end": world.now.isoformat()}
    (directory / "world.json").write_text(json.dumps(about), encoding="utf-8")
    truth = {"fates": world.fates}
    (directory / "truth.json").write_text(json.dumps(truth), encoding="utf-8")


@contextmanager
def _http(tape: Tape) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept = {
                name.lower(): value
                for name, value in self.headers.items()
                if name.lower().startswith(("content-type", "content-encoding", "ce-"))
            }
            channel = "traces-http" if self.path == "/v1/traces" else "events"
            told = _spans(_plain(body, kept)) if channel == "traces-http" else _events(body, kept)
            tape.put(channel, body, kept, told)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The tape is the log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _rpc(tape: Tape) -> Iterator[str]:
    def export(body: bytes, _: grpc.ServicerContext) -> bytes:
        tape.put("traces-grpc", body, {}, _spans(body))
        return ExportTraceServiceResponse().SerializeToString()

    handler = grpc.method_handlers_generic_handler(
        EXPORT, {"Export": grpc.unary_unary_rpc_method_handler(export)}
    )
    server = grpc.server(ThreadPoolExecutor(2), handlers=[handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(1).wait()


def _plain(body: bytes, headers: dict[str, str]) -> bytes:
    return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body


def _spans(body: bytes) -> datetime:
    request = ExportTraceServiceRequest.FromString(body)
    last = max(
        span.end_time_unix_nano
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )
    return datetime.fromtimestamp(last / 1e9, UTC)


def _events(body: bytes, headers: dict[str, str]) -> datetime:
    if "ce-time" in headers:
        return datetime.fromisoformat(headers["ce-time"])
    read = json.loads(body)
    events = read if isinstance(read, list) else [read]
    return max(datetime.fromisoformat(event["time"]) for event in events)


def main() -> None:
    """Record one world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--contracts", type=int, default=40)
    parser.add_argument("--troubled", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    world = World(given.seed, given.contracts, now=END, troubled=given.troubled)
    record(world, given.out)


if __name__ == "__main__":
    main()
