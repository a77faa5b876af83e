"""OpenTelemetry traces and logs, judged with the official messages."""

from __future__ import annotations

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.intake import otlp_json
from collector.intake.media import JSON, PROTOBUF
from collector.intake.otlp_json import AnyMessage
from collector.intake.refusals import Malformed
from collector.intake.submissions import ACCEPTED, Signal, Submission, Verdict

_NO_TRACE = bytes(16)
_NO_SPAN = bytes(8)


def _admit(submission: Submission) -> None:
    submission.media.require(PROTOBUF, JSON)


def _parsed(submission: Submission, content: bytes, message: type[AnyMessage]) -> AnyMessage:
    if submission.media.is_json:
        return otlp_json.parsed(content, message)
    try:
        return message.FromString(content)
    except DecodeError as error:
        raise Malformed(f"the body is not {message.DESCRIPTOR.name}: {error}") from error


def _judge_traces(submission: Submission, content: bytes) -> Verdict:
    request = _parsed(submission, content, ExportTraceServiceRequest)
    rejected = sum(
        not _has_ids(span)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )
    if not rejected:
        return ACCEPTED
    message = (
        f"{rejected} spans have no valid ids: a trace id has 16 bytes, a span id 8, not all zero;"
        " they are kept as dead letters"
    )
    return Verdict(rejected=rejected, message=message)


def _has_ids(span: Span) -> bool:
    trace_id, span_id = span.trace_id, span.span_id
    return (
        len(trace_id) == 16 and len(span_id) == 8 and trace_id != _NO_TRACE and span_id != _NO_SPAN
    )


def _judge_logs(submission: Submission, content: bytes) -> Verdict:
    _parsed(submission, content, ExportLogsServiceRequest)
    return ACCEPTED


def _answered_traces(media_type: str, verdict: Verdict) -> bytes:
    response = ExportTraceServiceResponse()
    if verdict.rejected:
        partial = ExportTracePartialSuccess(
            rejected_spans=verdict.rejected, error_message=verdict.message
        )
        response.partial_success.CopyFrom(partial)
    return _encoded(media_type, response)


def _encoded(
    media_type: str, response: ExportTraceServiceResponse | ExportLogsServiceResponse
) -> bytes:
    if media_type == PROTOBUF:
        return response.SerializeToString()
    return json_format.MessageToJson(response, indent=None).encode("utf-8")


TRACES = Signal(
    name="traces",
    kind="otlp.traces",
    answer_types=(PROTOBUF, JSON),
    admit=_admit,
    judge=_judge_traces,
    answer=_answered_traces,
)
LOGS = Signal(
    name="logs",
    kind="otlp.logs",
    answer_types=(PROTOBUF, JSON),
    admit=_admit,
    judge=_judge_logs,
    answer=lambda media_type, _verdict: _encoded(media_type, ExportLogsServiceResponse()),
)
