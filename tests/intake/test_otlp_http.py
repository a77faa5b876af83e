import gzip
import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
PROBLEM = "application/problem+json"


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_spans_of_the_official_exporter_are_logged_as_received(intake, compression):
    exporter = OTLPSpanExporter(f"{intake.http}/v1/traces", compression=compression)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("clm").start_as_current_span("clm.contract.approved"):
        pass
    provider.shutdown()
    (entry,) = intake.logged()
    assert (entry.kind, entry.source, entry.content_type) == ("otlp.traces", "open", PROTOBUF)
    gzipped = compression is Compression.Gzip
    assert entry.content_encoding == ("gzip" if gzipped else "")
    body = gzip.decompress(entry.body) if gzipped else entry.body
    request = ExportTraceServiceRequest.FromString(body)
    assert request.resource_spans[0].scope_spans[0].spans[0].name == "clm.contract.approved"


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_log_records_of_the_official_exporter_are_logged_as_received(intake, compression):
    exporter = OTLPLogExporter(f"{intake.http}/v1/logs", compression=compression)
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("erp").emit(severity_number=SeverityNumber.WARN, body="rate card missing")
    provider.shutdown()
    (entry,) = intake.logged()
    assert entry.kind == "otlp.logs"
    body = gzip.decompress(entry.body) if entry.content_encoding == "gzip" else entry.body
    request = ExportLogsServiceRequest.FromString(body)
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    assert record.body.string_value == "rate card missing"


@pytest.mark.parametrize(
    ("path", "name", "content_type"),
    [
        ("/v1/traces", "otlp/trace.json", JSON),
        ("/v1/traces", "otlp/trace.protobuf-bin", PROTOBUF),
        ("/v1/logs", "otlp/logs.json", JSON),
        ("/v1/logs", "otlp/events.json", "application/json; charset=UTF-8"),
    ],
)
def test_the_samples_of_the_specification_are_taken(intake, real_data, path, name, content_type):
    sample = real_data(name).read_bytes()
    answer = intake.post(path, sample, content_type)
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type.split(";")[0])
    assert answer.content == (b"{}" if "json" in content_type else b"")
    (entry,) = intake.logged()
    assert (entry.body, entry.content_type) == (sample, content_type)


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_an_empty_request_is_a_success(intake, content_type):
    body = b"" if content_type == PROTOBUF else b"{}"
    for path in ("/v1/traces", "/v1/logs"):
        assert intake.post(path, body, content_type).status_code == 200


def test_unknown_fields_and_enum_numbers_of_json_are_fine(intake):
    span = {"traceId": "AB" * 16, "spanId": "cd" * 8, "kind": 99, "novelty": {"deep": [1]}}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}], "also": 1}], "more": None}
    answer = intake.post("/v1/traces", json.dumps(body), JSON)
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(
    "ids",
    [
        {"trace_id": b""},
        {"trace_id": b"\x01" * 15},
        {"trace_id": bytes(16)},
        {"span_id": b""},
        {"span_id": b"\x01" * 9},
        {"span_id": bytes(8)},
    ],
)
def test_spans_without_valid_ids_are_logged_and_said_to_be_rejected(intake, traces, ids):
    body = traces() + traces(2, **ids)
    answer = intake.post("/v1/traces", body, PROTOBUF)
    assert (answer.status_code, answer.headers["content-type"]) == (200, PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == 2
    assert "dead letters" in partial.error_message
    assert [entry.body for entry in intake.logged()] == [body]


def test_partial_success_is_told_in_json_to_who_sent_json(intake):
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "00", "spanId": ""}]}]}]}
    answer = intake.post("/v1/traces", json.dumps(body), JSON)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"


DEEP = b'{"a":' * 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff{}",
        b'{"resourceSpans": NaN}',
        b'{"resourceSpans": 5}',
        b'{"resourceSpans": [5]}',
        b'{"resource_spans": []}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "no hex"}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "\\ud800"}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "soon"}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": -1}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [{"value": 1}]}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"endTimeUnixNano": 1e999}]}]}]}',
        DEEP,
    ],
)
def test_malformed_json_is_refused_with_a_problem(intake, body):
    answer = intake.post("/v1/traces", body, JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    problem = answer.json()
    assert (problem["status"], problem["title"]) == (400, "Bad Request")
    assert problem["detail"]
    assert intake.logged() == []


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x05abc", b"{}", b"\x0a\x04\x12\x02\x12\x05"])
def test_malformed_protobuf_is_refused_with_a_status(intake, path, body):
    answer = intake.post(path, body, PROTOBUF)
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROTOBUF)
    status = Status.FromString(answer.content)
    assert status.code == 3
    assert "is not Export" in status.message
    assert intake.logged() == []


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [("text/plain", ""), ("", ""), (PROTOBUF, "zstd"), ("application/json; charset=latin1", "")],
)
def test_what_is_not_read_here_is_refused(intake, traces, content_type, encoding):
    answer = intake.post("/v1/traces", traces(), content_type, content_encoding=encoding)
    assert answer.status_code == 415
    assert intake.logged() == []


def test_metrics_and_other_paths_are_refused_in_words(intake):
    metrics = intake.post("/v1/metrics", b"", PROTOBUF)
    assert (metrics.status_code, metrics.headers["content-type"]) == (404, PROBLEM)
    assert "metrics are not taken" in metrics.json()["detail"]
    assert intake.post("/v2/traces", b"").headers["content-type"] == PROBLEM


def _chunks():
    for _ in range(64):
        yield b"x" * 32 * 1024


@pytest.mark.parametrize(
    "content", [b"x" * (1 << 20) + b"x", _chunks()], ids=["declared", "streamed"]
)
def test_a_body_over_the_limit_is_refused(intake, content):
    answer = intake.post("/v1/traces", content, JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    assert intake.logged() == []


def test_a_gzip_body_is_inflated_no_further_than_the_limit(intake):
    bomb = gzip.compress(bytes(64 << 20))
    tracemalloc.start()
    answer = intake.post("/v1/logs", bomb, PROTOBUF, content_encoding="gzip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 413
    assert peak < 8 << 20
    assert Status.FromString(answer.content).code == 8
    assert intake.logged() == []


@pytest.mark.parametrize("damage", [lambda b: b[:-4], lambda b: b + b"x", lambda b: b[5:]])
def test_a_damaged_gzip_body_is_malformed(intake, traces, damage):
    body = damage(gzip.compress(traces()))
    answer = intake.post("/v1/traces", body, PROTOBUF, content_encoding="gzip")
    assert answer.status_code == 400
    assert "gzip" in Status.FromString(answer.content).message


def test_one_bad_request_never_fails_its_neighbours(intake, traces):
    bodies = [traces(3, name=f"good {number}") for number in range(40)]

    def post(number):
        bad = number % 4 == 0
        return intake.post("/v1/traces", b"\xff" if bad else bodies[number], PROTOBUF).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(post, range(40)))
    assert codes == [400 if number % 4 == 0 else 200 for number in range(40)]
    good = [bodies[number] for number in range(40) if number % 4]
    assert sorted(entry.body for entry in intake.logged()) == sorted(good)


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_a_full_disk_is_said_nothing_is_kept_and_intake_recovers(
    intake_with, full_disk, traces, content_type
):
    intake = intake_with()
    body = traces(20_000) if content_type == PROTOBUF else b"{}" + b" " * 200_000
    with full_disk():
        answer = intake.post("/v1/traces", body, content_type)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    if content_type == PROTOBUF:
        status = Status.FromString(answer.content)
        retry = RetryInfo()
        assert status.code == 14
        assert status.details[0].Unpack(retry)
        assert retry.retry_delay.seconds == 5
    assert intake.logged() == []
    assert intake.post("/v1/traces", body, content_type).status_code == 200
    assert [entry.body for entry in intake.logged()] == [body]


def test_a_full_queue_is_said_and_intake_recovers(intake_with, stalled_log, traces):
    intake = intake_with(queue_bytes=4_000, group_bytes=1)
    body = traces(100)
    with ThreadPoolExecutor(12) as pool, stalled_log():
        posts = [pool.submit(intake.post, "/v1/traces", body, PROTOBUF) for _ in range(12)]
        # Only refusals are answered while nothing can be written.
        refused = next(as_completed(posts, timeout=30)).result()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    codes = [post.result().status_code for post in posts]
    assert set(codes) == {200, 503}
    assert len(intake.logged()) == codes.count(200)
    assert intake.post("/v1/traces", body, PROTOBUF).status_code == 200


def test_requests_are_counted_by_what_became_of_them(intake, traces):
    outcomes = {
        "accepted": (traces(), PROTOBUF),
        "partial": (traces(trace_id=b""), PROTOBUF),
        "malformed": (b"\xff", PROTOBUF),
        "too_large": (bytes(2 << 20), PROTOBUF),
        "unsupported": (b"", "text/plain"),
    }
    before = {outcome: intake.count("traces", outcome) for outcome in outcomes}
    for content, content_type in outcomes.values():
        intake.post("/v1/traces", content, content_type)
    after = {outcome: intake.count("traces", outcome) for outcome in outcomes}
    assert after == {outcome: count + 1 for outcome, count in before.items()}
