"""One hop goes down under 50,000 cases within a minute: who is told what, and does intake notice?

    make bench-storm       (or: PYTHONPATH=tests python bench/storm.py --cases 50000)

So many contracts are opened over HTTP and derived. Then, calm: a sender of single facts notes how
long each acknowledgement takes. Then the storm: within `--seconds`, the ERP refuses every one of
the contracts by the same error, while that sender goes on. The bars: one page and its updates, no
turn of judging beyond two seconds, and the sender's p99 at most twice its calm one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benched_service import BenchedService
from contract_events import Intake, failed, opened
from webhook_socket import Received, webhook

AWAY = "the posting service is not reachable"
AT_ONCE = 100  # contracts of one request
RATE = 20  # requests a second of the sender that is measured


def main() -> int:
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="threadline-bench-") as data, webhook() as received:
        service = BenchedService(Path(data), {"ALERTS__WEBHOOK_URL": received.url})
        try:
            report = _measured(service, received, given)
        finally:
            service.stop()
    print(json.dumps(report, indent=2))
    calm, storm = report["calm"]["p99_ms"], report["storm"]["p99_ms"]
    kept = storm <= 2 * calm and not report["turns_over_two_seconds"]
    return 0 if kept and report["told"].get("page", 0) == 1 else 1


def _measured(
    service: BenchedService, received: Received, given: argparse.Namespace
) -> dict[str, Any]:
    names = [f"S-{number}" for number in range(given.cases)]
    intake = Intake(service.intake)
    for part in _parts(names):
        intake.post(event for name in part for event in opened(name))
    _derived(service)
    calm = _timed(service, lambda: time.sleep(given.seconds))
    begun = time.time()
    storm = _timed(service, lambda: _refuse_all(intake, names, given.seconds))
    sent = time.time() - begun
    _derived(service)
    derived = time.time() - begun
    received.wait_for(len(received.bodies) + 1, 5)
    turns = service.evaluations()
    hops = [one for one in service.items("/api/v1/incidents") if one["severity"] == "failure"]
    return {
        "cases": given.cases,
        "calm": calm,
        "storm": storm,
        "seconds_to_send": round(sent, 1),
        "seconds_until_derived": round(derived, 1),
        "told": dict(Counter(_kind(body) for _, body in received.bodies)),
        "first_told_after_seconds": [round(at - begun, 2) for at, _ in received.bodies[:1]],
        "incidents_of_hops": [(one["cases"], one["state"]) for one in hops],
        "turns": turns,
        "turns_over_two_seconds": turns["+Inf"] - turns["2.0"],
        "peak_rss_megabytes": service.peak_rss(),
    }


def _kind(body: dict[str, Any]) -> str:
    """page, update, resolved…; a payload of version 1 knows pages only."""
    return str(body.get("kind", "page"))


def _refuse_all(intake: Intake, names: Sequence[str], seconds: float) -> None:
    parts = list(_parts(names))
    begun = time.monotonic()
    for place, part in enumerate(parts):
        time.sleep(max(0.0, begun + seconds * place / len(parts) - time.monotonic()))
        intake.post(failed(name, AWAY) for name in part)


def _timed(service: BenchedService, during: Any) -> dict[str, float]:
    """How long acknowledgements of single facts took while `during` went on, in milliseconds."""
    took: list[float] = []
    over = threading.Event()

    def send() -> None:
        intake, number = Intake(service.intake), 0
        while not over.wait(1 / RATE):
            number += 1
            took.append(intake.post(opened(f"calm-{number}")[:1]))

    sender = threading.Thread(target=send)
    sender.start()
    during()
    over.set()
    sender.join()
    took.sort()
    at = {share: took[min(len(took) - 1, len(took) * share // 100)] for share in (50, 99)}
    return {"requests": len(took)} | {f"p{share}_ms": round(at[share] * 1e3, 2) for share in at}


def _parts(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)]


def _derived(service: BenchedService) -> None:
    while service.behind():
        time.sleep(0.5)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
