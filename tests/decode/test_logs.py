"""What becomes of log records."""

from __future__ import annotations

from typing import Any

import pytest
from decode.conftest import Decode
from decode.requests_by_hand import SPAN, START, TRACE, attributes, logged, logs, value
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from collector.mapping import load


def record(said: dict[str, Any] | None = None, **fields: Any) -> LogRecord:
    return LogRecord(**({"time_unix_nano": START, "attributes": attributes(said or {})} | fields))


def test_a_record_has_the_span_it_was_written_in_as_parent(decoded: Decode) -> None:
    fact = decoded(logged(logs(record(trace_id=TRACE, span_id=SPAN)))).facts.to_dicts()[0]
    assert (fact["kind"], fact["trace_id"], fact["parent_span_id"], fact["span_id"]) == (
        "log",
        TRACE.hex(),
        SPAN.hex(),
        "",
    )


def test_ids_that_are_none_are_left_out_and_the_record_kept(decoded: Decode) -> None:
    found = decoded(logged(logs(record(trace_id=bytes(16), span_id=b"x"))))
    assert found.facts.select("trace_id", "parent_span_id").row(0) == ("", "")
    assert found.dead_letters.is_empty()


def test_the_name_is_the_event_name_or_the_attribute_of_that_name(decoded: Decode) -> None:
    records = record(event_name="a"), record({"event.name": "b"}), record()
    assert decoded(logged(logs(*records))).facts["name"].to_list() == ["a", "b", ""]


@pytest.mark.parametrize(
    ("said", "severity", "name", "outcome"),
    [
        ({}, 9, "x", "unset"),
        ({}, 17, "x", "error"),
        ({"outcome": "ok"}, 17, "x", "ok"),
        ({"outcome": "perhaps"}, 9, "x", "unset"),
        ({}, 9, "erp.project.rejected", "error"),
        ({"outcome": "error"}, 9, "x", "error"),
    ],
)
def test_outcome(decoded: Decode, said: Any, severity: int, name: str, outcome: str) -> None:
    one = record(said, severity_number=severity, event_name=name)
    assert decoded(logged(logs(one))).facts["outcome"].to_list() == [outcome]


def test_the_message_is_the_error_or_the_body(decoded: Decode) -> None:
    body = value("as said")
    records = record(body=body), record({"error.message": "e"}, body=body), record(body=value([1]))
    messages = decoded(logged(logs(*records))).facts["message"].to_list()
    assert messages == ["as said", "e", "[1]"]


def test_observed_time_stands_in_for_a_missing_time(decoded: Decode) -> None:
    records = (
        record(time_unix_nano=0, observed_time_unix_nano=START),
        record(time_unix_nano=0, observed_time_unix_nano=0),
    )
    facts = decoded(logged(logs(*records))).facts
    assert facts["at"].is_null().to_list() == [False, True]
    assert facts["annotations"].to_list() == [[], ["no-time"]]


def test_equal_records_of_a_request_are_several_facts_and_the_same_when_sent_again(
    decoded: Decode,
) -> None:
    request = logs(record(), record(body=value("other")), record())
    first = decoded(logged(request)).facts
    again = decoded(logged(logs()), logged(request)).facts
    assert first["fact_id"].n_unique() == 3
    assert first["content_hash"].n_unique() == 2
    assert first.equals(again)


def test_a_source_may_call_attributes_and_failures_what_it_likes(
    decoded: Decode, tmp_path: Any
) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "legacy.yaml").write_text(
        "system: erp\ncadence: nightly\nservices: [legacy]\nfailures: ['*KO']\n"
        "rename: {PROJ: erp.project.id, VAL: contract.value, ERR: error.message}\n"
    )
    said = {"PROJ": "p-1", "VAL": "9", "ERR": "no", "contract.value": "10"}
    request = logs(record(said, event_name="JOB_KO"), service="legacy")
    elsewhere = logs(record(said), service="other")
    found = decoded(logged(request), logged(elsewhere, offset=1), under=load(tmp_path))
    mention = found.mentions.to_dicts()[0]
    assert found.mentions.height == 1
    assert (mention["value"], mention["payload"], mention["outcome"], mention["message"]) == (
        "P-1",
        '{"contract.value":"10","error.message":"no"}',
        "error",
        "no",
    )
    assert found.facts["attributes"].unique().to_list() == [
        '{"ERR":"no","PROJ":"p-1","VAL":"9","contract.value":"10"}'
    ]
