"""Generated OTLP requests: whatever the official classes can say."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

READ = [
    "contract.id",
    "erp.project.id",
    "exception.message",
    "error.message",
    "q'uo\\te{file}/*read*/",
]
INHERITED = ["contract.id", "erp.project.id"]

texts = st.one_of(
    st.sampled_from(["", "C-100234", '"', "\\", "/", "\x00\x1f\u2028", "é😀", "\n\t"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
doubles = st.floats(allow_nan=True, allow_infinity=True, width=64)
integers = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, 2**53 + 1, -1]))
nanoseconds = st.one_of(
    st.sampled_from([0, 1, 2**63, 2**64 - 1]),
    st.integers(0, 2**64 - 1),
    st.integers(1_790_000_000_000_000_000, 1_790_000_001_000_000_000),
)
keys = st.one_of(st.sampled_from([*READ, "service.name", "k"]), texts)
trace_ids = st.one_of(
    st.binary(min_size=16, max_size=16), st.just(bytes(16)), st.binary(max_size=17)
)
span_ids = st.one_of(st.binary(min_size=8, max_size=8), st.just(bytes(8)), st.binary(max_size=9))
states = st.sampled_from(
    ["", "ot=th:0", "ot=th:c", "a=b, ot=rv:1;th:08,c=d", "xot=th:8", "ot=rv:2"]
)


def scalars() -> st.SearchStrategy[AnyValue]:
    return st.one_of(
        texts.map(lambda v: AnyValue(string_value=v)),
        st.booleans().map(lambda v: AnyValue(bool_value=v)),
        integers.map(lambda v: AnyValue(int_value=v)),
        doubles.map(lambda v: AnyValue(double_value=v)),
        st.binary(max_size=5).map(lambda v: AnyValue(bytes_value=v)),
        st.just(AnyValue()),
    )


def arrays(items: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[AnyValue]:
    listed = st.lists(items, max_size=3)
    return listed.map(lambda v: AnyValue(array_value=ArrayValue(values=v)))


def maps(items: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[AnyValue]:
    pairs = st.lists(st.builds(KeyValue, key=keys, value=items), max_size=3)
    return pairs.map(lambda v: AnyValue(kvlist_value=KeyValueList(values=v)))


def values(nested: bool) -> st.SearchStrategy[AnyValue]:
    flat = st.one_of(scalars(), arrays(scalars()))
    deeper = st.recursive(scalars(), lambda v: st.one_of(arrays(v), maps(v)), max_leaves=4)
    return st.one_of(flat, deeper) if nested else flat


def attributes(nested: bool) -> st.SearchStrategy[list[KeyValue]]:
    pairs = st.builds(KeyValue, key=keys, value=values(nested))
    unique: Any = None if nested else (lambda pair: pair.key)
    return st.lists(pairs, max_size=5, unique_by=unique)


def resources(nested: bool) -> st.SearchStrategy[Resource]:
    return st.builds(Resource, attributes=attributes(nested))


def traces(nested: bool) -> st.SearchStrategy[ExportTraceServiceRequest]:
    """Requests of spans; not `nested`: without what only the reference can decode."""
    span = st.builds(
        Span,
        trace_id=trace_ids,
        span_id=span_ids,
        parent_span_id=span_ids,
        trace_state=states,
        name=texts,
        start_time_unix_nano=nanoseconds,
        end_time_unix_nano=nanoseconds,
        attributes=attributes(nested),
        events=st.lists(st.builds(Span.Event, name=texts, attributes=attributes(True)), max_size=2),
        links=st.lists(st.builds(Span.Link, trace_id=trace_ids, span_id=span_ids), max_size=2),
        status=st.builds(Status, message=texts, code=st.integers(0, 3)),
    )
    scope = st.builds(ScopeSpans, spans=st.lists(span, max_size=3))
    spans = st.one_of(
        st.builds(ResourceSpans, scope_spans=st.lists(scope, max_size=2)),
        st.builds(
            ResourceSpans, resource=resources(nested), scope_spans=st.lists(scope, max_size=2)
        ),
    )
    return st.builds(ExportTraceServiceRequest, resource_spans=st.lists(spans, max_size=2))


def logs(nested: bool) -> st.SearchStrategy[ExportLogsServiceRequest]:
    """Requests of log records; not `nested`: without what only the reference can decode."""
    record = st.builds(
        LogRecord,
        time_unix_nano=nanoseconds,
        observed_time_unix_nano=nanoseconds,
        severity_number=st.integers(0, 24),
        event_name=texts,
        body=values(nested),
        attributes=attributes(nested),
        trace_id=trace_ids,
        span_id=span_ids,
    )
    twins = st.lists(record, max_size=2).map(lambda records: [*records, *records[:1]])
    scope = st.builds(ScopeLogs, log_records=twins)
    records = st.one_of(
        st.builds(ResourceLogs, scope_logs=st.lists(scope, max_size=2)),
        st.builds(ResourceLogs, resource=resources(nested), scope_logs=st.lists(scope, max_size=2)),
    )
    return st.builds(ExportLogsServiceRequest, resource_logs=st.lists(records, max_size=2))
