import asyncio

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from collector.intake.counts import IntakeCounts
from collector.intake.grpc import serve
from threadline.clock import SystemClock
from threadline.errors import SettingsError
from threadline.settings import IntakeSettings

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


def export(intake, method, body, compression=grpc.Compression.NoCompression):
    with grpc.insecure_channel(intake.grpc) as channel:
        return channel.unary_unary(method)(body, timeout=30, compression=compression)


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_spans_of_the_official_exporter_are_logged(intake, compression):
    exporter = OTLPSpanExporter(intake.grpc, insecure=True, compression=compression)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("clm").start_as_current_span("clm.contract.approved"):
        pass
    provider.shutdown()
    (entry,) = intake.logged()
    assert (entry.kind, entry.source, entry.content_encoding) == ("otlp.traces", "open", "")
    assert entry.content_type == "application/x-protobuf"
    request = ExportTraceServiceRequest.FromString(entry.body)
    assert request.resource_spans[0].scope_spans[0].spans[0].name == "clm.contract.approved"


def test_log_records_of_the_official_exporter_are_logged(intake):
    exporter = OTLPLogExporter(intake.grpc, insecure=True)
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("erp").emit(body="rate card missing")
    provider.shutdown()
    (entry,) = intake.logged()
    request = ExportLogsServiceRequest.FromString(entry.body)
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    assert record.body.string_value == "rate card missing"


def test_the_bytes_are_logged_as_they_were_sent(intake, traces, logs):
    unknown_field = b"\xa2\x06\x03new"
    for method, body in ((TRACES, traces(2) + unknown_field), (LOGS, logs + unknown_field)):
        assert export(intake, method, body) == b""
        assert [entry.body for entry in intake.logged()] == [body]


def test_spans_without_valid_ids_are_logged_and_said_to_be_rejected(intake, traces):
    answer = export(intake, TRACES, traces(3, trace_id=bytes(16)))
    assert ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans == 3
    assert len(intake.logged()) == 1


@pytest.mark.parametrize("method", [TRACES, LOGS])
def test_malformed_requests_are_an_invalid_argument(intake, method):
    with pytest.raises(grpc.RpcError) as refused:
        export(intake, method, b"\xff")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "is not Export" in refused.value.details()
    assert intake.logged() == []


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_requests_over_the_limit_exhaust_resources(intake, compression):
    with pytest.raises(grpc.RpcError) as refused:
        export(intake, TRACES, bytes(3 << 20), compression)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert intake.logged() == []


def test_a_full_disk_is_unavailable_with_the_time_to_retry_and_recovers(
    intake_with, full_disk, traces
):
    intake = intake_with()
    body = traces(20_000)
    with full_disk(), pytest.raises(grpc.RpcError) as refused:
        export(intake, TRACES, body)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    trailers = dict(refused.value.trailing_metadata())
    status, retry = Status.FromString(trailers["grpc-status-details-bin"]), RetryInfo()
    assert (status.code, status.message) == (14, refused.value.details())
    assert status.details[0].Unpack(retry)
    assert retry.retry_delay.seconds == 5
    assert intake.logged() == []
    export(intake, TRACES, body)
    assert [entry.body for entry in intake.logged()] == [body]


def test_metrics_are_not_implemented(intake):
    with pytest.raises(grpc.RpcError) as refused:
        export(intake, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", b"")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_port_that_is_taken_is_named(intake):
    async def second():
        counts = IntakeCounts(intake.registry.__class__())
        settings = IntakeSettings(grpc=intake.grpc)
        await serve(intake.log, settings, clock=SystemClock(), counts=counts)

    with pytest.raises(SettingsError, match=intake.grpc):
        asyncio.run(second())
