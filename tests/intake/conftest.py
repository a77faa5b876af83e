import asyncio
import resource
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client import CollectorRegistry

from collector.intake.counts import IntakeCounts
from collector.intake.grpc import serve
from collector.intake.http import create_app
from threadline.clock import FixedClock
from threadline.model.entries import Entry
from threadline.settings import IntakeSettings, LogSettings
from threadline.store.log import Log

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@dataclass(kw_only=True)
class Intake:
    """Both ports of intake, served on loopback, and what they have logged."""

    http: str
    grpc: str
    log: Log
    registry: CollectorRegistry
    client: httpx.Client
    seen: dict[int, int]

    def logged(self) -> list[Entry]:
        """What was logged since this was last asked."""
        batch = self.log.read(self.seen, max_bytes=1 << 30, max_entries=1 << 20)
        self.seen = self.log.end()
        return [logged.entry for logged in batch]

    def post(self, path: str, content: Any, content_type: str = "", **headers: str) -> Any:
        """One request by a plain HTTP client; in names of headers, `_` stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type:
            named["content-type"] = content_type
        return self.client.post(self.http + path, content=content, headers=named)

    def count(self, signal: str, outcome: str) -> float:
        """Requests counted so far."""
        labels = {"signal": signal, "outcome": outcome}
        return self.registry.get_sample_value("threadline_intake_requests_total", labels) or 0


@contextmanager
def served(log: Log, settings: IntakeSettings, **room: Any) -> Iterator[Intake]:
    """Serves `log` from a thread of its own."""
    registry = CollectorRegistry()
    counts = IntakeCounts(registry)
    clock = FixedClock(NOW)
    app = create_app(log, settings, clock=clock, counts=counts, **room)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    )
    ports: list[int] = []
    ready = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    async def run() -> None:
        grpc = await serve(log, settings, clock=clock, counts=counts, **room)
        ports.append(grpc.port)
        ready.set()
        await server.serve(sockets=[listening])
        await grpc.stop(1)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        assert ready.wait(30)
        with httpx.Client(timeout=60) as client:
            yield Intake(
                http=f"http://127.0.0.1:{listening.getsockname()[1]}",
                grpc=f"127.0.0.1:{ports[0]}",
                log=log,
                registry=registry,
                client=client,
                seen=log.end(),
            )
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def shared_intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    log = Log.open(LogSettings(dir=tmp_path_factory.mktemp("log")), FixedClock(NOW))
    settings = IntakeSettings(grpc="127.0.0.1:0", max_body_bytes=1 << 20)
    with served(log, settings) as intake:
        yield intake
    log.close()


@pytest.fixture
def intake(shared_intake: Intake) -> Intake:
    """An intake that takes bodies of up to 1 MiB."""
    shared_intake.logged()
    return shared_intake


@pytest.fixture
def intake_with(tmp_path: Path) -> Iterator[Callable[..., Intake]]:
    """An intake of this test's own, over a log in `tmp_path / "log"` with the given settings.

    `room` is what else `create_app` and `serve` take.
    """
    with ExitStack() as stack:

        def start(room: dict[str, Any] | None = None, **settings: Any) -> Intake:
            log = Log.open(LogSettings(dir=tmp_path / "log", **settings), FixedClock(NOW))
            stack.callback(log.close)
            return stack.enter_context(
                served(log, IntakeSettings(grpc="127.0.0.1:0"), **(room or {}))
            )

        yield start


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """A file of the real data beside the repository; skips where it is missing."""

    def find(name: str) -> Path:
        file = Path(__file__).parents[3] / "shared" / "data" / name
        if not file.exists():
            pytest.skip(f"the real data is not beside this repository: {name}")
        return file

    return find


@pytest.fixture(scope="session")
def traces() -> Callable[..., bytes]:
    """Builds trace requests with the official messages."""

    def build(
        spans: int = 1,
        trace_id: bytes = b"\x01" * 16,
        span_id: bytes = b"\x02" * 8,
        name: str = "s",
    ) -> bytes:
        request = ExportTraceServiceRequest()
        scope = request.resource_spans.add().scope_spans.add()
        for number in range(spans):
            scope.spans.add(name=f"{name} {number}", trace_id=trace_id, span_id=span_id)
        return request.SerializeToString()

    return build


@pytest.fixture(scope="session")
def logs() -> bytes:
    """A request with one log record."""
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(severity_text="INFO")
    return request.SerializeToString()


@contextmanager
def stalled(directory: Path) -> Iterator[None]:
    """The log's writer waits while somebody else holds the database's write lock."""
    file = max((directory / "log").glob("*.sqlite"))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def stalled_log(tmp_path: Path) -> Callable[[], AbstractContextManager[None]]:
    """While entered, nothing can be committed to the log of `intake_with`."""
    return lambda: stalled(tmp_path)


@pytest.fixture
def full_disk() -> Callable[[], AbstractContextManager[None]]:
    """While entered, no file of this process may grow beyond 64 KiB."""

    @contextmanager
    def enter() -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return enter
