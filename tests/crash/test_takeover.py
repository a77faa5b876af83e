"""Two services over one PostgreSQL: one judges and pages, and the other when that one is gone.

Each derives what it is sent itself, so senders send to both here; they share what is not derived.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from killable_service import Service, free_ports
from postgres_cluster import Cluster

pytestmark = pytest.mark.timeout(300)

IMPATIENT = [str(Path(__file__).with_name("impatient_service.py"))]
BATCH = {"content-type": "application/cloudevents-batch+json"}
PATIENCE = 60.0


class Webhook:
    """Notes what it is told; while `stuck`, it takes messages and never answers."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.some = threading.Condition()
        self.stuck = threading.Event()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with webhook.some:
                    webhook.told.append(body)
                    webhook.some.notify_all()
                if webhook.stuck.is_set():
                    self.connection.recv(1)  # until the sender is gone
                    return
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing on the terminal."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def wait_for(self, error: str, times: int = 1) -> None:
        with self.some:
            assert self.some.wait_for(lambda: len(self.about(error)) >= times, PATIENCE), error

    def about(self, error: str) -> list[dict[str, Any]]:
        return [body for body in self.told if body["error"] == error]


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    one = Webhook()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def two(tmp_path: Path, postgres: Cluster, webhook: Webhook) -> Iterator[list[Service]]:
    name, url = postgres.create()
    services = []
    for which in ("one", "two"):
        http, grpc, api = (f"127.0.0.1:{port}" for port in free_ports(3))
        (tmp_path / which).mkdir()
        settings = {
            "THREADLINE_CONTROL__URL": url,
            "THREADLINE_ALERTS__WEBHOOK_URL": webhook.url,
            "NO_PROXY": "127.0.0.1",
        }
        services.append(
            Service(data=tmp_path / which, http=http, grpc=grpc, api=api, settings=settings)
        )
    for service in services:
        service.start(IMPATIENT)
    for service in services:
        service.wait_until_ready()
    yield services
    for service in services:
        if service.process is not None and service.process.poll() is None:
            service.kill()
    postgres.drop(name)


def leader(two: list[Service]) -> tuple[Service, Service]:
    """Who judges, and who does not; both say the same."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        said = {service.get("/api/v1/health")["evaluator"] for service in two}
        leading = [service for service in two if str(service.process.pid) in "".join(said)]
        if len(said) == len(leading) == 1:
            other = next(service for service in two if service is not leading[0])
            return leading[0], other
        time.sleep(0.05)
    raise AssertionError(f"nobody leads: {said}")


def take_over(service: Service) -> float:
    """Seconds until `service` judges."""
    begun = time.monotonic()
    while f"/{service.process.pid}/" not in service.get("/api/v1/health")["evaluator"]:
        assert time.monotonic() < begun + PATIENCE
        time.sleep(0.05)
    return time.monotonic() - begun


_numbers = itertools.count()


def hop_fails(services: list[Service], error: str) -> None:
    """Three contracts fail at one hop; every service is sent it."""
    now = datetime.now(UTC).isoformat()
    events = []
    for _ in range(3):
        name = {"contract.id": f"C-{next(_numbers)}"}
        failed = {**name, "outcome": "error", "error.message": error}
        for source, kind, data in (
            ("/clm", "clm.contract.approved", name),
            ("/middleware", "middleware.fields.validated", name),
            ("/erp", "erp.project.created", failed),
        ):
            event = {"specversion": "1.0", "id": f"{len(events)}-{error}", "time": now}
            events.append(event | {"source": source, "type": kind, "data": data})
    for service in services:
        url = f"http://{service.http}/v1/events"
        httpx.post(url, content=json.dumps(events), headers=BATCH).raise_for_status()


def test_killed_in_the_midst_of_a_page_nothing_is_lost_and_one_delivery_is_repeated(two, webhook):
    first, second = leader(two)
    hop_fails(two, "away")
    webhook.wait_for("away")
    webhook.stuck.set()
    hop_fails(two, "refused")
    webhook.wait_for("refused")
    first.kill()
    webhook.stuck.clear()
    seconds = take_over(second)
    webhook.wait_for("refused", 2)
    hop_fails([second], "timed out")
    webhook.wait_for("timed out")
    told = [body["error"] for body in webhook.told]
    assert (told.count("away"), told.count("refused"), told.count("timed out")) == (1, 2, 1)
    assert len({body["id"] for body in webhook.about("refused")}) == 1
    assert seconds < 10  # about three; how busy the machine is must not fail it
    assert len(second.get("/api/v1/incidents")["items"]) == 3


def test_one_that_stood_still_stores_nothing_once_it_goes_on(two, webhook):
    first, second = leader(two)
    os.kill(first.process.pid, signal.SIGSTOP)
    take_over(second)
    hop_fails([second], "away")
    webhook.wait_for("away")
    os.kill(first.process.pid, signal.SIGCONT)
    hop_fails([first], "refused")
    first.wait_until_derived()
    assert leader(two)[0] is second
    hop_fails([second], "timed out")
    webhook.wait_for("timed out")
    assert webhook.about("refused") == [], "only the one that leads judges"
    assert len(webhook.told) == 2


def test_one_that_is_stopped_is_succeeded_at_once(two, webhook):
    first, second = leader(two)
    assert first.stop() == 0
    take_over(second)
    hop_fails([second], "away")
    webhook.wait_for("away")
