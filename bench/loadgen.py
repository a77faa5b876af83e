"""Sends OTLP/HTTP traces as fast as they are acknowledged, and costs little processor time itself.

    python bench/loadgen.py --url http://127.0.0.1:4318/v1/traces --seconds 60 --connections 4

Prints one JSON object: spans acknowledged, refusals by status, latencies, own processor time.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from otlp_requests import SPANS, Requests


@dataclass
class Tally:
    """What one connection has got done."""

    acknowledged: int = 0
    requests: int = 0
    sent_bytes: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)


class Connection:
    """One kept-alive HTTP/1.1 connection that posts bodies and reads short answers."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._head = (
            f"POST {parts.path or '/v1/traces'} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            "Content-Type: application/x-protobuf\r\nContent-Length: "
        ).encode()
        self._socket: socket.socket | None = None

    def post(self, body: bytes) -> tuple[int, float, bytes]:
        """Status, seconds to wait before retrying, and the answer's body; raises `OSError`."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(b"%s%d\r\n\r\n" % (self._head, len(body)) + body)
        return self._answer(self._socket)

    def close(self) -> None:
        """Hang up; the next post connects again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _answer(self, connection: socket.socket) -> tuple[int, float, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more(connection)
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in map(_header, lines[1:])}
        while len(rest) < int(headers.get("content-length", "0")):
            rest += self._more(connection)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(lines[0].split(" ", 2)[1]), float(headers.get("retry-after", "1")), rest

    def _more(self, connection: socket.socket) -> bytes:
        received = connection.recv(65_536)
        if not received:
            raise ConnectionResetError("the receiver hung up")
        return received


def send(url: str, requests: Requests, numbers: range, until: float, tally: Tally) -> None:
    """Post the requests of `numbers`, each until acknowledged, until the clock says `until`."""
    connection = Connection(url)
    for number in numbers:
        body = requests.body(number)
        while time.monotonic() < until and not acknowledged(connection, body, tally):
            pass
        if time.monotonic() >= until:
            break
    connection.close()


def acknowledged(connection: Connection, body: bytes, tally: Tally) -> bool:
    """Post once; whether there is no reason to post it again. Otherwise it has waited a moment."""
    start = time.monotonic()
    try:
        status, retry_after, answer = connection.post(body)
    except OSError as error:
        connection.close()
        tally.problems[type(error).__name__] += 1
        time.sleep(0.1)
        return False
    if status != 200:
        tally.problems[str(status)] += 1
        time.sleep(min(retry_after, 1.0))
        return status not in (429, 502, 503, 504)
    tally.latencies.append(time.monotonic() - start)
    tally.requests += 1
    tally.sent_bytes += len(body)
    tally.acknowledged += SPANS - _rejected(answer)
    return True


def _rejected(answer: bytes) -> int:
    if not answer:
        return 0
    return ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans


def load(url: str, seconds: float, connections: int, first: int = 0) -> dict[str, object]:
    """Send for `seconds` over `connections`; what was acknowledged and what it cost."""
    requests = Requests(time.time_ns())
    tallies = [Tally() for _ in range(connections)]
    start, cpu = time.monotonic(), time.process_time()
    threads = [
        threading.Thread(
            target=send,
            args=(url, requests, range(first + k, 2**32, connections), start + seconds, tally),
        )
        for k, tally in enumerate(tallies)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _summary(tallies, time.monotonic() - start, time.process_time() - cpu)


def _summary(tallies: Sequence[Tally], seconds: float, cpu: float) -> dict[str, object]:
    requests = sum(tally.requests for tally in tallies)
    spans = sum(tally.acknowledged for tally in tallies)
    latencies = sorted(latency for tally in tallies for latency in tally.latencies)
    return {
        "seconds": round(seconds, 3),
        "requests": requests,
        "acknowledged_spans": spans,
        "spans_per_second": round(spans / seconds),
        "bytes_sent": sum(tally.sent_bytes for tally in tallies),
        "problems": dict(sum((tally.problems for tally in tallies), Counter())),
        "latency_ms": {
            f"p{share}": round(_percentile(latencies, share) * 1000, 2) for share in (50, 99)
        },
        "cpu_seconds": round(cpu, 3),
        "cpu_microseconds_per_request": round(cpu / max(requests, 1) * 1e6, 1),
    }


def _percentile(ordered: Sequence[float], share: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)] if ordered else 0.0


def _header(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 when spans were acknowledged."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:4318/v1/traces")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--first", type=int, default=0, help="number of the first request")
    given = parser.parse_args(arguments)
    summary = load(given.url, given.seconds, given.connections, given.first)
    print(json.dumps(summary))
    return 0 if summary["acknowledged_spans"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
