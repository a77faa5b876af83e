"""An input reduced to what decoding reads gives the same facts and the same dead letters."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest
from decode import event_strategies, otlp_strategies, requests_by_hand
from decode.requests_by_hand import SPAN, TRACE
from google.protobuf.json_format import MessageToJson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.decode.columns import by_reference
from collector.decode.requests import Message, Refusal, messages
from collector.decode.statements import Names
from collector.keeping import reduced
from threadline.model.entries import Entry, Logged, Position

SECRET = "nobody reads this"
NAMES = Names(read=frozenset(otlp_strategies.READ), inherited=frozenset(otlp_strategies.INHERITED))


def entry(kind: Any, body: bytes, content_type: str = "application/x-protobuf", **more: Any):
    given = {"source": "acme", "received_at": requests_by_hand.RECEIVED, "body": body}
    return Entry(kind=kind, content_type=content_type, **(given | more))


def of_line(line: bytes) -> Entry:
    kind = (
        "application/cloudevents-batch+json" if line[:1] == b"B" else "application/cloudevents+json"
    )
    return entry("cloudevents", line[1:], kind)


otlp = st.one_of(
    otlp_strategies.traces(nested=True).map(
        lambda request: entry("otlp.traces", request.SerializeToString())
    ),
    otlp_strategies.logs(nested=True).map(
        lambda request: entry(
            "otlp.logs", gzip.compress(request.SerializeToString()), content_encoding="gzip"
        )
    ),
    st.binary(max_size=9).map(lambda body: entry("otlp.traces", body)),
    st.binary(max_size=9).map(lambda body: entry("otlp.logs", body, "application/json")),
)
inputs = st.lists(st.one_of(otlp, event_strategies.any_lines().map(of_line)), max_size=6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(given_inputs=inputs)
def test_it_says_what_the_input_said(given_inputs: list[Entry]):
    left = [reduced(one) for one in given_inputs]

    assert said(left) == said(given_inputs)
    assert [reduced(one) for one in left] == left


def said(entries: list[Entry]) -> tuple[str, list[Refusal]]:
    """Rows and refusals by the reference, which the columnar decoder equals."""
    read = list(messages(places(entries)))
    rows, refusals = by_reference([one for one in read if isinstance(one, Message)], NAMES)
    return repr(rows), refusals + [one for one in read if isinstance(one, Refusal)]


@pytest.mark.parametrize("as_json", [False, True])
def test_what_nobody_reads_is_gone(as_json: bool):
    event = Span.Event(name=SECRET, attributes=requests_by_hand.attributes({"k": SECRET}))
    request = requests_by_hand.ExportTraceServiceRequest()
    spans = request.resource_spans.add(schema_url=SECRET)
    scope = spans.scope_spans.add()
    scope.scope.name = SECRET
    scope.spans.append(requests_by_hand.span({"contract.id": "C-1"}, events=[event]))
    body = as_otlp_json(request) if as_json else request.SerializeToString()
    given = entry("otlp.traces", body, "application/json" if as_json else "application/x-protobuf")

    left = reduced(given)

    assert SECRET.encode() in given.body
    assert SECRET.encode() not in left.body
    assert b"C-1" in left.body


def as_otlp_json(request) -> bytes:
    """Ids in hexadecimal, unlike in other JSON of Protobuf messages."""
    ids = {base64.b64encode(one).decode(): one.hex() for one in (TRACE, SPAN)}
    text = MessageToJson(request)
    for written, asked in ids.items():
        text = text.replace(written, asked)
    return text.encode()


def places(entries) -> list[Logged]:
    return [
        Logged(position=Position(partition=0, offset=offset), entry=entry)
        for offset, entry in enumerate(entries, 1)
    ]
