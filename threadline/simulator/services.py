"""The simulated systems as services with the official SDK, exporters and W3C propagation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from opentelemetry import baggage, context, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as otlp_grpc_spans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http import trace_exporter as otlp_http_spans
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace._sampling_experimental import (
    composable_parent_threshold,
    composable_traceid_ratio_based,
    composite_sampler,
)
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from threadline.simulator.acts import ERP, MIDDLEWARE, PROCUREMENT, TRACED, Span
from threadline.simulator.scenario import Scenario

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OVER_GRPC = (MIDDLEWARE, ERP, PROCUREMENT)
SPANS_PER_EXPORT = 512
CARRIED = "contract.id"
HEADERS = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])


class NotDelivered(Exception):
    """What was played did not all reach the receiver; the message says how much is missing."""


class Services:
    """One tracer provider per system. `open` it, `record` spans in the order they began, `export`.

    A span's id follows from the seed and its key, so that a world plays the same again.
    """

    def __init__(
        self, http: str, grpc: str, seed: int, scenario: Scenario, *, faithful: bool = False
    ) -> None:
        self._ids, self._seed = _Ids(), seed
        self._headers: dict[str, dict[str, str]] = {}
        self._ended = _Ended()
        self._exporters = {name: _exporter(name, http, grpc) for name in TRACED}
        self._providers = {
            name: self._provider(name, 1 if faithful else scenario.conditions(name).sampled)
            for name in TRACED
        }
        self._answered: set[str] = set()
        self._accepted: set[int] = set()
        self.repeated = 0

    @property
    def accepted(self) -> int:
        """How many spans the receiver has accepted, each counted once."""
        return len(self._accepted)

    @classmethod
    @contextmanager
    def open(
        cls, http: str, grpc: str, seed: int, scenario: Scenario, *, faithful: bool = False
    ) -> Iterator[Services]:
        """Services sending to `http` (a base URL) and `grpc` (host:port), shut down at the end.

        `faithful` ones sample nothing.
        """
        services = cls(http, grpc, seed, scenario, faithful=faithful)
        try:
            yield services
        finally:
            for exporter in services._exporters.values():
                exporter.shutdown()

    def record(self, span: Span) -> ReadableSpan | None:
        """Record a span under its parent, through the headers its parent's service sent.

        None where its trace is not sampled.
        """
        received = HEADERS.extract(self._headers.get(span.parent, {}), context=context.Context())
        if span.baggage:
            received = baggage.set_baggage(CARRIED, span.baggage, received)
        self._ids.trace_id = span.trace_id
        self._ids.span_id = _span_id(self._seed, span.key)
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
        self._ended.span = None
        recorded.end(_nanoseconds(span.ended_at))
        headers: dict[str, str] = {}
        HEADERS.inject(headers, trace.set_span_in_context(recorded, received))
        self._headers[span.key] = headers
        return self._ended.span

    def export(self, spans: Iterable[tuple[str, ReadableSpan]]) -> None:
        """Send recorded spans, by service; the first of each are sent twice, as a sender does whose
        answer got lost. Raises `NotDelivered` if some were refused or lost.
        """
        apart: dict[str, list[ReadableSpan]] = defaultdict(list)
        for service, span in spans:
            apart[service].append(span)
        for service, some in apart.items():
            for start in range(0, len(some), SPANS_PER_EXPORT):
                batch = some[start : start + SPANS_PER_EXPORT]
                self._send(service, batch)
                if service not in self._answered:
                    self._answered.add(service)
                    self._send(service, batch)

    def _send(self, service: str, spans: Sequence[ReadableSpan]) -> None:
        if self._exporters[service].export(spans) is not SpanExportResult.SUCCESS:
            raise NotDelivered(f"{len(spans)} spans were not accepted; is the service up?")
        before = len(self._accepted)
        self._accepted.update(span.context.span_id for span in spans if span.context)
        self.repeated += len(spans) - (len(self._accepted) - before)

    def _link(self, key: str) -> trace.Link:
        headers = self._headers[key]
        target = trace.get_current_span(HEADERS.extract(headers, context=context.Context()))
        return trace.Link(target.get_span_context())

    def _provider(self, name: str, sampled: float) -> TracerProvider:
        resource = Resource.create({"service.name": name, "deployment.environment.name": "demo"})
        sampler = None
        if sampled < 1:
            sampler = _Share(sampled)
        provider = TracerProvider(resource=resource, id_generator=self._ids, sampler=sampler)
        provider.add_span_processor(_ContractFromBaggage())
        provider.add_span_processor(self._ended)
        return provider


class _Ended(SpanProcessor):
    """Keeps the span that ended last; it is sent when the world says that it arrives."""

    span: ReadableSpan | None = None

    def on_end(self, span: ReadableSpan) -> None:
        self.span = span


class _Share(Sampler):
    """Keeps a share of the traces that begin here, and says so in their trace state.

    The SDK's composite sampler forgets what a span starts with, and is not told its parent's state.
    """

    def __init__(self, share: float) -> None:
        here = composable_traceid_ratio_based(share)
        self._sampler = composite_sampler(composable_parent_threshold(here))

    def should_sample(
        self,
        parent_context: context.Context | None,
        trace_id: int,
        name: str,
        kind: trace.SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[trace.Link] | None = None,
        trace_state: trace.TraceState | None = None,
    ) -> SamplingResult:
        above = trace.get_current_span(parent_context).get_span_context().trace_state
        found = self._sampler.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state or above
        )
        return SamplingResult(found.decision, attributes, found.trace_state)

    def get_description(self) -> str:
        return self._sampler.get_description()


class _ContractFromBaggage(SpanProcessor):
    """Puts the contract id from the baggage on spans at a service's border.

    Work inside a service stays bare: who reads the trace has to infer it, as in real systems.
    """

    def on_start(self, span: SdkSpan, parent_context: context.Context | None = None) -> None:
        carried = baggage.get_baggage(CARRIED, parent_context)
        if carried and span.kind is not trace.SpanKind.INTERNAL:
            span.set_attribute(CARRIED, str(carried))


class _Ids(IdGenerator):
    """Ids as planned."""

    trace_id = span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


def _span_id(seed: int, key: str) -> int:
    return int.from_bytes(sha256(f"{seed}/{key}".encode()).digest()[:8]) | 1


def _exporter(service: str, http: str, grpc: str) -> SpanExporter:
    if service in OVER_GRPC:
        return otlp_grpc_spans.OTLPSpanExporter(endpoint=grpc, insecure=True)
    return otlp_http_spans.OTLPSpanExporter(
        endpoint=f"{http.rstrip('/')}/v1/traces",
        compression=Compression.Gzip,
    )


def _nanoseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1) * 1000
