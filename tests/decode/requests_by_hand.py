"""Short ways of writing requests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from threadline.model.entries import Entry, EntryKind, Logged, Position

RECEIVED = datetime(2026, 9, 25, 12, tzinfo=UTC)
START = 1_790_000_000_000_000_000  # 2026-09-21T14:13:20Z
TRACE, SPAN = bytes(range(16)), bytes(range(1, 9))


def value(given: Any) -> AnyValue:
    match given:
        case bool():
            return AnyValue(bool_value=given)
        case int():
            return AnyValue(int_value=given)
        case str():
            return AnyValue(string_value=given)
        case list():
            return AnyValue(array_value=ArrayValue(values=[value(item) for item in given]))
    raise TypeError(given)


def attributes(given: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value(item)) for key, item in given.items()]


def span(said: dict[str, Any] | None = None, **fields: Any) -> Span:
    whole = {
        "trace_id": TRACE,
        "span_id": SPAN,
        "name": "erp.project.created",
        "start_time_unix_nano": START,
        "end_time_unix_nano": START + 1_000,
        "attributes": attributes(said or {}),
    }
    return Span(**(whole | fields))


def traces(*spans: Span, **resource: Any) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    named = {key.replace("__", "."): item for key, item in resource.items()}
    group.resource.attributes.extend(attributes({"service.name": "erp-api"} | named))
    group.scope_spans.add().spans.extend(spans)
    return request


def logs(*records: LogRecord, service: str = "erp-api") -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(attributes({"service.name": service}))
    group.scope_logs.add().log_records.extend(records)
    return request


def logged(
    body: Any,
    *,
    offset: int = 0,
    kind: EntryKind = "otlp.traces",
    content_type: str = "application/x-protobuf",
    source: str = "acme",
    **fields: Any,
) -> Logged:
    """An entry of the log; `body` is a request, JSON-able data, or bytes."""
    if isinstance(body, ExportTraceServiceRequest | ExportLogsServiceRequest):
        kind = "otlp.logs" if isinstance(body, ExportLogsServiceRequest) else kind
        body = body.SerializeToString()
    elif not isinstance(body, bytes):
        body = json.dumps(body).encode()
    entry = Entry(
        kind=kind,
        source=source,
        content_type=content_type,
        received_at=fields.pop("received_at", RECEIVED),
        body=body,
        **fields,
    )
    return Logged(position=Position(partition=0, offset=offset), entry=entry)


def event(**fields: Any) -> dict[str, Any]:
    whole = {
        "specversion": "1.0",
        "id": "1",
        "source": "/clm",
        "type": "clm.contract.approved",
        "time": "2026-09-21T14:13:20Z",
        "data": {"contract.id": "C-100234"},
    }
    return {key: item for key, item in (whole | fields).items() if item is not None}


def events(body: Any, *, batch: bool = False, **fields: Any) -> Logged:
    """An entry of structured or batched CloudEvents."""
    media = "application/cloudevents-batch+json" if batch else "application/cloudevents+json"
    return logged(body, kind="cloudevents", **({"content_type": media} | fields))
