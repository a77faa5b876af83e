"""A webhook on loopback that notes when each notification reached its socket."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """What came so far: the body of each request, and when its first byte was there."""

    url: str = ""
    bodies: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    _some: threading.Condition = field(default_factory=threading.Condition)

    def note(self, at: float, body: dict[str, Any]) -> None:
        """One more."""
        with self._some:
            self.bodies.append((at, body))
            self._some.notify_all()

    def first_by_case(self) -> dict[str, float]:
        """Unix time at which each case was first told of."""
        found: dict[str, float] = {}
        for at, body in list(self.bodies):
            found.setdefault(str(body.get("case_id") or body.get("case") or ""), at)
        return found

    def wait_for(self, count: int, seconds: float) -> bool:
        """Until so many came; False when they did not within so many seconds."""
        with self._some:
            return self._some.wait_for(lambda: len(self.bodies) >= count, seconds)


@contextmanager
def webhook() -> Iterator[Received]:
    """It answers 200 to everything."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            at = time.time()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            received.note(at, json.loads(body))

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
