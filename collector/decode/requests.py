"""Logged requests as messages for the columnar decoder, one kind of message per statement."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.decode import events
from collector.intake import otlp_json
from threadline.errors import ThreadlineError
from threadline.model.entries import Entry, Logged

Kind = Literal["traces", "logs", "events"]

_KINDS: dict[str, Kind] = {"otlp.traces": "traces", "otlp.logs": "logs", "cloudevents": "events"}
_GZIP = 16 + zlib.MAX_WBITS
_EXCERPT = 500  # characters


@dataclass(frozen=True, kw_only=True)
class Message:
    """One request, inflated: Protobuf, or a line of JSON. `entry` is its index in the batch."""

    entry: int
    kind: Kind
    sender: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A request that says nothing that can be understood, and why."""

    entry: int
    reason: str
    excerpt: str


def messages(entries: Sequence[Logged]) -> Iterator[Message | Refusal]:
    """One message or refusal per entry."""
    for index, logged in enumerate(entries):
        entry = logged.entry
        try:
            body = content(entry)
        except (ValueError, ThreadlineError, zlib.error, RecursionError) as error:
            yield refusal(index, entry.body, error)
        else:
            yield Message(entry=index, kind=_KINDS[entry.kind], sender=entry.source, body=body)


def content(entry: Entry) -> bytes:
    """A request as `Message` holds it.

    Raises `ValueError`, `zlib.error`, `RecursionError` or a `ThreadlineError` where it says nothing
    that can be understood.
    """
    return _body(entry, _inflated(entry))


def refusal(entry: int, body: bytes, error: Exception) -> Refusal:
    """The refusal of a request for which decoding raised `error`."""
    reason = str(error) or type(error).__name__
    return Refusal(entry=entry, reason=reason[:_EXCERPT], excerpt=excerpt(body))


def excerpt(body: bytes) -> str:
    """The beginning of a body, readable."""
    return body[:_EXCERPT].decode("utf-8", "replace").replace("\x00", "\ufffd")


def _inflated(entry: Entry) -> bytes:
    match entry.content_encoding.strip().lower():
        case "" | "identity":
            return entry.body
        case "gzip":
            return _gunzipped(entry.body)
        case unknown:
            raise ValueError(f"the content encoding {unknown!r} is not understood")


def _gunzipped(body: bytes) -> bytes:
    parts = []
    while body:  # a gzip body may be several members in a row
        member = zlib.decompressobj(_GZIP)
        parts.append(member.decompress(body))
        if not member.eof:
            raise ValueError("the gzip body ends too early")
        body = member.unused_data
    return b"".join(parts)


def _body(entry: Entry, body: bytes) -> bytes:
    if entry.kind == "cloudevents":
        return events.line(entry, body)
    if entry.content_type.partition(";")[0].strip().lower() != "application/json":
        return body
    request = ExportTraceServiceRequest if entry.kind == "otlp.traces" else ExportLogsServiceRequest
    return bytes(otlp_json.parsed(body, request).SerializeToString())
