"""The service as its users run it: a process, real ports, the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from killable_service import Service, free_ports

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    """The user's own definitions; empty."""
    directory = tmp_path / "definitions"
    directory.mkdir()
    return directory


@pytest.fixture
def service(tmp_path: Path, definitions: Path) -> Iterator[Service]:
    data = tmp_path / "data"
    data.mkdir()
    http, grpc, api = (f"127.0.0.1:{port}" for port in free_ports(3))
    settings = {"THREADLINE_DEFINITIONS_DIR": str(definitions)}
    running = Service(data=data, http=http, grpc=grpc, api=api, settings=settings)
    yield running
    if running.process is not None and running.process.poll() is None:
        running.kill()


@pytest.fixture
def threadline(service: Service) -> Run:
    """Runs a command with the settings of the service."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "threadline.cli", *arguments],
            env=os.environ | service.environment() | {"COLUMNS": "100"},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    return run


@pytest.fixture
def send(service: Service) -> Callable[[str, str], None]:
    """Sends one business event of a contract from the system it is named after; it is durable
    afterwards."""

    def sent(name: str, contract: str, **data: object) -> None:
        event = {
            "specversion": "1.0",
            "id": f"{contract}-{name}",
            "source": f"/{name.partition('.')[0]}",
            "type": name,
            "time": "2026-06-01T09:00:00Z",
            "data": {"contract.id": contract, **data},
        }
        url = f"http://{service.http}/v1/events"
        headers = {"content-type": "application/cloudevents+json"}
        httpx.post(url, json=event, headers=headers).raise_for_status()

    return sent
