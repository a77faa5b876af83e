"""The service under attack: a process on loopback that asks everybody for proof."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

EVENTS = "application/cloudevents+json"
PATIENCE = 60.0  # seconds


@dataclass
class Target:
    """`threadline serve` (and `dashboards`) over one directory, and a token of every kind."""

    data: Path
    environment: dict[str, str]
    ports: Mapping[str, int]
    process: subprocess.Popen[bytes] | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    issuer: str = ""  # of people's tokens
    receiver: Any = None  # where messages go

    @property
    def intake(self) -> str:
        return f"http://127.0.0.1:{self.ports['http']}"

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.ports['api']}"

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self.ports['grpc']}"

    @property
    def dashboards(self) -> str:
        return f"http://127.0.0.1:{self.ports['dashboards']}"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the operator."""
        return subprocess.run(
            [sys.executable, "-m", "threadline.cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def token(self, name: str, *scopes: str) -> str:
        """A new token, in force already; asked for again, the same."""
        if name not in self.tokens:
            made = json.loads(self.run("token", "create", name, *scopes, "--json").stdout)
            self.tokens[name] = made["token"]
            self.tokens[f"{name} id"] = made["id"]
            if self.process:
                bearer = {"authorization": f"Bearer {made['token']}"}
                until(lambda: httpx.get(f"{self.api}/api/v1/me", headers=bearer).status_code == 200)
        return self.tokens[name]

    def ask(self, role: str, path: str, **more: Any) -> httpx.Response:
        """A question in a role; '' brings no token."""
        return httpx.get(f"{self.api}{path}", headers=self.proof(role), timeout=PATIENCE, **more)

    def proof(self, role: str) -> dict[str, str]:
        """The header of a role's token."""
        if not role:
            return {}
        return {"authorization": f"Bearer {self.token(role, '--role', role)}"}

    def send(self, event: Mapping[str, Any], source: str = "clm") -> httpx.Response:
        """One event by a machine that may."""
        bearer = {"authorization": f"Bearer {self.token(f'source {source}', '--source', source)}"}
        headers = bearer | {"content-type": EVENTS}
        return httpx.post(f"{self.intake}/v1/events", json=event, headers=headers, timeout=PATIENCE)

    def settle(self) -> None:
        """Wait until everything sent is derived."""
        until(lambda: self.ask("admin", "/api/v1/health").json()["entries_behind"] == 0)

    def resident_megabytes(self) -> int:
        """The most memory the service has held."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) // 1024 if found else 0

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.data / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "threadline.cli", "serve"],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        until(lambda: httpx.get(f"{self.api}/readyz").status_code == 200)

    def stop(self) -> None:
        """End the service this started."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=PATIENCE)
            self.process = None

    def errors(self) -> list[str]:
        """What the service itself calls a failure."""
        log = (self.data / "service.log").read_text(errors="replace")
        return [line for line in log.splitlines() if " ERROR " in line or "Traceback" in line]


@contextmanager
def target(**settings: str) -> Iterator[Target]:
    """A fresh one, not started; `settings` are more variables of its environment."""
    names = ("http", "grpc", "api", "dashboards")
    with tempfile.TemporaryDirectory(prefix="threadline-security-") as place, ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in names]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        ports = {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}
        stack.pop_all().close()
        addresses = {
            "THREADLINE_INTAKE__HTTP": "http",
            "THREADLINE_INTAKE__GRPC": "grpc",
            "THREADLINE_API__LISTEN": "api",
            "THREADLINE_DASHBOARDS__LISTEN": "dashboards",
        }
        environment = {
            **os.environ,
            **{name: f"127.0.0.1:{ports[port]}" for name, port in addresses.items()},
            "THREADLINE_DATA_DIR": place,
            "THREADLINE_ACCESS__REFRESH_SECONDS": "0.2",
            **settings,
        }
        running = Target(data=Path(place), environment=environment, ports=ports)
        try:
            yield running
        finally:
            running.stop()


def until(so: Callable[[], bool]) -> None:
    """Ask again and again until it is so."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(httpx.HTTPError, OSError):
            if so():
                return
        time.sleep(0.1)
    raise TimeoutError("what was waited for did not come")


def approved(contract: str, **data: Any) -> dict[str, Any]:
    """A contract's first event."""
    told = {"specversion": "1.0", "id": f"{contract}-1", "source": "/clm"}
    told |= {"type": "clm.contract.approved", "time": "2026-06-01T09:00:00Z"}
    return told | {"data": {"contract.id": contract, **data}}
