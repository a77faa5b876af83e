"""Requests that the service could be made to send: by receivers, attributes, ids, tokens."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
from outcomes import Outcome
from target import Target, approved, until


class Listener:
    """An address, what it was asked, and where it sends whoever asks."""

    def __init__(self, location: str = "") -> None:
        self.asked: list[str] = []
        self.location = location
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.asked.append(f"{self.command} {self.path}")
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(307 if listener.location else 200)
                if listener.location:
                    self.send_header("location", listener.location)
                self.send_header("content-length", "0")
                self.end_headers()

            do_POST = do_GET  # noqa: N815  http.server names it

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def redirects(target: Target) -> Iterator[Outcome]:
    """A receiver that sends pages on to where nobody configured them."""
    receiver, secret = target.receiver, Listener()
    assert isinstance(receiver, Listener)
    with secret.listening():
        receiver.location = f"{secret.url}/latest/meta-data"
        started = datetime.now(UTC) - timedelta(hours=24) + timedelta(seconds=4)
        told = {"contract.tier": "expedited", "note": secret.url}
        target.send(approved("C-LATE", **told) | {"time": started.isoformat()})
        until(lambda: bool(receiver.asked))
        target.settle()
        held, how = secret.asked == [], f"{len(receiver.asked)} asked, none went where it pointed"
    yield Outcome("a receiver that redirects to an inner address", held, how)


def attributes(target: Target) -> Iterator[Outcome]:
    """Addresses wherever input, ids or tokens may carry one."""
    with Listener().listening() as canary:
        url = canary.url
        named = {"runbook": url, "url.full": url, "callback": url, "avatar": f"{url}/a.png"}
        from_there = {"source": f"{url}/source", "dataschema": f"{url}/schema"}
        target.send(approved("C-SSRF", **named) | from_there)
        target.settle()
        target.ask("support", "/api/v1/contracts/C-SSRF")
        for path in ("/api/v1/contracts/", "/api/v1/facts/", "/api/v1/incidents/"):
            target.ask("admin", path + quote(url, safe=""))
        pointing = {"authorization": f"Bearer {_pointing_at(url)}"}
        httpx.get(f"{target.api}/api/v1/me", headers=pointing)
        asked = list(canary.asked)
    yield Outcome("addresses in attributes, ids and token heads", asked == [], "none was asked")


def _pointing_at(url: str) -> str:
    """A token that says where its keys are, and who issued it."""
    head = {"alg": "RS256", "jku": url, "x5u": url, "kid": url}
    claims = {"iss": url, "aud": "threadline", "sub": "x", "exp": 4_000_000_000}
    parts = [json.dumps(part).encode() for part in (head, claims)] + [b"x" * 256]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


ATTACKS = (attributes, redirects)
