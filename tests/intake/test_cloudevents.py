import base64
import gzip
import json
import re
from datetime import UTC, datetime

import pytest
import yaml
from cloudevents.core.bindings.http import (
    HTTPMessage,
    from_http_event,
    to_binary_event,
    to_structured_event,
)
from cloudevents.core.v1.event import CloudEvent

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
GIVEN = {"id": "1", "source": "/clm", "type": "clm.contract.approved", "specversion": "1.0"}
HEADERS = {f"ce-{name}": value for name, value in GIVEN.items()}


def approved(**changes):
    attributes = {
        "id": "evt 1 é",
        "source": "/clm",
        "type": "clm.contract.approved",
        "time": datetime(2026, 3, 1, tzinfo=UTC),
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes | changes, {"contract.id": "C-100234"})


def post(intake, message):
    headers = {name.replace("-", "_"): value for name, value in message.headers.items()}
    return intake.post("/v1/events", message.body, **headers)


@pytest.mark.parametrize("mode", [to_structured_event, to_binary_event])
def test_events_of_the_official_sdk_are_logged_so_that_it_reads_them_back(intake, mode):
    event = approved()
    answer = post(intake, mode(event))
    assert (answer.status_code, answer.json()) == (200, {})
    (entry,) = intake.logged()
    assert (entry.kind, entry.source) == ("cloudevents", "open")
    logged = HTTPMessage({"content-type": entry.content_type, **entry.headers}, entry.body)
    read = from_http_event(logged)
    assert (read.get_attributes(), read.get_data()) == (event.get_attributes(), event.get_data())


def test_a_batch_is_one_entry(intake):
    events = [to_structured_event(approved(id=str(number))).body for number in range(3)]
    body = b"[" + b",".join(events) + b"]"
    assert intake.post("/v1/events", body, BATCHED).json() == {}
    assert [entry.body for entry in intake.logged()] == [body]
    assert intake.post("/v1/events", b"[]", BATCHED).status_code == 200


def test_gzip_is_kept_as_it_came(intake):
    body = gzip.compress(json.dumps(GIVEN).encode())
    answer = intake.post("/v1/events", body, STRUCTURED, content_encoding="GZIP")
    assert answer.status_code == 200
    (entry,) = intake.logged()
    assert (entry.body, entry.content_encoding) == (body, "gzip")


def test_only_the_headers_that_carry_the_event_are_kept(intake):
    headers = {name.replace("-", "_"): value for name, value in HEADERS.items()}
    intake.post("/v1/events", b"{}", "application/json", authorization="Bearer x", **headers)
    (entry,) = intake.logged()
    assert entry.headers == HEADERS


def _conformance_cases(text):
    for document in yaml.load_all(text, Loader=yaml.BaseLoader):
        attributes = dict(document["ContextAttributes"])
        attributes |= attributes.pop("Extensions", {})
        if "time" in attributes:
            attributes["time"] = datetime.fromisoformat(attributes["time"])
        yield document.get("Mode"), CloudEvent(attributes, document["Data"].encode())


@pytest.mark.parametrize("name", ["cloudevents/v1.yaml", "cloudevents/v1_minimum.yaml"])
def test_conformance_cases_are_taken_in_both_modes(intake, real_data, name):
    cases = list(_conformance_cases(real_data(name).read_text()))
    assert cases
    for mode, event in cases:
        modes = {"binary": [to_binary_event], "structured": [to_structured_event]}
        for write in modes.get(mode, [to_binary_event, to_structured_event]):
            assert post(intake, write(event)).status_code == 200, event.get_attributes()


def test_the_requests_of_the_http_binding_feature_are_taken(intake, real_data):
    feature = real_data("cloudevents/http-protocol-binding.feature").read_text()
    outlines = feature.split("Scenario Outline:")[1:]
    requests = []
    for outline in outlines:
        request = re.search(r'"""\n(.*?)"""', outline, re.DOTALL)[1]
        for content_type in re.findall(
            r"\|\s*(application/.+?)\s*\|", outline.split("Examples")[1]
        ):
            head, _, body = request.replace("<contentType>", content_type).partition("\n\n")
            headers = dict(line.strip().split(": ", 1) for line in head.splitlines()[2:])
            headers.pop("Content-Length")
            requests.append(HTTPMessage(headers, body.encode()))
    assert len(requests) == 4
    for request in requests:
        assert post(intake, request).status_code == 200, request
    assert len(intake.logged()) == 4


def without(name):
    return {key: value for key, value in GIVEN.items() if key != name}


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (without("id"), "id"),
        (without("source"), "source"),
        (without("type"), "type"),
        (without("specversion"), "specversion"),
        (GIVEN | {"id": ""}, "id"),
        (GIVEN | {"id": 7}, "id"),
        (GIVEN | {"specversion": "0.3"}, "specversion"),
        (GIVEN | {"time": "yesterday"}, "time"),
        (GIVEN | {"time": "2026-02-30T00:00:00Z"}, "time"),
        (GIVEN | {"time": "2026-02-03T00:00:00+25:00"}, "time"),
        (GIVEN | {"time": 1764000000}, "time"),
        (GIVEN | {"subject": []}, "subject"),
        (GIVEN | {"data": 1, "data_base64": "MQ=="}, "data_base64"),
        (GIVEN | {"data_base64": "no base64"}, "base64"),
        (GIVEN | {"data_base64": 7}, "base64"),
        (GIVEN | {"data_base64": base64.b64encode(b"{").decode()}, "application/json"),
        ([], "object"),
        ("text", "object"),
    ],
)
def test_malformed_events_are_refused_by_name_alone_and_in_a_batch(intake, event, named):
    alone = intake.post("/v1/events", json.dumps(event), STRUCTURED)
    assert (alone.status_code, alone.headers["content-type"]) == (400, "application/problem+json")
    assert named in alone.json()["detail"]
    batch = intake.post("/v1/events", json.dumps([GIVEN, event]), BATCHED)
    assert batch.status_code == 400
    assert "[1]" in batch.json()["detail"]
    assert intake.logged() == []


@pytest.mark.parametrize(
    "event",
    [
        GIVEN | {"time": "2026-03-01t10:00:00.123456789+05:30"},
        GIVEN | {"time": "2016-12-31T23:59:60Z"},
        GIVEN | {"time": "1970-01-01T00:00:00Z"},
        GIVEN | {"time": "2026-03-01T10:00:00"},  # no zone: annotated later, not refused
        GIVEN | {"time": None, "subject": None, "data": None},
        GIVEN | {"data": "text", "datacontenttype": "text/plain"},
        GIVEN | {"data_base64": "AP8=", "datacontenttype": "image/png"},
        GIVEN | {"comexampleextension1": "value", "anumber": 5},
    ],
)
def test_unusual_events_are_taken(intake, event):
    assert intake.post("/v1/events", json.dumps(event), STRUCTURED).status_code == 200
    assert len(intake.logged()) == 1


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (STRUCTURED, b"{"),
        (STRUCTURED, b""),
        (BATCHED, b"{}"),
        (STRUCTURED, json.dumps(GIVEN | {"id": "\ud800"}).encode()),
        (BATCHED, json.dumps([GIVEN | {"data": {"deep": "\udc00"}}]).encode()),
        (STRUCTURED, json.dumps(GIVEN | {"data": float("nan")}).encode()),
        (STRUCTURED, json.dumps(GIVEN).encode("utf-16")),
    ],
)
def test_what_is_not_json_or_not_a_batch_is_malformed(intake, content_type, body):
    assert intake.post("/v1/events", body, content_type).status_code == 400


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"ce_id": ""}, b"{}"),
        ({"ce_specversion": "1.1"}, b"{}"),
        ({"ce_time": "now"}, b"{}"),
        ({"ce_id": "%ff"}, b"{}"),
        ({}, b"{"),
    ],
)
def test_malformed_binary_events_are_refused(intake, headers, body):
    given = {name.replace("-", "_"): value for name, value in HEADERS.items()} | headers
    assert intake.post("/v1/events", body, "application/json", **given).status_code == 400
    assert intake.logged() == []


def test_binary_events_carry_data_of_any_type_or_none(intake):
    given = {name.replace("-", "_"): value for name, value in HEADERS.items()}
    for content_type, body in (
        ("application/x-protobuf", b"\xff"),
        ("application/json", b""),
        ("", b""),
    ):
        answer = intake.post("/v1/events", body, content_type, **given)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert [entry.body for entry in intake.logged()] == [b"\xff", b"", b""]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "", "application/cloudevents+xml", f"{STRUCTURED}; charset=utf-16"],
)
def test_what_is_no_cloudevent_is_unsupported(intake, content_type):
    assert intake.post("/v1/events", json.dumps(GIVEN), content_type).status_code == 415
