"""What becomes of spans."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from decode.conftest import Decode
from decode.requests_by_hand import (
    RECEIVED,
    SPAN,
    START,
    TRACE,
    attributes,
    logged,
    span,
    traces,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def only(frame: pl.DataFrame) -> dict[str, Any]:
    assert frame.height == 1
    return frame.to_dicts()[0]


def identifiers(mentions: pl.DataFrame) -> set[tuple[str, str, str]]:
    return set(mentions.select("object_type", "namespace", "value").iter_rows())


def test_a_span_is_a_fact_of_the_system_that_its_service_belongs_to(decoded: Decode) -> None:
    fact = only(decoded(logged(traces(span({"contract.id": "C-1"})))).facts)
    assert fact["system"] == "erp"
    assert fact["trace_id"] == TRACE.hex()
    assert fact["span_id"] == SPAN.hex()
    assert fact["attributes"] == '{"contract.id":"C-1"}'
    assert fact["occurred_at"].timestamp() * 1_000_000_000 == START
    assert fact["at"] == fact["ended_at"]
    assert fact["plausible"]


def test_an_unmapped_service_is_a_system_of_its_own(decoded: Decode) -> None:
    request = traces(span(), service__name="wiki")
    assert only(decoded(logged(request)).facts)["system"] == "wiki"


def test_identifiers_are_normalised_by_namespace_and_counted_once(decoded: Decode) -> None:
    said = {"invoice.number": [" 00042 ", "42", "rE-007", "  ", ""], "contract.id": "c-100234\n"}
    mentions = decoded(logged(traces(span(said)))).mentions
    assert identifiers(mentions) == {
        ("invoice", "erp", "42"),
        ("invoice", "erp", "RE-007"),
        ("contract", "clm", "C-100234"),
    }
    assert mentions.height == 3


def test_python_and_polars_normalise_alike(decoded: Decode, mapping: Any) -> None:
    raw = ["000", "0010", "\u00a0ß straße\u3000", "İstanbul", "\u200bx", "\x1cx", "٠٠٧", "0x", "ΑΣ"]
    keys = {"invoice.number": "erp", "contract.id": "clm", "envelope.id": "docusign"}
    for key, namespace in keys.items():
        found = decoded(logged(traces(span({key: raw})))).mentions["value"]
        assert set(found) == {mapping.normalised(namespace, text) for text in raw}


def test_resource_attributes_count_unless_the_span_says_otherwise(decoded: Decode) -> None:
    spans = span(), span({"contract.id": "C-2"}, span_id=b"otherone")
    request = traces(*spans, contract__id="C-1", host__name="pod-7", contract__region="EMEA")
    found = decoded(logged(request))
    assert found.facts["attributes"].to_list() == [
        '{"contract.id":"C-1","contract.region":"EMEA"}',
        '{"contract.id":"C-2","contract.region":"EMEA"}',
    ]
    assert set(found.mentions["value"]) == {"C-1", "C-2"}
    assert set(found.mentions["payload"]) == {'{"contract.region":"EMEA"}'}


def test_the_order_of_attributes_changes_nothing(decoded: Decode) -> None:
    said = {"contract.id": "C-1", "k": 1, "contract.value": "9.50"}
    turned = dict(reversed(said.items()))
    first, second = (decoded(logged(traces(span(s)))).facts for s in (said, turned))
    assert first.equals(second)


def test_any_change_of_what_is_said_is_another_version_of_the_same_fact(decoded: Decode) -> None:
    changed = [
        span({"k": 1}),
        span({"k": 2}),
        span(name="x"),
        span(end_time_unix_nano=START + 2),
        span(parent_span_id=b"parentid"),
        span(status=Status(code=Status.STATUS_CODE_ERROR)),
        span(status=Status(message="no")),
        span(links=[Span.Link(trace_id=TRACE, span_id=SPAN)]),
    ]
    facts = decoded(*(logged(traces(one), offset=n) for n, one in enumerate(changed))).facts
    assert facts["fact_id"].n_unique() == 1
    assert facts["content_hash"].n_unique() == len(changed)


def test_the_same_ids_from_another_sender_are_another_fact(decoded: Decode) -> None:
    request = traces(span())
    facts = decoded(*(logged(request, source=s) for s in ("b", "a", "b"))).facts
    assert facts.group_by("source").agg(pl.col("fact_id").n_unique())["fact_id"].to_list() == [1, 1]
    assert facts["fact_id"].n_unique() == 2


@pytest.mark.parametrize(
    ("status", "event", "said", "outcome", "message"),
    [
        (Status(), None, {}, "unset", ""),
        (Status(code=Status.STATUS_CODE_OK), None, {}, "ok", ""),
        (Status(code=Status.STATUS_CODE_ERROR, message="s"), "x", {}, "error", "s"),
        (Status(code=Status.STATUS_CODE_ERROR), "x", {"error.message": "a"}, "error", "x"),
        (Status(code=Status.STATUS_CODE_ERROR), None, {"error.message": "a"}, "error", "a"),
    ],
)
def test_outcome_and_message(
    decoded: Decode, status: Status, event: str | None, said: Any, outcome: str, message: str
) -> None:
    exception = [Span.Event(attributes=attributes({"exception.message": event}))] if event else []
    fact = only(decoded(logged(traces(span(said, status=status, events=exception)))).facts)
    assert (fact["outcome"], fact["message"]) == (outcome, message)


DAY = 86_400_000_000_000


@pytest.mark.parametrize(
    ("start", "end", "annotations"),
    [
        (START, START, []),
        (START, START - 1, ["end-before-start"]),
        (0, START, ["no-time"]),
        (START, 0, ["no-time"]),
        (1, START, ["before-2000"]),
        (START, START + 30 * DAY, ["far-future"]),
        (2**64 - 1, 2**64 - 1, ["far-future"]),
    ],
)
def test_times_that_make_no_sense_are_kept_annotated_and_never_plausible(
    decoded: Decode, start: int, end: int, annotations: list[str]
) -> None:
    times = {"start_time_unix_nano": start, "end_time_unix_nano": end}
    found = decoded(logged(traces(span({"contract.id": "C-1"}, **times))))
    fact = only(found.facts)
    assert fact["annotations"] == annotations
    assert fact["plausible"] is (not annotations)
    assert only(found.mentions)["plausible"] is (not annotations)
    assert (fact["occurred_at"] is None) is (start in (0, 2**64 - 1))


def test_the_future_is_judged_by_the_receipt(decoded: Decode) -> None:
    request = traces(span())
    late = logged(request, received_at=RECEIVED - timedelta(days=30))
    assert only(decoded(late).facts)["annotations"] == ["far-future"]


@pytest.mark.parametrize(
    ("state", "sampled"), [("ot=th:8", True), ("a=b,ot=rv:1;th:0c", True), ("ot=th:0", False)]
)
def test_sampling_is_said_and_does_not_make_a_span_implausible(
    decoded: Decode, state: str, sampled: bool
) -> None:
    found = decoded(logged(traces(span({"contract.id": "C-1"}, trace_state=state))))
    assert only(found.facts)["annotations"] == (["sampled"] if sampled else [])
    assert only(found.facts)["plausible"]
    assert only(found.mentions)["sampled"] is sampled


@pytest.mark.parametrize("ids", [{"trace_id": bytes(16)}, {"span_id": b"short"}, {"trace_id": b""}])
def test_a_span_without_valid_ids_is_a_dead_letter_and_its_neighbours_are_not(
    decoded: Decode, ids: dict[str, bytes]
) -> None:
    request = traces(span(span_id=b"neighbr1"), span({"k": "why"}, **ids))
    found = decoded(logged(request, offset=7))
    assert found.facts.height == 1
    letter = only(found.dead_letters)
    assert (letter["offset"], letter["ordinal"], letter["kind"]) == (7, 1, "span")
    assert "id" in letter["reason"]
    assert "why" in letter["excerpt"]


def test_one_broken_request_leaves_the_others_whole(decoded: Decode) -> None:
    good = [logged(traces(span()), offset=n) for n in range(5)]
    nested = traces(span())
    nested.resource_spans[0].scope_spans[0].spans[0].name = "\x01\x02"
    torn = traces(span()).SerializeToString()[:-3]
    not_utf8 = nested.SerializeToString().replace(b"\x01\x02", b"\xff\xfe")
    bad = [logged(body, offset=10 + n) for n, body in enumerate([torn, b"\xff\xff\xff", not_utf8])]
    found = decoded(*good[:2], *bad[:2], *good[2:], bad[2])
    assert found.facts["offset"].sort().to_list() == [0, 1, 2, 3, 4]
    assert found.dead_letters["offset"].sort().to_list() == [10, 11, 12]


def test_gzip_and_json_say_the_same_as_protobuf(decoded: Decode) -> None:
    request = traces(span({"contract.id": "C-1", "n": 2**60}))
    spans = [
        {
            "traceId": TRACE.hex().upper(),
            "spanId": SPAN.hex(),
            "name": "erp.project.created",
            "startTimeUnixNano": str(START),
            "endTimeUnixNano": str(START + 1_000),
            "attributes": [
                {"key": "contract.id", "value": {"stringValue": "C-1"}},
                {"key": "n", "value": {"intValue": str(2**60)}},
            ],
        }
    ]
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": "erp-api"}}]}
    body = {"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": spans}]}]}
    facts = decoded(
        logged(request),
        logged(gzip.compress(request.SerializeToString()), content_encoding="gzip"),
        logged(json.dumps(body).encode(), content_type="application/json"),
    ).facts
    assert facts.height == 3
    assert facts.unique().height == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"body": b"no gzip", "content_encoding": "gzip"},
        {"body": gzip.compress(b"\x0a\x00")[:-2], "content_encoding": "gzip"},
        {"body": b"x", "content_encoding": "br"},
        {"body": b"{", "content_type": "application/json"},
        {"body": b'{"resourceSpans": 1}', "content_type": "application/json"},
        {"body": b"[" * 100_000, "content_type": "application/json"},
    ],
)
def test_what_cannot_be_read_is_a_dead_letter_with_its_reason(
    decoded: Decode, fields: dict[str, Any]
) -> None:
    found = decoded(logged(fields.pop("body"), **fields))
    letter = only(found.dead_letters)
    assert letter["reason"]
    assert letter["excerpt"]
    assert found.facts.is_empty()


def test_nothing_gives_empty_frames(decoded: Decode) -> None:
    found = decoded()
    some = decoded(logged(traces(span({"contract.id": "C-1"}))), logged(b"\xff"))
    assert found.facts.schema == some.facts.schema
    assert found.mentions.schema == some.mentions.schema
    assert found.dead_letters.schema == some.dead_letters.schema
