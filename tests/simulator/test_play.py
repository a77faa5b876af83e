"""Whatever the world holds is delivered through the real exporters, exactly and in three modes."""

from __future__ import annotations

import csv
import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Event as Signal
from typing import Any

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from threadline.simulator import NotDelivered, World, live, play
from threadline.simulator.acts import CLM, ERP, Event, Span
from threadline.simulator.business_events import Publisher

NOW = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)


def test_a_world_is_delivered_whole_and_its_repetitions_counted_apart(receiver: Any) -> None:
    world = World(5, 60, now=NOW)
    seen: list[tuple[int, int]] = []
    files = Files()
    wires = (receiver.http, receiver.grpc, receiver.events_url)
    story = play(world, *wires, lambda *at: seen.append(at), files.keep)
    told = [signal.act for _, signal in world.signals() if signal.arrives]
    spans = [act for act in told if isinstance(act, Span)]
    events = [act for act in told if isinstance(act, Event)]
    assert story.spans == len(spans)
    assert story.events - len(events) < 60  # sent anew, and counted again
    assert story.rows == sum(len(rows) for rows in files.rows)
    assert story.files == len(files.rows) > 1
    assert len(receiver.spans) == story.spans + story.repeated_spans
    assert len({(s.trace_id, s.span_id) for _, s in receiver.spans}) == len(spans)
    assert len(receiver.events) == story.events + story.repeated_events
    assert {event["id"] for event in receiver.events} == {event.id for event in events}
    assert story.repeated_spans > 0
    assert story.repeated_events > 0
    assert receiver.modes == {"structured", "batched", "binary"}
    assert seen[-1] == (len(world.acts), len(world.acts))


def test_context_crosses_services_and_the_contract_travels_in_baggage(receiver: Any) -> None:
    world = World(5, 60, now=NOW)
    play(world, receiver.http, receiver.grpc, receiver.events_url, lambda *_: None, print)
    trace = bytes.fromhex(world.hero.trace)
    hers = [(service, span) for service, span in receiver.spans if span.trace_id == trace]
    assert {CLM, ERP} < {service for service, _ in hers}
    known = {span.span_id for _, span in hers}
    assert all(span.parent_span_id in known for _, span in hers if span.parent_span_id)
    assert len({span.span_id for _, span in hers if not span.parent_span_id}) == 1
    entries = [span for _, span in hers if span.name == "POST /sap/projects"]
    assert [_attributes(span)["contract.id"] for span in entries] == [world.hero.contract]
    bare = [span for _, span in hers if span.name == "commit work"]
    assert bare
    assert "contract.id" not in _attributes(bare[0])


def test_spans_carry_the_times_and_errors_of_the_past(receiver: Any) -> None:
    world = World(5, 60, now=NOW)
    play(world, receiver.http, receiver.grpc, receiver.events_url, lambda *_: None, print)
    planned = Counter(
        (act.name, act.started_at, act.ended_at, act.error)
        for act in (signal.act for _, signal in world.signals() if signal.arrives)
        if isinstance(act, Span)
    )
    unique = {span.span_id: span for _, span in receiver.spans}.values()
    delivered = Counter(
        (
            span.name,
            _instant(span.start_time_unix_nano),
            _instant(span.end_time_unix_nano),
            span.status.message if span.status.code == Status.STATUS_CODE_ERROR else "",
        )
        for span in unique
    )
    assert delivered == planned


def test_a_sampled_trace_says_so_and_the_others_are_not_sent(receiver: Any) -> None:
    world = World(5, 40, now=NOW, scenario_name="quarter-end")
    play(world, receiver.http, receiver.grpc, receiver.events_url, lambda *_: None, print)
    planned = {act.trace_id for act in world.acts if isinstance(act, Span) and act.service == CLM}
    roots = [span for service, span in receiver.spans if service == CLM and not span.parent_span_id]
    sampled = {int.from_bytes(span.trace_id) for span in roots}
    assert 0 < len(sampled) < len(planned)
    assert all(span.trace_state.startswith("ot=th:") for span in roots)
    heard = {int.from_bytes(span.trace_id) for _, span in receiver.spans}
    assert heard & planned == sampled


def test_deliveries_come_in_the_order_of_their_arrival_and_end_with_the_world(
    receiver: Any,
) -> None:
    world = World(5, 40, now=NOW, scenario_name="dirty-data")
    instants: list[datetime] = []
    wires = (receiver.http, receiver.grpc, receiver.events_url)
    play(world, *wires, lambda *_: None, print, instants.append)
    assert instants == sorted(instants)
    assert NOW - timedelta(days=1) < instants[-1] <= NOW


def test_the_same_world_plays_the_same_ids_again(receiver: Any) -> None:
    for _ in range(2):
        world = World(5, 8, now=NOW)
        play(world, receiver.http, receiver.grpc, receiver.events_url, lambda *_: None, print)
    half = len(receiver.spans) // 2
    first, second = receiver.spans[:half], receiver.spans[half:]
    assert {span.span_id for _, span in first} == {span.span_id for _, span in second}


def test_the_world_goes_on_until_it_is_stopped(receiver: Any) -> None:
    stop = Hurried()
    ticks = count()

    def now() -> datetime:
        tick = next(ticks)
        if tick > 3:
            stop.set()
        return NOW + timedelta(seconds=30 * tick)

    started = live(
        World(5, 8, now=NOW), receiver.http, receiver.grpc, receiver.events_url, stop, now
    )
    approved = [e for e in receiver.events if e["type"] == "clm.contract.approved"]
    assert started >= len(approved) > 0


def test_a_refusal_that_passes_delays_an_event_and_loses_none(receiver: Any) -> None:
    receiver.refusals = 3
    waits: list[float] = []
    with httpx.Client() as client:
        publisher = Publisher(receiver.events_url, client, waits.append)
        publisher.publish([_event("e-1"), _event("e-2")])
    assert [event["id"] for event in receiver.events] == ["e-1", "e-2"]
    assert waits == sorted(waits)
    assert len(waits) == 3


def test_events_that_are_never_accepted_are_said_to_be_missing(receiver: Any) -> None:
    receiver.refusals = 1_000
    with httpx.Client() as client:
        publisher = Publisher(receiver.events_url, client, lambda _: None)
        with pytest.raises(NotDelivered, match="503"):
            publisher.publish([_event("e-1")])


class Files:
    """Keeps the rows of the nightly files it is given."""

    def __init__(self) -> None:
        self.rows: list[list[dict[str, str]]] = []

    def keep(self, file: Path, mapping: Path) -> None:
        assert mapping.exists()
        delimiter = ";" if file.name.startswith("bank") else ","
        with file.open(encoding="utf-8", newline="") as text:
            self.rows.append(list(csv.DictReader(text, delimiter=delimiter)))


class Hurried(Signal):
    """A signal that nobody waits for."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


def _event(name: str) -> Event:
    return Event(id=name, service=CLM, type="clm.contract.approved", at=NOW, data={})


def _attributes(span: object) -> dict[str, str]:
    return {a.key: a.value.string_value for a in span.attributes}  # type: ignore[attr-defined]


def _instant(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=nanoseconds // 1000)


logging.getLogger("opentelemetry").setLevel(logging.ERROR)
