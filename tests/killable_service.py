"""The service as a process that can be killed, and senders that note what was acknowledged."""

from __future__ import annotations

import itertools
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

READY_SECONDS = 60


@dataclass
class Service:
    """`threadline serve` over one data directory; started and killed as often as one likes."""

    data: Path
    http: str
    grpc: str
    api: str
    process: subprocess.Popen[bytes] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {
            "THREADLINE_DATA_DIR": str(self.data),
            "THREADLINE_INTAKE__HTTP": self.http,
            "THREADLINE_INTAKE__GRPC": self.grpc,
            "THREADLINE_API__LISTEN": self.api,
            "THREADLINE_API__STALE_SECONDS": "0",
            **self.settings,
        }

    def start(self, command: Sequence[str] = ("-m", "threadline.cli")) -> None:
        with (self.data / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command, "serve"],
                env=os.environ | self.environment(),
                stdout=log,
                stderr=log,
            )

    def wait_until_ready(self) -> None:
        self._wait(lambda: self._finds("/readyz"), "ready")

    def wait_until_derived(self) -> None:
        self._wait(lambda: self.get("/api/v1/health")["entries_behind"] == 0, "done deriving")

    def wait_until_said(self, words: str) -> None:
        self._wait(lambda: words in (self.data / "service.log").read_text(), f"saying {words!r}")

    def wait_until_found(self, path: str) -> None:
        self._wait(lambda: self._finds(path), "serving it")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wait_until_dead(self) -> None:
        assert self.process is not None
        assert self.process.wait(READY_SECONDS) == -signal.SIGKILL, self._last_words()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=60)

    def get(self, path: str) -> Any:
        return httpx.get(f"http://{self.api}{path}", timeout=30).raise_for_status().json()

    def _finds(self, path: str) -> bool:
        return httpx.get(f"http://{self.api}{path}").status_code == 200

    def _wait(self, is_so: Any, what: str) -> None:
        # A real process is waited for by asking it; nothing is judged by how long it takes.
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            with suppress(httpx.HTTPError):
                if is_so():
                    return
            assert self.process is None or self.process.poll() is None, self._last_words()
            threading.Event().wait(0.05)
        raise AssertionError(f"the service was not {what}: {self._last_words()}")

    def _last_words(self) -> str:
        return (self.data / "service.log").read_text(errors="replace")[-2000:]


@dataclass
class Sender:
    """Sends in a thread of its own until told to stop, noting what was acknowledged."""

    acknowledged: set[str] = field(default_factory=set)
    stopping: threading.Event = field(default_factory=threading.Event)
    progress: threading.Condition = field(default_factory=threading.Condition)

    def send_spans(self, exporter: SpanExporter, service: str) -> None:
        while not self.stopping.is_set():
            spans = _spans(service, 50)
            if exporter.export(spans) is SpanExportResult.SUCCESS:
                self._note(_key(span) for span in spans)
        exporter.shutdown()

    def send_events(self, url: str) -> None:
        with httpx.Client(timeout=2) as client:
            while not self.stopping.is_set():
                event = _event()
                with suppress(httpx.HTTPError):
                    if client.post(url, json=event, headers=_STRUCTURED).status_code == 200:
                        self._note([event["id"]])

    def wait_for(self, more: int) -> None:
        """Until so many more were acknowledged."""
        with self.progress:
            enough = len(self.acknowledged) + more
            assert self.progress.wait_for(lambda: len(self.acknowledged) >= enough, READY_SECONDS)

    def _note(self, keys: Any) -> None:
        with self.progress:
            self.acknowledged.update(keys)
            self.progress.notify_all()


logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # refusals are the point here

_STRUCTURED = {"content-type": "application/cloudevents+json"}


def _spans(service: str, count: int) -> Sequence[ReadableSpan]:
    made: list[ReadableSpan] = []
    provider = TracerProvider(resource=Resource({"service.name": service}))
    provider.add_span_processor(SimpleSpanProcessor(_Keeping(made)))
    tracer = provider.get_tracer("crash")
    for number in range(count):
        attributes = {"contract.id": f"C-{number}", "note": "x" * 50}
        with tracer.start_as_current_span("erp.project.created", attributes=attributes):
            pass
    return made


class _Keeping(SpanExporter):
    def __init__(self, made: list[ReadableSpan]) -> None:
        self._made = made

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._made += spans
        return SpanExportResult.SUCCESS


def _key(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}/{span.context.span_id:016x}"


def _event() -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/clm",
        "type": "clm.contract.approved",
        "time": "2026-06-01T12:00:00Z",
        "data": {"contract.id": "C-1"},
    }


_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = itertools.cycle(range(20_000 + 1_000 * _WORKER, 21_000 + 1_000 * _WORKER))


def free_ports(count: int) -> Sequence[int]:
    """Ports that nobody listens at, none twice soon.

    They are bound by others later, and again after a kill: so they are of a range of this worker's
    own, below the ports that the system gives to connections.
    """
    return list(itertools.islice(filter(_is_free, _PORTS), count))


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def stored_facts(data: Path) -> dict[str, int]:
    """Every stored span (`trace/span`) or event (its CloudEvents id), and how often it counts."""
    asked = [sys.executable, str(Path(__file__).parent / "crash" / "stored_facts.py"), str(data)]
    found = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    rows: dict[str, int] = json.loads(found)
    return rows
