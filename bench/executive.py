"""How long the executive page's questions take over a million finished cases, while facts come in.

    make bench-executive       (or: PYTHONPATH=tests python bench/executive.py --cases 1000000)

The store is filled once with copies of a small derived world, spread over 24 months, and kept.
Then the service starts over it, a sender posts 5,000 facts a second, and what one look at the page
asks is asked again and again: sources, journeys, all KPIs of 30 days, one over time, the most
urgent cases. The bar: p95 of each within 300 ms.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from pathlib import Path
from typing import Any

from benched_service import BenchedService
from lookup import send
from lookup_store import FIGURES, fill

BAR_MS = 300
PAGE = {
    "sources": "/api/v1/sources",
    "journeys": "/api/v1/journeys",
    "kpis": "/api/v1/kpis",
    "series": "/api/v1/kpis/activation-cycle-time/series?every=1d",
    "urgent": "/api/v1/kpis/value-at-risk/cases?limit=10",
}


def main() -> int:
    given = _arguments()
    store = fill(given.store, given.cases, FIGURES, ages=24)
    service = BenchedService(given.store)
    try:
        report = {"store": store, **_measured(service, given.looks)}
    finally:
        service.stop()
    print(json.dumps(report, indent=2))
    return 0 if all(one["p95_ms"] <= BAR_MS for one in report["answers"].values()) else 1


def _measured(service: BenchedService, looks: int) -> dict[str, Any]:
    quiet = _looked(service, max(looks // 5, 3))
    apart = multiprocessing.get_context("spawn")  # chDB has left threads in this process
    sent, stopping = apart.Value("Q", 0), apart.Event()
    sender = apart.Process(target=send, args=(service.intake, sent, stopping))
    sender.start()
    try:
        time.sleep(20)
        used, began, first = service.cpu_seconds(), time.monotonic(), sent.value
        busy = _looked(service, looks)
        seconds = time.monotonic() - began
        told = {
            "facts_sent_per_second": round((sent.value - first) * 512 / seconds),
            "service_cpu_seconds_per_second": round((service.cpu_seconds() - used) / seconds, 2),
            "requests_behind_at_the_end": service.behind(),
        }
    finally:
        stopping.set()
        sender.join()
    told["peak_rss_megabytes"] = service.peak_rss()
    return {**told, "answers_with_nothing_coming_in": quiet, "answers": busy}


def _looked(service: BenchedService, looks: int) -> dict[str, dict[str, float]]:
    taken: dict[str, list[float]] = {name: [] for name in PAGE}
    for _ in range(looks):
        for name, path in PAGE.items():
            begun = time.perf_counter()
            service.get(path)
            taken[name].append((time.perf_counter() - begun) * 1000)
    return {name: _told(sorted(milliseconds)) for name, milliseconds in taken.items()}


def _told(ordered: list[float]) -> dict[str, float]:
    places = {share: min(len(ordered) - 1, len(ordered) * share // 100) for share in (50, 95)}
    return {f"p{share}_ms": round(ordered[place], 1) for share, place in places.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path(".bench/executive"))
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--looks", type=int, default=40)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
