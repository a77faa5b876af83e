"""Bombs, slow senders, oversized heads, and requests that two readers would read differently."""

from __future__ import annotations

import gzip
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import grpc
import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from outcomes import Outcome, refused
from target import Target

GROWTH = 250  # megabytes that all bombs together may cost
BOMB = 1 << 30  # bytes, unpacked
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def bombs(target: Target) -> Iterator[Outcome]:
    """Little that becomes much."""
    before = target.resident_megabytes()
    headers = {"authorization": f"Bearer {target.token('source clm', '--source', 'clm')}"}
    kinds = {
        "application/json": "/v1/traces",
        "application/x-protobuf": "/v1/logs",
        "application/cloudevents+json": "/v1/events",
    }
    zeros = _gzipped(b"\0" * (1 << 20), BOMB >> 20)
    for kind, path in kinds.items():
        answer = _posted(
            target, path, zeros, headers | {"content-type": kind, "content-encoding": "gzip"}
        )
        yield refused(f"1 GiB in {len(zeros) >> 10} KiB of gzip to {path}", answer, 413)
    twice = gzip.compress(zeros)
    nested = headers | {"content-type": "application/json", "content-encoding": "gzip, gzip"}
    yield refused("gzip within gzip", _posted(target, "/v1/traces", twice, nested), 400, 415)
    for name, coding in {"br": "br", "zstd": "zstd", "deflate": "deflate"}.items():
        other = headers | {"content-type": "application/json", "content-encoding": coding}
        yield refused(
            f"another coding: {name}", _posted(target, "/v1/traces", b"x" * 100, other), 415
        )
    deep = b"[" * 200_000 + b"]" * 200_000
    for kind, path in (
        ("application/json", "/v1/traces"),
        ("application/cloudevents-batch+json", "/v1/events"),
    ):
        yield refused(
            f"200,000 brackets deep to {path}",
            _posted(target, path, deep, headers | {"content-type": kind}),
            400,
        )
    yield refused(
        "protobuf 10,000 deep",
        _posted(
            target,
            "/v1/traces",
            _deep_value(10_000),
            headers | {"content-type": "application/x-protobuf"},
        ),
        400,
    )
    digits = json.dumps({"resourceSpans": "N"}).replace('"N"', "9" * 1_000_000).encode()
    yield refused(
        "a number of a million digits",
        _posted(target, "/v1/traces", digits, headers | {"content-type": "application/json"}),
        400,
    )
    yield Outcome("256 MiB in one compressed gRPC message", *_grpc_bomb(target, headers))
    grown = target.resident_megabytes() - before
    yield Outcome(
        "what the bombs cost", grown < GROWTH, f"{grown} MB of memory at most, {GROWTH} allowed"
    )


def heads(target: Target) -> Iterator[Outcome]:
    """Heads without measure, on every port."""
    for name, port in (("intake", "http"), ("API", "api")):
        many = b"".join(b"x-%d: %s\r\n" % (n, b"y" * 100) for n in range(2_000))
        for attack, head in {
            "a header of 1 MB": b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx: "
            + b"y" * 1_000_000
            + b"\r\n\r\n",
            "a header that never ends": b"GET /livez HTTP/1.1\r\nx: " + b"y" * 1_000_000,
            "2,000 headers": b"GET /livez HTTP/1.1\r\nhost: localhost\r\n" + many + b"\r\n",
            "an address of 1 MB": b"GET /"
            + b"a" * 1_000_000
            + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
        }.items():
            status = _status(target.ports[port], head)
            yield refused(f"{name}: {attack}", status, 431, 400)
    metadata = (("authorization", "Bearer " + "x" * 1_000_000),)
    yield Outcome("gRPC: metadata of 1 MB", *_grpc_refused(target, metadata))


def ambiguous(target: Target) -> Iterator[Outcome]:
    """Requests that a proxy and we might cut differently."""
    head = b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\n"
    inner = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n"
    for attack, sent in {
        "two lengths that differ": head
        + b"content-length: 0\r\ncontent-length: 44\r\n\r\n"
        + inner,
        "a length beside chunks": head
        + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        + inner,
        "chunks by another name": head + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + inner,
        "a negative length": head + b"content-length: -1\r\n\r\n" + inner,
        "a line break inside a header": head + b"x: a\rb: c\r\ncontent-length: 0\r\n\r\n",
        "a space before the colon": head + b"content-length : 44\r\n\r\n" + inner,
    }.items():
        answers = _answers(target.ports["http"], sent)
        held = (
            answers.count(b"HTTP/1.1 ") <= 1
            and answers.startswith((b"HTTP/1.1 400", b"HTTP/1.1 401"))
        ) or answers == b""
        yield Outcome(
            f"smuggling: {attack}", held, f"answered {answers[9:12].decode() or 'by closing'}, once"
        )


def slow(target: Target) -> Iterator[Outcome]:
    """Senders that take their time, all at once, while others are served."""
    port = target.ports["http"]
    bearer = target.token("source clm", "--source", "clm")
    body = (
        f"POST /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {bearer}\r\n"
        "content-type: application/cloudevents+json\r\ncontent-length: 1000\r\n\r\n"
    )
    began = time.monotonic()
    with ExitStack() as stack:
        lines = [stack.enter_context(_line(port)) for _ in range(150)]
        for number, line in enumerate(lines):
            line.sendall((b"GET /livez HTTP/1.1\r\nx: y", body.encode(), b"")[number % 3])
        worst = 0.0
        while time.monotonic() - began < 25 and any(
            _open(line, number) for number, line in enumerate(lines)
        ):
            asked = time.monotonic()
            served = httpx.post(
                f"{target.intake}/v1/traces",
                content=b"",
                headers={
                    "authorization": f"Bearer {bearer}",
                    "content-type": "application/x-protobuf",
                },
                timeout=30,
            )
            worst = max(worst, time.monotonic() - asked)
            if served.status_code != 200:
                break
            time.sleep(0.5)
        left = sum(_open(line, 2) for line in lines)
    took = time.monotonic() - began
    yield Outcome("150 slow senders: cut off", left == 0, f"all within {took:.0f} s")
    yield Outcome(
        "150 slow senders: others are served meanwhile",
        served.status_code == 200 and worst < 2,
        f"the slowest answer took {worst:.2f} s",
    )


def slow_grpc(target: Target) -> Iterator[Outcome]:
    """Requests over gRPC whose message never comes, while others are served."""
    proof = (("authorization", f"Bearer {target.token('source clm', '--source', 'clm')}"),)
    done = threading.Event()

    def never() -> Iterator[bytes]:
        done.wait()
        yield b""

    began = time.monotonic()
    with grpc.insecure_channel(target.grpc) as channel, grpc.insecure_channel(target.grpc) as other:
        slow = [channel.stream_unary(EXPORT).future(never(), metadata=proof) for _ in range(50)]
        other.unary_unary(EXPORT)(b"", timeout=10, metadata=proof)
        served = time.monotonic() - began
        codes = {call.code().name for call in slow}
        done.set()
    took = time.monotonic() - began
    cut = codes == {"UNAVAILABLE"} and took < 40
    yield Outcome("50 endless gRPC requests: cut off", cut, f"all within {took:.0f} s")
    yield Outcome(
        "50 endless gRPC requests: others are served meanwhile",
        served < 5,
        f"an answer took {served:.2f} s",
    )


def pace(target: Target) -> Iterator[Outcome]:
    """A client that asks as often as it can, and another meanwhile."""
    hasty = {"authorization": f"Bearer {target.token('hasty', '--role', 'support')}"}
    with httpx.Client(base_url=target.api, headers=hasty, timeout=30) as client:
        began = time.monotonic()
        answers = [client.get("/api/v1/me") for _ in range(2_000)]
        took = time.monotonic() - began
    taken = sum(answer.status_code == 200 for answer in answers)
    waits = {answer.headers.get("retry-after") for answer in answers if answer.status_code == 429}
    kept = taken <= 50 * (took + 2) + 1 and waits <= {"1", "2"}
    yield Outcome("2,000 questions at once by one token", kept, f"{taken} answered in {took:.1f} s")
    yield refused("another token meanwhile", target.ask("admin", "/api/v1/me").status_code, 200)


def _posted(target: Target, path: str, body: bytes, headers: dict[str, str]) -> int:
    try:
        return httpx.post(
            target.intake + path, content=body, headers=headers, timeout=60
        ).status_code
    except httpx.HTTPError:
        return 0


def _gzipped(chunk: bytes, times: int) -> bytes:
    to = io.BytesIO()
    with gzip.GzipFile(fileobj=to, mode="wb", compresslevel=9) as file:
        for _ in range(times):
            file.write(chunk)
    return to.getvalue()


def _deep_value(depth: int) -> bytes:
    """An attribute whose value is a list of a list of a list…, encoded by hand: no writer would."""
    value = b"\x0a\x01x"
    for _ in range(depth):
        array = b"\x0a" + _varint(len(value)) + value
        value = b"\x2a" + _varint(len(array)) + array
    pair = b"\x0a\x01k\x12" + _varint(len(value)) + value
    resource = b"\x0a" + _varint(len(pair)) + pair
    spans = b"\x0a" + _varint(len(resource)) + resource
    return b"\x0a" + _varint(len(spans)) + spans


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def _grpc_bomb(target: Target, headers: dict[str, str]) -> tuple[bool, str]:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().resource.attributes.add(key="x").value.string_value = "\0" * (
        1 << 28
    )
    options = (("grpc.max_send_message_length", -1), ("grpc.default_compression_algorithm", 2))
    return _called(
        target, request.SerializeToString(), tuple(headers.items()), options, "RESOURCE_EXHAUSTED"
    )


def _grpc_refused(target: Target, metadata: Any) -> tuple[bool, str]:
    return _called(target, b"", metadata, (), "RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL")


def _called(
    target: Target, body: bytes, metadata: Any, options: Any, *expected: str
) -> tuple[bool, str]:
    compression = grpc.Compression.Gzip if options else grpc.Compression.NoCompression
    with grpc.insecure_channel(target.grpc, options=options, compression=compression) as channel:
        export = channel.unary_unary(EXPORT)
        code = export.future(body, timeout=60, metadata=metadata).code()
    return code.name in expected, f"answered {code.name}"


def _line(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def _status(port: int, sent: bytes) -> int:
    answer = _answers(port, sent)
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def _answers(port: int, sent: bytes) -> bytes:
    answer = b""
    with _line(port) as line, suppress(OSError):
        with suppress(OSError):
            line.sendall(sent)
        line.settimeout(15)
        while more := line.recv(65536):
            answer += more
            if b"HTTP/1.1 200" in answer:
                break
    return answer


def _open(line: socket.socket, number: int) -> bool:
    if number % 3 != 2:
        with suppress(OSError):
            line.sendall(b"y")
    line.settimeout(0.001)
    try:
        while line.recv(4096):
            pass
    except TimeoutError:
        return True
    except OSError:
        return False
    return False


ATTACKS = (heads, ambiguous, bombs, slow, slow_grpc, pace)
