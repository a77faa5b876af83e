"""The simulated systems as services with the official SDK, exporters and W3C propagation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random

from opentelemetry import baggage, context, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as otlp_grpc_spans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http import trace_exporter as otlp_http_spans
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from threadline.simulator.acts import ERP, MIDDLEWARE, PROCUREMENT, SERVICES, Span

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OVER_GRPC = (MIDDLEWARE, ERP, PROCUREMENT)
SPANS_PER_EXPORT = 256
QUEUE = 65_536
CARRIED = "contract.id"
HEADERS = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])


class NotDelivered(Exception):
    """What was played did not all reach the receiver; the message says how much is missing."""


class Services:
    """One tracer provider per system. `open` it, `record` spans in the order they happened."""

    def __init__(self, http: str, grpc: str, seed: int) -> None:
        self._ids = _Ids(seed)
        self._headers: dict[str, dict[str, str]] = {}
        self.receipts = {name: _Receipts(_exporter(name, http, grpc)) for name in SERVICES}
        self._providers = {name: self._provider(name) for name in SERVICES}

    @classmethod
    @contextmanager
    def open(cls, http: str, grpc: str, seed: int) -> Iterator[Services]:
        """Services sending to `http` (a base URL) and `grpc` (host:port), shut down at the end."""
        services = cls(http, grpc, seed)
        try:
            yield services
        finally:
            for provider in services._providers.values():
                provider.shutdown()

    def record(self, span: Span) -> None:
        """Record a span under its parent, through the headers its parent's service sent."""
        received = HEADERS.extract(self._headers.get(span.parent, {}), context=context.Context())
        if span.baggage:
            received = baggage.set_baggage(CARRIED, span.baggage, received)
        self._ids.trace_id = span.trace_id
        recorded = (
            self._providers[span.service]
            .get_tracer("threadline.simulator")
            .start_span(
                span.name,
                context=received,
                kind=trace.SpanKind[span.role.upper()],
                attributes=dict(span.attributes),
                links=[self._link(key) for key in span.links],
                start_time=_nanoseconds(span.started_at),
            )
        )
        if span.error:
            recorded.set_status(trace.Status(trace.StatusCode.ERROR, span.error))
        recorded.end(_nanoseconds(span.ended_at))
        headers: dict[str, str] = {}
        HEADERS.inject(headers, trace.set_span_in_context(recorded, received))
        self._headers[span.key] = headers

    def flush(self) -> None:
        """Send what is waiting; raises `NotDelivered` if spans were refused or lost."""
        for provider in self._providers.values():
            provider.force_flush()
        lost = sum(receipts.lost for receipts in self.receipts.values())
        if lost:
            raise NotDelivered(f"{lost} spans were not accepted; is the service up?")

    def _link(self, key: str) -> trace.Link:
        headers = self._headers[key]
        target = trace.get_current_span(HEADERS.extract(headers, context=context.Context()))
        return trace.Link(target.get_span_context())

    def _provider(self, name: str) -> TracerProvider:
        resource = Resource.create({"service.name": name, "deployment.environment.name": "demo"})
        provider = TracerProvider(resource=resource, id_generator=self._ids)
        provider.add_span_processor(_ContractFromBaggage())
        batches = BatchSpanProcessor(
            self.receipts[name], max_queue_size=QUEUE, max_export_batch_size=SPANS_PER_EXPORT
        )
        provider.add_span_processor(batches)
        return provider


class _ContractFromBaggage(SpanProcessor):
    """Puts the contract id from the baggage on spans at a service's border.

    Work inside a service stays bare: who reads the trace has to infer it, as in real systems.
    """

    def on_start(self, span: SdkSpan, parent_context: context.Context | None = None) -> None:
        carried = baggage.get_baggage(CARRIED, parent_context)
        if carried and span.kind is not trace.SpanKind.INTERNAL:
            span.set_attribute(CARRIED, str(carried))


class _Receipts(SpanExporter):
    """Counts what the exporter behind it got accepted; its first batch is sent twice.

    That is what a sender does whose answer got lost.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.accepted = self.repeated = self.lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self.lost += len(spans)
            return result
        if not self.accepted and self._exporter.export(spans) is SpanExportResult.SUCCESS:
            self.repeated += len(spans)
        self.accepted += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _Ids(IdGenerator):
    """Trace ids as planned, span ids from the seed, so that a world plays the same again."""

    def __init__(self, seed: int) -> None:
        self.trace_id = 0
        self._random = Random(seed)

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self._random.getrandbits(64) | 1


def _exporter(service: str, http: str, grpc: str) -> SpanExporter:
    if service in OVER_GRPC:
        return otlp_grpc_spans.OTLPSpanExporter(endpoint=grpc, insecure=True)
    return otlp_http_spans.OTLPSpanExporter(
        endpoint=f"{http.rstrip('/')}/v1/traces",
        compression=Compression.Gzip,
    )


def _nanoseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1) * 1000
