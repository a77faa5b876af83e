"""A service in a process of its own, over a directory of its own, as a benchmark sees it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

PORTS = {"INTAKE__HTTP": 14318, "INTAKE__GRPC": 14317, "API__LISTEN": 18080}
_STAGE = re.compile(r'threadline_pipeline_batch_seconds_sum\{stage="(\w+)"\} (\S+)')

_TURNS = re.compile(r'threadline_alerts_evaluation_seconds_bucket\{le="(\S+)"\} (\S+)')


class BenchedService:
    """Started over the directory `data` and ready; it ends this process when it does not start."""

    def __init__(self, data: Path, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        """`settings` are further ones, as `ALERTS__WEBHOOK_URL`."""
        self.intake = f"127.0.0.1:{PORTS['INTAKE__HTTP']}"
        self.grpc = f"127.0.0.1:{PORTS['INTAKE__GRPC']}"
        environment = os.environ | {"THREADLINE_DATA_DIR": str(data), "NO_PROXY": "127.0.0.1"}
        environment |= {f"THREADLINE_{name}": value for name, value in settings.items()}
        environment |= {f"THREADLINE_{name}": f"127.0.0.1:{port}" for name, port in PORTS.items()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "threadline.cli", "serve"],
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        self._await()

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(timeout=300)

    def behind(self) -> int:
        """How many requests are not derived yet."""
        return int(self.health()["entries_behind"])

    def health(self) -> dict[str, Any]:
        """How current its answers are."""
        told: dict[str, Any] = json.loads(self.get("/api/v1/health"))
        return told

    def sources(self) -> list[dict[str, Any]]:
        """What each source has sent."""
        return self.items("/api/v1/sources")

    def items(self, path: str) -> list[dict[str, Any]]:
        """The items of a list."""
        found: list[dict[str, Any]] = json.loads(self.get(path))["items"]
        return found

    def stages(self) -> dict[str, float]:
        """Seconds spent in each stage of the derivation."""
        told = self.get("/metrics").decode()
        return {stage: round(float(seconds), 1) for stage, seconds in _STAGE.findall(told)}

    def evaluations(self) -> dict[str, int]:
        """How many turns of judging deadlines took at most so many seconds."""
        told = self.get("/metrics").decode()
        return {bound: int(float(count)) for bound, count in _TURNS.findall(told)}

    def peak_rss(self) -> int:
        """Megabytes, of the service process; its children are none."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) // 1024 if found else 0

    def cpu_seconds(self) -> float:
        """Processor time so far."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str) -> bytes:
        """What the API answers."""
        url = f"http://127.0.0.1:{PORTS['API__LISTEN']}{path}"
        with urllib.request.urlopen(url, timeout=300) as got:
            body: bytes = got.read()
        return body

    def _await(self) -> None:
        for _ in range(240):
            if self._process.poll() is not None:
                sys.exit("the service did not start; is a port taken?")
            try:
                self.get("/readyz")
            except OSError:
                time.sleep(0.25)
            else:
                return
        sys.exit("the service was not ready within a minute")
