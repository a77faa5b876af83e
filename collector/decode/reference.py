"""The reference decoder: official Protobuf classes, one request at a time, right before fast.

The columnar decoder must equal it; it also decodes what columns cannot hold.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.decode import canonical
from collector.decode.records import BLANK
from collector.decode.statements import Names

EXCEPTION_MESSAGE = "exception.message"  # of a span's events the only attribute that is read

Row = dict[str, Any]
Attributes = dict[str, Any]


def spans(body: bytes, entry: int, sender: str, names: Names) -> Iterator[Row]:
    """Rows of `records.SCHEMA`, one per span; raises `DecodeError` when `body` is not OTLP."""
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        service, inherited = _resource(resource_spans.resource, names)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield {"entry": entry, **_span(span, sender, service, inherited, names)}


def logs(body: bytes, entry: int, sender: str, names: Names) -> Iterator[Row]:
    """Rows of `records.SCHEMA`, one per record; raises `DecodeError` when `body` is not OTLP."""
    twins: Counter[tuple[str, bytes]] = Counter()
    for resource_logs in ExportLogsServiceRequest.FromString(body).resource_logs:
        service, inherited = _resource(resource_logs.resource, names)
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                row, digest = _log(record, service, inherited, names)
                twin = twins[sender, digest]
                twins[sender, digest] += 1
                row["fact_id"] = canonical.fact_id("log", sender, digest.hex(), str(twin))
                yield {"entry": entry, **row}


def picks(attributes: Attributes, names: Names) -> list[Row]:
    """What the mapping reads of a fact's attributes."""
    return [
        {"key": key, "json": canonical.value(value), "texts": canonical.texts(value)}
        for key, value in attributes.items()
        if key in names.read
    ]


def _span(span: Span, sender: str, service: str, inherited: Attributes, names: Names) -> Row:
    own = _attributes(span.attributes)
    row = BLANK | {
        "service": service,
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex(),
        "trace_state": span.trace_state,
        "name": span.name,
        "started": span.start_time_unix_nano,
        "ended": span.end_time_unix_nano,
        "code": span.status.code,
        "message": span.status.message or _exception_message(span),
        "attributes": canonical.value(inherited | own),
        "span_links": [f"{link.trace_id.hex()}:{link.span_id.hex()}" for link in span.links],
        "picks": _picks(own, inherited, names),
    }
    row["fact_id"] = canonical.fact_id("span", sender, row["trace_id"], row["span_id"])
    row["content_hash"] = canonical.hash_of(canonical.digest(_span_content(row)))
    return row


def _span_content(row: Row) -> list[str]:
    return [
        canonical.string(row["service"]),
        row["trace_id"],
        row["span_id"],
        row["parent_span_id"],
        canonical.string(row["trace_state"]),
        canonical.string(row["name"]),
        str(row["started"]),
        str(row["ended"]),
        str(row["code"]),
        canonical.string(row["message"]),
        ",".join(row["span_links"]),
        row["attributes"],
    ]


def _log(record: LogRecord, service: str, inherited: Attributes, names: Names) -> tuple[Row, bytes]:
    own, body = _attributes(record.attributes), _value(record.body)
    written = canonical.value(body)
    row = BLANK | {
        "service": service,
        "trace_id": record.trace_id.hex(),
        "parent_span_id": record.span_id.hex(),
        "name": record.event_name,
        "started": record.time_unix_nano or record.observed_time_unix_nano,
        "code": record.severity_number,
        "message": canonical.text(body),
        "attributes": canonical.value(inherited | own),
        "picks": _picks(own, inherited, names),
    }
    content = [
        canonical.string(service),
        row["trace_id"],
        row["parent_span_id"],
        canonical.string(row["name"]),
        str(row["started"]),
        str(record.severity_number),
        written,
        row["attributes"],
    ]
    digest = canonical.digest(content)
    row["content_hash"] = canonical.hash_of(digest)
    return row, digest


def _resource(resource: Resource, names: Names) -> tuple[str, Attributes]:
    attributes = _attributes(resource.attributes)
    service = attributes.get("service.name")
    inherited = {key: value for key, value in attributes.items() if key in names.inherited}
    return canonical.text(service), inherited


def _picks(own: Attributes, inherited: Attributes, names: Names) -> list[Row]:
    carried = {key: value for key, value in inherited.items() if key not in own}
    return picks(own, names) + picks(carried, names)


def _exception_message(span: Span) -> str:
    for event in span.events:
        for attribute in event.attributes:
            if attribute.key == EXCEPTION_MESSAGE:
                if attribute.value.string_value:
                    return str(attribute.value.string_value)
                break
    return ""


def _attributes(given: Any) -> Attributes:
    # The last of several values of one key counts.
    return {pair.key: _value(pair.value) for pair in given}


def _value(given: AnyValue) -> Any:
    match given.WhichOneof("value"):
        case (
            None | "string_value_strindex"
        ):  # the index points into a table that only profiles have
            return None
        case "array_value":
            # An empty array says as much as no value, and columns cannot tell them apart.
            return [_value(item) for item in given.array_value.values] or None
        case "kvlist_value":
            return _attributes(given.kvlist_value.values)
        case "bytes_value":
            return base64.b64encode(given.bytes_value).decode()
        case field:
            return getattr(given, field)
