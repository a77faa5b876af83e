import asyncio

import grpc
from prometheus_client import CollectorRegistry

from collector.intake.counts import IntakeCounts
from collector.intake.http import create_app
from threadline.clock import SystemClock
from threadline.settings import IntakeSettings


def test_the_source_is_who_the_headers_prove_the_sender_to_be(intake_with, traces):
    intake = intake_with({"authenticate": lambda headers: headers["authorization"]})
    intake.post("/v1/traces", traces(), "application/x-protobuf", Authorization="crm")
    intake.post("/v1/events", b"[]", "application/cloudevents-batch+json", authorization="erp")
    with grpc.insecure_channel(intake.grpc) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")
        export(b"", timeout=30, metadata=(("authorization", "psa"),))
    assert [entry.source for entry in intake.logged()] == ["crm", "erp", "psa"]


def test_nothing_of_a_body_that_breaks_off_is_kept(intake):
    registry = CollectorRegistry()
    app = create_app(
        intake.log, IntakeSettings(), clock=SystemClock(), counts=IntakeCounts(registry)
    )
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/traces",
        "headers": [(b"content-type", b"application/x-protobuf")],
    }
    messages = [
        {"type": "http.request", "body": b"\x0a", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive():
        return messages.pop(0)

    async def send(message):
        pass

    asyncio.run(app(scope, receive, send))
    labels = {"signal": "traces", "outcome": "disconnected"}
    assert registry.get_sample_value("threadline_intake_requests_total", labels) == 1
    assert intake.logged() == []
