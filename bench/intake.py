"""Spans acknowledged per second over OTLP/HTTP, sender on the same cores, backlog drained to cases.

    make bench          (or: python bench/intake.py --seconds 60)

Starts the service over an empty directory, sends for a while, waits until everything that was
acknowledged is derived to cases, and compares with only parsing the same bytes. The bar: 40,000
spans acknowledged per second, peak RSS under 2 GB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benched_service import BenchedService
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlp_requests import SPANS, Requests

HERE = Path(__file__).parent


def main() -> int:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="threadline-bench-") as data:
        service = BenchedService(Path(data))
        try:
            sent = _send(service.intake, arguments.seconds, arguments.connections)
            behind = service.behind()
            started = time.monotonic()
            while service.behind():
                time.sleep(0.25)
            drained = time.monotonic() - started
            report = _report(service, sent, behind, drained)
        finally:
            service.stop()
    print(json.dumps(report, indent=2))
    return 0 if report["spans_acknowledged_per_second"] >= 40_000 else 1


def _report(
    service: BenchedService, sent: dict[str, Any], behind: int, drained: float
) -> dict[str, Any]:
    spans, seconds = sent["acknowledged_spans"], sent["seconds"]
    parse = _parse_only()
    return {
        "spans_acknowledged": spans,
        "spans_acknowledged_per_second": round(spans / seconds),
        "spans_per_second_to_cases": round(spans / (seconds + drained)),
        "requests_behind_when_sending_ended": behind,
        "seconds_to_drain": round(drained, 1),
        "facts_stored": sum(source["facts"] for source in service.sources()),
        "peak_rss_megabytes": service.peak_rss(),
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


def _send(intake: str, seconds: float, connections: int) -> dict[str, Any]:
    done = subprocess.run(
        [
            sys.executable,
            str(HERE / "loadgen.py"),
            f"--url=http://{intake}/v1/traces",
            f"--seconds={seconds}",
            f"--connections={connections}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    sent: dict[str, Any] = json.loads(done.stdout)
    return sent


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
