"""The columnar decoder gives what the reference gives, column for column."""

from __future__ import annotations

from typing import Any

import polars as pl
from decode import event_strategies, otlp_strategies
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from collector.decode import columns
from collector.decode.records import SCHEMA, frame
from collector.decode.requests import Kind, Message
from collector.decode.statements import Names, statement
from threadline.store.telemetry import Telemetry

NAMES = Names(read=frozenset(otlp_strategies.READ), inherited=frozenset(otlp_strategies.INHERITED))
SENDERS = ["acme", "o'brien\\{file}"]

many = settings(
    max_examples=25,
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
        Phase.shrink,
    ],  # explaining a failure takes too long here
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def batch(kind: Kind, bodies: list[bytes]) -> list[Message]:
    return [
        Message(entry=index, kind=kind, sender=SENDERS[index % 2], body=body)
        for index, body in enumerate(bodies)
    ]


def by_columns(messages: list[Message], telemetry: Telemetry) -> pl.DataFrame:
    ordered = sorted(messages, key=lambda message: message.sender)
    sql = statement(messages[0].kind, NAMES, [message.sender for message in ordered])
    framing: columns.Framing = "lines" if messages[0].kind == "events" else "protobuf"
    read = telemetry.decode([message.body for message in ordered], sql, framing)
    entries = pl.Series([message.entry for message in ordered], dtype=pl.UInt64)
    return read.cast(SCHEMA).with_columns(entry=entries.gather(read["entry"]))


def assert_equal(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    places = [
        part.with_columns(
            place=pl.int_range(pl.len()).over("entry"),
            picks=pl.col("picks").list.eval(pl.element().sort_by(pl.element().struct["key"])),
        ).sort("entry", "place")
        for part in (found, expected)
    ]
    assert_frame_equal(*places)


def assert_alone_enough(kind: Kind, bodies: list[bytes], telemetry: Telemetry) -> None:
    messages = batch(kind, bodies)
    found = by_columns(messages, telemetry)
    assert not found["left_over"].any()
    rows, refusals = columns.by_reference(messages, NAMES)
    assert not refusals
    assert_equal(found, frame(rows))


def assert_together_enough(kind: Kind, bodies: list[bytes], telemetry: Telemetry) -> None:
    messages = batch(kind, bodies)
    found, refused = columns.records(messages, NAMES, telemetry)
    rows, refusals = columns.by_reference(messages, NAMES)
    assert {r.entry for r in refused} == {r.entry for r in refusals}
    assert_equal(found, frame(rows))


def requests(one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[bytes]]:
    return st.lists(one.map(lambda request: request.SerializeToString()), min_size=1, max_size=3)


@many
@given(bodies=requests(otlp_strategies.traces(nested=False)))
def test_spans_need_only_columns(telemetry: Telemetry, bodies: list[bytes]) -> None:
    assert_alone_enough("traces", bodies, telemetry)


@many
@given(bodies=requests(otlp_strategies.traces(nested=True)))
def test_spans_with_nested_values_and_repeated_keys(
    telemetry: Telemetry, bodies: list[bytes]
) -> None:
    assert_together_enough("traces", bodies, telemetry)


@many
@given(bodies=requests(otlp_strategies.logs(nested=False)))
def test_logs_need_only_columns(telemetry: Telemetry, bodies: list[bytes]) -> None:
    assert_alone_enough("logs", bodies, telemetry)


@many
@given(bodies=requests(otlp_strategies.logs(nested=True)))
def test_logs_with_nested_values_and_repeated_keys(
    telemetry: Telemetry, bodies: list[bytes]
) -> None:
    assert_together_enough("logs", bodies, telemetry)


@many
@given(bodies=st.lists(event_strategies.flat_lines(), min_size=1, max_size=3))
def test_flat_events_need_only_columns(telemetry: Telemetry, bodies: list[bytes]) -> None:
    assert_alone_enough("events", bodies, telemetry)


@many
@given(bodies=st.lists(event_strategies.any_lines(), min_size=1, max_size=3))
@example(bodies=[b'S{"id": [], "source": [], "type": []}'])
@example(bodies=[b'S{"id": "1", "source": "/a", "type": "t", "time": 7, "traceparent": {}}'])
def test_events_of_any_shape_and_lines_that_are_no_json(
    telemetry: Telemetry, bodies: list[bytes]
) -> None:
    assert_together_enough("events", bodies, telemetry)
