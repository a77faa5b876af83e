"""A service to kill, and everything that sends to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from killable_service import Sender, Service, free_ports
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    http, grpc, api = (f"127.0.0.1:{port}" for port in free_ports(3))
    running = Service(data=tmp_path, http=http, grpc=grpc, api=api)
    yield running
    if running.process is not None and running.process.poll() is None:
        running.kill()


@pytest.fixture
def sender(service: Service) -> Iterator[Sender]:
    """Real exporters over HTTP and gRPC, and CloudEvents, all at once."""
    one = Sender()
    http = HttpExporter(endpoint=f"http://{service.http}/v1/traces", timeout=2)
    grpc = GrpcExporter(endpoint=service.grpc, insecure=True, timeout=2)
    works: list[Callable[[], None]] = [
        lambda: one.send_spans(http, "erp-http"),
        lambda: one.send_spans(grpc, "erp-grpc"),
        lambda: one.send_events(f"http://{service.http}/v1/events"),
    ]
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    yield one
    one.stopping.set()
    for thread in threads:
        thread.join(timeout=30)
