"""Plays 90 days of 5,000 contracts into a fresh service: seconds until all is derived to cases.

    make bench-history      (or: PYTHONPATH=tests python bench/history.py --tape DIR)

The world of `history.yaml` is recorded on the wire once, through the official SDK and exporters,
and kept in DIR. Then the service starts over an empty directory, the tape is sent as fast as it is
acknowledged, and the clock stops when nothing is left to derive. Then all of it is rebuilt from
the log. The bar: about 1 million facts in
under 60 s on 2 cores, and every contract and case of the world found through the API.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import grpc
from benched_service import BenchedService
from history_tape import Request, record, requests
from recording_server import GRPC

BAR_SECONDS = 60
SENDERS = 4


def main() -> int:
    arguments = _arguments()
    world = record(arguments.tape, Path(__file__).with_name("history.yaml"), arguments.contracts)
    with tempfile.TemporaryDirectory(prefix="threadline-bench-") as data:
        service = BenchedService(Path(data))
        try:
            report = _measured(arguments.tape, world, service)
        finally:
            service.stop()
        report["rebuild"] = _rebuilt(Path(data))
    print(json.dumps(report, indent=2))
    return 0 if report["all_found"] and report["seconds_until_derived"] < BAR_SECONDS else 1


def _measured(tape: Path, world: dict[str, Any], service: BenchedService) -> dict[str, Any]:
    start, idle, own = time.monotonic(), service.cpu_seconds(), time.process_time()
    send_all(tape, service)
    sent, behind = time.monotonic() - start, service.behind()
    while service.behind():
        time.sleep(0.1)
    derived, used = time.monotonic() - start, service.cpu_seconds() - idle
    sources = service.sources()
    found = {row["journey"]: row["cases"] for row in service.items("/api/v1/journeys")}
    wanted = {**world["cases"], "contract-activation": world["contracts"]}
    return {
        "world": world,
        "facts_received": sum(row["facts"] for row in sources),
        "facts_sent_again": sum(row["duplicates"] for row in sources),
        "seconds_to_play": round(sent, 1),
        "requests_behind_when_played": behind,
        "seconds_until_derived": round(derived, 1),
        "facts_per_second_to_cases": round(world["facts"] / derived),
        "cases_found": found,
        "all_found": all(found[journey] == number for journey, number in wanted.items()),
        "peak_rss_megabytes": service.peak_rss(),
        "service_cpu_seconds": round(used, 1),
        "sender_cpu_seconds": round(time.process_time() - own, 1),
        "seconds_by_stage": service.stages(),
    }


def _rebuilt(data: Path) -> dict[str, Any]:
    """`threadline rebuild` of all that was played: it derives the log anew and compares."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "threadline.cli", "rebuild"],
        env=os.environ | {"THREADLINE_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    seconds = round(time.monotonic() - began, 1)
    said = done.stdout.strip() or done.stderr.strip()[-300:]
    return {"exit": done.returncode, "seconds": seconds, "peak_rss_megabytes": peak, "said": said}


def send_all(tape: Path, service: BenchedService) -> None:
    """Send every request of the tape, each again until it is acknowledged."""
    waiting, taking = requests(tape), threading.Lock()
    failed: list[BaseException] = []

    def next_one() -> Request | None:
        with taking:
            return next(waiting, None)

    def work() -> None:
        sender = _Sender(service)
        try:
            while (request := next_one()) is not None:
                sender.send(request)
        except BaseException as error:  # raised again by the one who waits
            failed.append(error)
        finally:
            sender.close()

    threads = [threading.Thread(target=work) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


class _Sender:
    """One connection over HTTP and one over gRPC."""

    def __init__(self, service: BenchedService) -> None:
        self._http = http.client.HTTPConnection(service.intake, timeout=60)
        self._channel = grpc.insecure_channel(service.grpc)
        self._export = self._channel.unary_unary(GRPC)

    def close(self) -> None:
        """Hang up."""
        self._http.close()
        self._channel.close()

    def send(self, request: Request) -> None:
        """Return once it is acknowledged; raises what a sender would not send again."""
        while not (self._called(request) if request.path == GRPC else self._posted(request)):
            time.sleep(0.1)

    def _called(self, request: Request) -> bool:
        try:
            self._export(request.body, timeout=60)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return False
        return True

    def _posted(self, request: Request) -> bool:
        self._http.request("POST", request.path, request.body, request.headers)
        answer = self._http.getresponse()
        text = answer.read()
        if answer.status >= 300 and answer.status not in (429, 502, 503, 504):
            raise OSError(f"HTTP {answer.status}: {text[:200]!r}")
        return answer.status < 300


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contracts", type=int, default=5_000)
    parser.add_argument("--tape", type=Path, default=Path(".bench/history-5000"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
