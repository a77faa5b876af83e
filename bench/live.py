"""How far cases are behind what was acknowledged, while facts come in about many open cases.

    make bench-live      (or: PYTHONPATH=tests python bench/live.py --cases 200000 --rate 20000)

A sender opens so many cases of contract-activation, as fast as they are acknowledged, and the bench
waits until they are derived. Then it goes on at `--rate` facts a second about these contracts, each
request about 48 of them, for `--seconds`, and the age of the oldest acknowledged input that is not
derived yet is asked for five times a second. The bar: 20,000 facts a second over 200,000 open
cases, p99 under 2 s.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benched_service import BenchedService
from loadgen import Connection, Tally, acknowledged
from otlp_requests import GROUPS, SPANS, TRACES, Requests

BAR_SECONDS = 2.0


def main() -> int:
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="threadline-bench-") as data:
        service = BenchedService(Path(data))
        try:
            report = _measured(service, given)
        finally:
            service.stop()
    print(json.dumps(report, indent=2))
    return 0 if report["lag_p99_seconds"] < BAR_SECONDS else 1


def send(intake: str, generations: int, rate: int, sent: Any, stopping: Any) -> None:
    """Open all cases at once, then post `rate` facts a second about them until told to stop."""
    requests, connection = Requests(time.time_ns()), Connection(f"http://{intake}/v1/traces")
    tally, opening = Tally(), generations * GROUPS
    started = time.monotonic()
    for number in range(2**32):
        if number == opening:
            while not stopping.is_set() and sent.value != 0:  # reset by the one who measures
                stopping.wait(0.1)
            started = time.monotonic()
        if number >= opening:
            due = started + (number - opening) * SPANS / rate
            if stopping.wait(max(0.0, due - time.monotonic())):
                return
        body = requests.about(number, generations)
        while not stopping.is_set() and not acknowledged(connection, body, tally):
            pass
        sent.value += 1


def _measured(service: BenchedService, given: argparse.Namespace) -> dict[str, Any]:
    generations = -(-given.cases // (GROUPS * TRACES))
    apart = multiprocessing.get_context("spawn")
    sent, stopping = apart.Value("Q", 0), apart.Event()
    sending = (service.intake, generations, given.rate, sent, stopping)
    sender = apart.Process(target=send, args=sending)
    began = time.monotonic()
    sender.start()
    try:
        while sent.value < generations * GROUPS or service.behind():
            time.sleep(0.5)
        opened = time.monotonic() - began
        found = service.items("/api/v1/journeys")
        used, began, sent.value = service.cpu_seconds(), time.monotonic(), 0
        lags = []
        while time.monotonic() < began + given.seconds:
            lags.append(float(service.health()["lag_seconds"]))
            time.sleep(0.2)
        seconds = time.monotonic() - began
        facts = sent.value * SPANS
    finally:
        stopping.set()
        sender.join()
    lags.sort()
    return {
        "open_cases": {row["journey"]: row["cases"] for row in found if row["cases"]},
        "seconds_to_open": round(opened, 1),
        "facts_per_second": round(facts / seconds),
        "service_cpu_seconds_per_second": round((service.cpu_seconds() - used) / seconds, 2),
        "lag_p50_seconds": round(lags[len(lags) // 2], 2),
        "lag_p99_seconds": round(lags[min(len(lags) - 1, len(lags) * 99 // 100)], 2),
        "lag_at_the_end_seconds": round(float(service.health()["lag_seconds"]), 2),
        "seconds_by_stage": service.stages(),
        "peak_rss_megabytes": service.peak_rss(),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=60)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
