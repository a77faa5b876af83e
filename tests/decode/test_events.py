"""What becomes of CloudEvents."""

from __future__ import annotations

import base64
import json
from typing import Any

import polars as pl
import pytest
from decode.conftest import Decode
from decode.requests_by_hand import SPAN, TRACE, event, events, logged


def test_structured_batched_and_binary_say_the_same(decoded: Decode) -> None:
    one = event(subject="é/ü", contractid="x")
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/clm", "ce-contractid": "x"}
    headers |= {"ce-type": one["type"], "ce-time": one["time"], "ce-subject": "%C3%A9/%C3%BC"}
    facts = decoded(
        events(json.dumps(one, indent=2).encode()),
        events([one], batch=True),
        logged(one["data"], kind="cloudevents", content_type="application/json", headers=headers),
        events(
            {
                **one,
                "data": None,
                "data_base64": base64.b64encode(b'{"contract.id":"C-100234"}').decode(),
            }
        ),
    ).facts
    assert facts.height == 4
    assert facts.unique().height == 1
    assert facts["attributes"][0] == '{"contract.id":"C-100234","contractid":"x","subject":"é/ü"}'
    assert facts.select("kind", "system", "name", "outcome", "plausible").row(0) == (
        "event",
        "clm",
        "clm.contract.approved",
        "ok",
        True,
    )


def test_nested_data_flatten_with_dots(decoded: Decode) -> None:
    data = {"contract": {"id": "C-1", "terms": {"days": 30}}, "lines": [{"n": 1}], "none": {}}
    found = decoded(events(event(data=data)))
    assert found.facts["attributes"].to_list() == [
        '{"contract.id":"C-1","contract.terms.days":30,"lines":[{"n":1}],"none":{}}'
    ]
    assert found.mentions["value"].to_list() == ["C-1"]


def test_the_trace_parent_places_an_event_in_its_span(decoded: Decode) -> None:
    parent = f"00-{TRACE.hex()}-{SPAN.hex()}-01"
    facts = decoded(events(event(traceparent=parent, tracestate="ot=th:8"))).facts
    assert facts.select("trace_id", "parent_span_id").row(0) == (TRACE.hex(), SPAN.hex())
    assert facts["annotations"].to_list() == [["sampled"]]


def test_an_unmapped_source_is_a_system_of_its_own(decoded: Decode) -> None:
    assert decoded(events(event(source="urn:x"))).facts["system"].to_list() == ["urn:x"]


@pytest.mark.parametrize(
    ("time", "at", "annotations"),
    [
        ("2026-09-21T14:13:20.123456789Z", "2026-09-21T14:13:20.123456789", []),
        ("2026-09-21T16:43:20.1234567891+02:30", "2026-09-21T14:13:20.123456789", []),
        ("2026-09-21t14:13:20z", "2026-09-21T14:13:20", []),
        ("2026-09-20T23:13:20-15:00", "2026-09-21T14:13:20", []),
        ("2026-09-21T14:13:20", "2026-09-21T14:13:20", ["zoneless-time"]),
        ("1999-12-31T23:59:59Z", "1999-12-31T23:59:59", ["before-2000"]),
        ("2100-01-01T00:00:00Z", "2100-01-01T00:00:00", ["far-future"]),
        ("9999-01-01T00:00:00Z", None, ["far-future"]),
        ("0001-01-01T00:00:00Z", None, ["before-2000"]),
        ("2026-02-30T00:00:00Z", None, ["no-time"]),
        ("yesterday", None, ["no-time"]),
        (None, None, ["no-time"]),
    ],
)
def test_times(decoded: Decode, time: str | None, at: str | None, annotations: list[str]) -> None:
    facts = decoded(events(event(time=time))).facts
    expected = pl.Series([at], dtype=pl.String).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f", time_unit="ns", time_zone="UTC"
    )
    assert facts["at"].cast(pl.Int64).to_list() == expected.cast(pl.Int64).to_list()
    assert facts["annotations"].to_list() == [annotations]
    assert facts["plausible"].to_list() == [not annotations]


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"data": {"outcome": "error", "error.message": "m"}}, "error"),
        ({"type": "erp.project.rejected", "source": "/erp"}, "error"),
        ({"type": "erp.project.rejected", "source": "/erp", "data": {"outcome": "ok"}}, "ok"),
        ({"type": "erp.project.rejected", "source": "/unknown"}, "ok"),
    ],
)
def test_outcome(decoded: Decode, fields: Any, outcome: str) -> None:
    assert decoded(events(event(**fields))).facts["outcome"].to_list() == [outcome]


def test_large_integers_keep_their_digits(decoded: Decode) -> None:
    numbers = {"a": 2**53 + 1, "b": 2**64 - 1, "contract.id": 2**80, "d": 1e21, "e": 1.50}
    found = decoded(events(event(data=numbers)))
    assert found.facts["attributes"].to_list() == [
        '{"a":9007199254740993,"b":18446744073709551615,"contract.id":"1208925819614629174706176",'
        '"d":1e21,"e":1.5}'
    ]
    assert found.mentions["value"].to_list() == ["1208925819614629174706176"]


def test_a_bad_event_of_a_batch_is_a_dead_letter_of_its_own(decoded: Decode) -> None:
    batch = [event(), event(id=None), event(source=""), "x", event(id="5")]
    found = decoded(events(batch, batch=True, offset=3), events(event(id="9"), offset=4))
    assert found.facts.select("offset", "ordinal").rows() == [(4, 0), (3, 0), (3, 4)]
    assert found.dead_letters["ordinal"].to_list() == [1, 2, 3]
    assert "'id'" in found.dead_letters["reason"][0]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]x", b'{"id":NaN}', b'{"id":"1","source":"s","type":"t"},{"id":"2"}']
)
def test_what_is_no_json_is_a_dead_letter(decoded: Decode, body: bytes) -> None:
    found = decoded(events(body), events(event(), offset=1))
    assert found.facts["offset"].to_list() == [1]
    assert found.dead_letters["offset"].to_list() == [0]


def test_data_that_are_not_json_stay_whole(decoded: Decode) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/x", "ce-type": "t"}
    text = logged(b"a\nb", kind="cloudevents", content_type="text/plain", headers=headers)
    raw = logged(b"\xff", kind="cloudevents", content_type="image/png", headers=headers)
    found = decoded(text, raw).facts["attributes"].to_list()
    assert found == ['{"data":"a\\nb"}', '{"data":"/w=="}']
