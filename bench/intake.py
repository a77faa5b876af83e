"""Spans acknowledged per second over OTLP/HTTP, sender on the same cores, backlog drained to cases.

    make bench          (or: python bench/intake.py --seconds 60)

Starts the service over an empty directory, sends for a while, waits until everything that was
acknowledged is derived to cases, and compares with only parsing the same bytes. The bar: 40,000
spans acknowledged per second, peak RSS under 2 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlp_requests import SPANS, Requests

HERE = Path(__file__).parent
PORTS = {"INTAKE__HTTP": 14318, "INTAKE__GRPC": 14317, "API__LISTEN": 18080}


def main() -> int:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="threadline-bench-") as data:
        service = _start(Path(data))
        try:
            sent = _send(arguments.seconds, arguments.connections)
            behind = _health()["entries_behind"]
            started = time.monotonic()
            while _health()["entries_behind"]:
                time.sleep(0.25)
            drained = time.monotonic() - started
            report = _report(sent, behind, drained, service.pid)
        finally:
            service.terminate()
            service.wait(timeout=60)
    print(json.dumps(report, indent=2))
    return 0 if report["spans_acknowledged_per_second"] >= 40_000 else 1


def _report(sent: dict[str, Any], behind: int, drained: float, pid: int) -> dict[str, Any]:
    spans, seconds = sent["acknowledged_spans"], sent["seconds"]
    parse = _parse_only()
    return {
        "spans_acknowledged": spans,
        "spans_acknowledged_per_second": round(spans / seconds),
        "spans_per_second_to_cases": round(spans / (seconds + drained)),
        "requests_behind_when_sending_ended": behind,
        "seconds_to_drain": round(drained, 1),
        "facts_stored": _facts(),
        "peak_rss_megabytes": _peak_rss(pid),
        "spans_parsed_only_per_second": round(SPANS / parse),
        "share_of_only_parsing": round(spans / seconds * parse / SPANS, 3),
        "sender": sent,
    }


def _parse_only() -> float:
    """Seconds to parse one request with the official classes, reading nothing from it."""
    bodies = [Requests(time.time_ns()).body(number) for number in range(200)]
    started = time.perf_counter()
    for body in bodies:
        ExportTraceServiceRequest.FromString(body)
    return (time.perf_counter() - started) / len(bodies)


def _send(seconds: float, connections: int) -> dict[str, Any]:
    done = subprocess.run(
        [
            sys.executable,
            str(HERE / "loadgen.py"),
            f"--url=http://127.0.0.1:{PORTS['INTAKE__HTTP']}/v1/traces",
            f"--seconds={seconds}",
            f"--connections={connections}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    sent: dict[str, Any] = json.loads(done.stdout)
    return sent


def _start(data: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"THREADLINE_DATA_DIR": str(data)}
    environment |= {f"THREADLINE_{name}": f"127.0.0.1:{port}" for name, port in PORTS.items()}
    service = subprocess.Popen(
        [sys.executable, "-m", "threadline.cli", "serve"],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    for _ in range(240):
        if service.poll() is not None:
            sys.exit("the service did not start; is a port taken?")
        try:
            _get("/readyz")
        except OSError:
            time.sleep(0.25)
        else:
            return service
    sys.exit("the service was not ready within a minute")


def _health() -> dict[str, Any]:
    health: dict[str, Any] = json.loads(_get("/api/v1/health"))
    return health


def _facts() -> int:
    sources = json.loads(_get("/api/v1/sources"))["items"]
    return sum(source["facts"] for source in sources)


def _peak_rss(pid: int) -> int:
    """Of the service process; its children are none."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) // 1024 if found else 0


def _get(path: str) -> bytes:
    url = f"http://127.0.0.1:{PORTS['API__LISTEN']}{path}"
    with urllib.request.urlopen(url, timeout=60) as got:
        body: bytes = got.read()
    return body


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
