import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from prometheus_client import CollectorRegistry

from collector.intake.counts import IntakeCounts
from collector.intake.http import create_app
from collector.intake.senders import known_to
from threadline.access import Gate, TokenBook, mint
from threadline.access.pace import Pace
from threadline.clock import FixedClock, SystemClock
from threadline.settings import ControlSettings, IntakeSettings
from threadline.store.control import ControlStore


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


NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def gate(tmp_path: Path):
    """Knows tokens of erp, of both, and one without a source; by name."""
    clock = SystemClock()
    control = ControlStore.open(ControlSettings(path=tmp_path / "control.sqlite"), clock)
    control.migrate()
    texts = {}
    for name, sources in {"erp": ["erp"], "both": ["erp", "s4"], "reader": []}.items():
        scopes = {"roles": ["admin"], "sources": sources, "lifetime": timedelta(days=1)}
        token, texts[name] = mint(name, **scopes, who="ana", now=clock.now())
        control.tokens.add(token)
    yield Gate(TokenBook(control, clock), None, required=True), texts
    control.close()


_EVENT = b'{"specversion": "1.0", "id": "1", "source": "/erp", "type": "erp.done"}'
EVENTS = "application/cloudevents+json"


@pytest.mark.parametrize(
    ("token", "source", "status"),
    [
        ("erp", "", 200),
        ("erp", "erp", 200),
        ("both", "s4", 200),
        ("both", "", 403),
        ("erp", "s4", 403),
        ("erp", "open", 403),
        ("reader", "erp", 403),
        ("", "erp", 401),
        ("forged", "", 401),
    ],
)
def test_a_token_sends_for_its_own_sources_and_no_other(intake_with, gate, token, source, status):
    knowing, texts = gate
    intake = intake_with({"authenticate": known_to(knowing)})
    proof = {"authorization": f"Bearer {texts.get(token, 'tl_aaaaaaaa_x')}"} if token else {}
    asked = {"x_threadline_source": source} if source else {}

    answer = intake.post("/v1/events", _EVENT, EVENTS, **proof, **asked)

    assert answer.status_code == status
    logged = [entry.source for entry in intake.logged()]
    assert logged == ([source or token] if status == 200 else [])
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert intake.count("events", "unauthenticated") == 1


def test_a_sender_beyond_its_pace_is_told_when_to_come_again_and_others_are_not(
    intake_with, gate, logs
):
    knowing, texts = gate
    paced = Gate(knowing.tokens, None, required=True, input_pace=Pace(0.5, FixedClock(NOW)))
    intake = intake_with({"authenticate": known_to(paced)})
    erp, both = ({"authorization": f"Bearer {texts[name]}"} for name in ("erp", "both"))

    answers = [intake.post("/v1/events", _EVENT, EVENTS, **erp) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "2"
    assert len(intake.logged()) == 2
    with grpc.insecure_channel(intake.grpc) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")
        refused = export.future(logs, timeout=30, metadata=tuple(erp.items()))
        assert refused.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        details = dict(refused.trailing_metadata())["grpc-status-details-bin"]
    assert b"RetryInfo" in details, "without it an exporter would throw the spans away"
    others = {**both, "x_threadline_source": "s4"}
    assert intake.post("/v1/events", _EVENT, EVENTS, **others).status_code == 200


@pytest.mark.parametrize(
    ("token", "source", "code"),
    [
        ("erp", "", grpc.StatusCode.OK),
        ("erp", "s4", grpc.StatusCode.PERMISSION_DENIED),
        ("", "", grpc.StatusCode.UNAUTHENTICATED),
    ],
)
def test_grpc_asks_for_the_same(intake_with, gate, logs, token, source, code):
    knowing, texts = gate
    intake = intake_with({"authenticate": known_to(knowing)})
    given = {"authorization": f"Bearer {texts[token]}"} if token else {}
    given |= {"x-threadline-source": source} if source else {}

    with grpc.insecure_channel(intake.grpc) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")
        outcome = export.future(logs, timeout=30, metadata=tuple(given.items()))
        assert outcome.code() == code

    assert len(intake.logged()) == (code == grpc.StatusCode.OK)
