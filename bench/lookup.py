"""How long one contract's thread takes over a full store, while facts come in.

    make bench-lookup          (or: python bench/lookup.py --store DIR --facts 20000000)

The store is filled once and kept in DIR. Then the service starts over it, a sender posts 5,000
facts a second about 5,000 contracts, and threads are asked for one after the other: of those
contracts, and of others at random, by each kind of id a person has at hand. The bar: p99 of the
open ones within 30 ms; of the cold ones p50 within 40 ms and p99 within 150 ms.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benched_service import PORTS, BenchedService
from loadgen import Connection, Tally, acknowledged
from lookup_store import fill, names
from otlp_requests import GROUPS, PHASES, SPANS, TRACES, Requests

FACTS_PER_SECOND = 5_000
GENERATIONS = 26  # of 192 contracts each, that the sender tells of again and again
KINDS = ("contract", "project", "invoice", "trace")


def main() -> int:
    given = _arguments()
    store = fill(given.store, given.facts)
    cold = names(given.store / "telemetry", given.asked)
    service = BenchedService(given.store)
    try:
        report = {"store": store, **_measured(service, cold, given)}
    finally:
        service.stop()
    print(json.dumps(report, indent=2))
    return 0 if report["within_the_bar"] else 1


def _measured(
    service: BenchedService, cold: dict[str, list[str]], given: argparse.Namespace
) -> dict[str, Any]:
    apart = multiprocessing.get_context("spawn")  # chDB has left threads in this process
    sent, stopping = apart.Value("Q", 0), apart.Event()
    sender = apart.Process(target=send, args=(service.intake, sent, stopping))
    sender.start()
    try:
        told = _until_all_are_open(service, sent)
        begun, first = time.monotonic(), sent.value
        alone = _cpu_alone(service)
        ids = {"open": list(opened())} | {f"cold by {kind}": cold[kind] for kind in KINDS}
        found = {kind: _asked(service, some, given.asked, alone) for kind, some in ids.items()}
        seconds = time.monotonic() - begun
    finally:
        stopping.set()
        sender.join()
    return {
        "service_cpu_seconds_per_second_alone": round(alone, 2),
        "facts_sent_per_second": round((sent.value - first) * SPANS / seconds),
        "seconds_until_all_open": told,
        "requests_behind_at_the_end": service.behind(),
        "peak_rss_megabytes": service.peak_rss(),
        "answers": found,
        "within_the_bar": _within(found),
    }


def _within(found: dict[str, dict[str, Any]]) -> bool:
    cold = [answers for kind, answers in found.items() if kind != "open"]
    return found["open"]["p99_ms"] <= 30 and all(
        answers["p50_ms"] <= 40 and answers["p99_ms"] <= 150 for answers in cold
    )


def send(intake: str, sent: Any, stopping: Any) -> None:
    """Post `FACTS_PER_SECOND` until told to stop, each request until it is acknowledged."""
    requests, connection = Requests(time.time_ns()), Connection(f"http://{intake}/v1/traces")
    tally = Tally()
    started = time.monotonic()
    for number in range(2**32):
        due = started + number * SPANS / FACTS_PER_SECOND
        if stopping.wait(max(0.0, due - time.monotonic())):
            return
        body = requests.about(number, GENERATIONS)
        while not stopping.is_set() and not acknowledged(connection, body, tally):
            pass
        sent.value += 1


def opened() -> Iterator[str]:
    """The contracts that the sender's spans name."""
    for generation in range(GENERATIONS):
        for group in range(GROUPS):
            for trace in range(TRACES):
                yield f"C-{generation:06}{group}{trace:02}"


def _until_all_are_open(service: BenchedService, sent: Any) -> float:
    """Wait until each contract was told of in full once, and that is derived."""
    started = time.monotonic()
    while sent.value < GENERATIONS * PHASES * GROUPS:
        time.sleep(1)
    told = service.health()["as_of"]
    while service.health()["watermark"] < told:
        time.sleep(1)
    return round(time.monotonic() - started, 1)


def _cpu_alone(service: BenchedService) -> float:
    """Processor seconds a second that the service takes while nobody asks."""
    begun = service.cpu_seconds()
    time.sleep(20)
    return (service.cpu_seconds() - begun) / 20


def _asked(service: BenchedService, ids: Sequence[str], asked: int, alone: float) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", PORTS["API__LISTEN"], timeout=60)
    chosen = random.Random(1).sample(ids, min(asked, len(ids)))
    for identifier in chosen[:10]:
        _thread(connection, identifier)
    milliseconds, missing, facts = [], 0, 0
    used, started = service.cpu_seconds(), time.monotonic()
    for identifier in chosen:
        begun = time.perf_counter()
        thread = _thread(connection, identifier)
        milliseconds.append((time.perf_counter() - begun) * 1000)
        missing += thread is None
        facts += thread["facts_total"] if thread else 0
    connection.close()
    used = service.cpu_seconds() - used - alone * (time.monotonic() - started)
    milliseconds.sort()
    return {
        "asked": len(chosen),
        "without_contract": missing,
        "service_cpu_ms_each": round(used / len(chosen) * 1000, 1),
        "facts_each": round(facts / max(len(chosen) - missing, 1)),
        **{f"p{share}_ms": round(_percentile(milliseconds, share), 1) for share in (50, 90, 99)},
    }


def _thread(connection: http.client.HTTPConnection, identifier: str) -> dict[str, Any] | None:
    connection.request("GET", f"/api/v1/contracts/{quote(identifier, safe='')}")
    answer = connection.getresponse()
    body = answer.read()
    if answer.status not in (200, 300, 404):
        sys.exit(f"HTTP {answer.status}: {body[:200]!r}")
    found: dict[str, Any] | None = json.loads(body) if answer.status == 200 else None
    return found


def _percentile(ordered: Sequence[float], share: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path(".bench/lookup-20"))
    parser.add_argument("--facts", type=int, default=20_000_000)
    parser.add_argument("--asked", type=int, default=1_000, help="threads asked for, of each kind")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
