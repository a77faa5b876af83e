"""Inputs reduced to what decoding reads of them, under whatever mapping.

A reduced input is again an input of the same kind: one decoder reads both, and gives the same facts
and the same dead letters.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import cache

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.decode.reference import EXCEPTION_MESSAGE
from collector.decode.requests import content
from collector.intake.cloudevents import BATCHED, STRUCTURED
from collector.intake.media import PROTOBUF
from threadline.errors import ThreadlineError
from threadline.model.entries import Entry

Request = ExportTraceServiceRequest | ExportLogsServiceRequest

# By message type, what is read of it; of types that are not named, everything.
_READ = {
    "ResourceSpans": {"resource", "scope_spans"},
    "ResourceLogs": {"resource", "scope_logs"},
    "Resource": {"attributes"},
    "ScopeSpans": {"spans"},
    "ScopeLogs": {"log_records"},
    "Span": {
        *("trace_id", "span_id", "trace_state", "parent_span_id", "name", "attributes"),
        *("start_time_unix_nano", "end_time_unix_nano", "events", "links", "status"),
    },
    "Event": {"attributes"},
    "Link": {"trace_id", "span_id"},
    "LogRecord": {
        *("time_unix_nano", "observed_time_unix_nano", "severity_number", "event_name"),
        *("body", "attributes", "trace_id", "span_id"),
    },
}


def reduced(entry: Entry) -> Entry:
    """`entry`, uncompressed, with what decoding reads and nothing else.

    What is not understood stays as received: under a later Threadline or mapping it may be.
    """
    try:
        if entry.kind == "cloudevents":
            return _event_lines(entry)
        return with_body(entry, request(entry))
    except (ValueError, ThreadlineError, zlib.error, RecursionError, DecodeError):
        return entry


def request(entry: Entry) -> Request:
    """The request of an OTLP entry, with what is read of it; raises what decoding would."""
    kind = ExportTraceServiceRequest if entry.kind == "otlp.traces" else ExportLogsServiceRequest
    whole: Request = kind.FromString(content(entry))
    whole.DiscardUnknownFields()
    if isinstance(whole, ExportTraceServiceRequest):
        for resource_spans in whole.resource_spans:
            _reduce(resource_spans)
            _reduce(resource_spans.resource)
            for scope_spans in resource_spans.scope_spans:
                _reduce(scope_spans)
                for span in scope_spans.spans:
                    _reduce_span(span)
    else:
        for resource_logs in whole.resource_logs:
            _reduce(resource_logs)
            _reduce(resource_logs.resource)
            for scope_logs in resource_logs.scope_logs:
                _reduce(scope_logs)
                for record in scope_logs.log_records:
                    _reduce(record)
    return whole


def with_body(entry: Entry, said: Request) -> Entry:
    """`entry` with `said` as its body."""
    body = said.SerializeToString(deterministic=True)
    return replace(entry, content_type=PROTOBUF, content_encoding="", body=body)


def _event_lines(entry: Entry) -> Entry:
    line = content(entry)
    kind = BATCHED if line.startswith(b"B") else STRUCTURED
    kept = {name: text for name, text in entry.headers.items() if not name.startswith("ce-")}
    return replace(entry, content_type=kind, content_encoding="", headers=kept, body=line[1:])


def _reduce_span(span: Span) -> None:
    _reduce(span)
    told = [event for event in span.events if _exception_messages(event)]
    del span.events[:]
    for event in told:
        span.events.add().attributes.extend(_exception_messages(event))
    for link in span.links:
        _reduce(link)


def _exception_messages(event: Span.Event) -> list[KeyValue]:
    return [pair for pair in event.attributes if pair.key == EXCEPTION_MESSAGE]


def _reduce(message: Message) -> None:
    for name in _unread(message.DESCRIPTOR):
        message.ClearField(name)


@cache
def _unread(kind: Descriptor) -> tuple[str, ...]:
    return tuple(field.name for field in kind.fields if field.name not in _READ[kind.name])
