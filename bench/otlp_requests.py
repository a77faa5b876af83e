"""OTLP trace requests by number: encoded once by the official classes, then patched as bytes.

A request has 512 spans of 10 attributes in 48 traces, from five services. A generation of contracts
goes through ten such requests, one for each milestone of contract-activation and one of plumbing;
then the next begins. About one span in eight names its contract, one in twelve is a milestone.
"""

from __future__ import annotations

import re
from random import Random

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

SPANS, TRACES, ATTRIBUTES, PHASES, GROUPS = 512, 48, 10, 10, 4
COUNTER = b"\xf5\xf6\xf7\xf8"  # in every id: no UTF-8 text holds these bytes
GENERATION = "@@@@@@"  # in every contract and project number
CLM, MIDDLEWARE, ERP, PSA, PROCUREMENT = (
    "clm-docusign",
    "middleware-mulesoft",
    "erp-sap",
    "psa-certinia",
    "procurement-coupa",
)
MILESTONES = (
    (CLM, "clm.contract.approved"),
    (MIDDLEWARE, "middleware.fields.validated"),
    (ERP, "erp.project.created"),
    (ERP, "erp.billing_schedule.created"),
    (ERP, "erp.rate_card.created"),
    (ERP, "erp.tax.configured"),
    (ERP, "erp.revenue_treatment.set"),
    (PSA, "psa.project.created"),
    (PROCUREMENT, "procurement.request.created"),
    (MIDDLEWARE, ""),
)
Attributes = dict[str, str | int | bool]

PLUMBING: tuple[tuple[str, Attributes], ...] = (
    ("POST /api/contracts", {"http.request.method": "POST", "url.path": "/api/contracts"}),
    ("SELECT terms", {"db.system.name": "postgresql", "db.query.summary": "SELECT terms"}),
    ("publish queue", {"messaging.system": "rabbitmq", "messaging.destination.name": "terms"}),
    ("transform payload", {"code.function.name": "transform", "code.line.number": 118}),
)
TERMS: Attributes = {
    "contract.value": "184000.00",
    "contract.currency": "EUR",
    "contract.region": "EMEA",
    "contract.business_unit": "Cloud Engineering",
    "contract.tier": "standard",
    "contract.subcontractor_clause": True,
}
FILLER: Attributes = {
    "server.address": "integration-07.internal",
    "server.port": 8443,
    "network.protocol.version": "1.1",
    "http.response.status_code": 200,
    "user_agent.original": "AHC/2.1",
    "thread.id": 4711,
    "thread.name": "worker-17",
    "host.name": "node-3",
    "actor.type": "integration",
}


class Requests:
    """Request bodies by number; every number gives other ids. Building takes about a second."""

    def __init__(self, started_ns: int, seed: int = 1) -> None:
        random = Random(seed)
        self._templates = [
            Template(_request(random, started_ns, phase, group).SerializeToString())
            for phase in range(PHASES)
            for group in range(GROUPS)
        ]

    def body(self, number: int) -> bytes:
        """The request of this number, below 2**32."""
        generation, template = divmod(number, len(self._templates))
        return self._templates[template].filled(b"%06d" % generation, number.to_bytes(4, "big"))

    def about(self, number: int, generations: int) -> bytes:
        """The request of this number when so many generations are told of in turn, for ever."""
        round_, generation = divmod(number, generations)
        template = self._templates[round_ % len(self._templates)]
        return template.filled(b"%06d" % generation, number.to_bytes(4, "big"))


class Template:
    """An encoded request, cut at the places where one request differs from another."""

    def __init__(self, encoded: bytes) -> None:
        self._pieces = re.split(b"(%s|%s)" % (COUNTER, GENERATION.encode()), encoded)
        self._is_counter = [piece == COUNTER for piece in self._pieces[1::2]]

    def filled(self, generation: bytes, counter: bytes) -> bytes:
        """The request with these in their places; neither changes a length."""
        pieces = self._pieces.copy()
        pieces[1::2] = map((generation, counter).__getitem__, self._is_counter)
        return b"".join(pieces)


def _request(random: Random, started_ns: int, phase: int, group: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    services = {name: _resource(request, name) for name in (CLM, MIDDLEWARE, ERP, PSA, PROCUREMENT)}
    at = started_ns - (PHASES - phase) * 1_800_000_000_000
    for trace in range(TRACES):
        size = SPANS // TRACES + (trace < SPANS % TRACES)
        _trace(random, services, at, phase, f"{group}{trace:02d}", size)
    return request


def _resource(request: ExportTraceServiceRequest, service: str) -> ResourceSpans:
    resource = request.resource_spans.add()
    name = resource.resource.attributes.add()
    name.key, name.value.string_value = "service.name", service
    resource.scope_spans.add().scope.name = "bench"
    return resource


def _trace(
    random: Random,
    services: dict[str, ResourceSpans],
    at: int,
    phase: int,
    number: str,
    size: int,
) -> None:
    trace_id, parent = random.randbytes(12) + COUNTER, b""
    contract = f"C-{GENERATION}{number}"
    service, milestone = MILESTONES[phase]
    for place in range(size):
        name, own = PLUMBING[(place + int(number)) % len(PLUMBING)]
        attributes: Attributes = dict(own)
        if place == 0 and int(number) % 5 < 2:
            attributes["contract.id"] = contract
        if milestone and place == size - 2:
            name, attributes = milestone, _milestone(phase, contract, number)
        where = service if place >= size // 2 else MIDDLEWARE
        span = services[where].scope_spans[0].spans.add()
        span.trace_id, span.parent_span_id = trace_id, parent
        span.span_id = random.randbytes(4) + COUNTER
        span.name = name
        span.kind = Span.SPAN_KIND_SERVER if place == 0 else Span.SPAN_KIND_INTERNAL
        span.start_time_unix_nano = at + place * 1_000_000
        span.end_time_unix_nano = at + place * 1_000_000 + 25_000_000
        _put(span, attributes)
        parent = span.span_id if place % 3 == 0 else parent


def _milestone(phase: int, contract: str, number: str) -> Attributes:
    attributes: Attributes = {"contract.id": contract, "actor.type": "integration"}
    if phase == 0:
        return attributes | TERMS
    if MILESTONES[phase][0] == ERP:
        attributes["erp.project.id"] = f"P-{GENERATION}{number}"
    if MILESTONES[phase][0] == PSA:
        attributes["psa.project.id"] = f"PSA-{GENERATION}{number}"
    if MILESTONES[phase][0] == PROCUREMENT:
        attributes["purchase_order.number"] = f"PO-{GENERATION}{number}"
    return attributes


def _put(span: Span, attributes: Attributes) -> None:
    whole = attributes | {key: FILLER[key] for key in FILLER if key not in attributes}
    for key, value in list(whole.items())[:ATTRIBUTES]:
        pair = span.attributes.add()
        pair.key = key
        if isinstance(value, bool):
            pair.value.bool_value = value
        elif isinstance(value, int):
            pair.value.int_value = value
        else:
            pair.value.string_value = value
