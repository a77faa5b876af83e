"""Contracts that are over long enough are gone with their facts; nothing else is another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from decode.requests_by_hand import logged, span, traces
from pipeline.conftest import NOW
from pipeline.test_erasure import Rooms

from collector.keeping import reduced
from threadline.activation import Derivation
from threadline.errors import LogUnavailable
from threadline.model.entries import Entry
from threadline.store.control import ControlStore
from threadline.store.log import Dropped
from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.ended import Ended

JOURNEYS = ("contract-activation", "invoice-to-cash")
LATER = NOW + timedelta(days=30)


@pytest.fixture
def rooms(
    tmp_path: Path, telemetry: Telemetry, control: ControlStore, derivation: Derivation
) -> Iterator[Rooms]:
    """With journeys that half of the world's contracts have come to the end of."""
    some = {name: derivation.definitions.journeys[name] for name in JOURNEYS}
    less = replace(derivation, definitions=replace(derivation.definitions, journeys=some))
    with ExitStack() as stack:
        kept = {"contracts_days": 20}
        yield Rooms(tmp_path, telemetry, control, less, stack, retention=kept)


def test_only_what_is_over_goes_and_all_of_it(rooms: Rooms, inputs: Sequence[Entry]):
    again = [replace(one, received_at=one.received_at + timedelta(seconds=9)) for one in inputs]
    rooms.receive([*inputs, *again[:40]])
    first = rooms.log.segments()[0]
    rooms.log.drop_bodies(first.first, reduced, Dropped(at=NOW, why="it was old"))
    before = rooms.tables()
    assert rooms.forgetting.due().roots == []  # nothing was received long enough ago
    rooms.clock.move_to(LATER)

    gone = rooms.forgetting.forget("dpo")

    over = _over(before)
    assert set(gone.roots) <= over
    assert gone.roots
    after = rooms.tables()
    assert after == _left(before, gone)
    assert len(after["facts"]) == len(before["facts"]) - len(gone.facts)
    assert rooms.forgetting.due().roots == []
    act = rooms.control.audit.latest(1)[0]
    assert (act.who, act.what, act.detail["contracts"]) == (
        "dpo",
        "contracts.forgotten",
        len(gone.roots),
    )


def test_what_was_interrupted_is_finished(rooms: Rooms, inputs: Sequence[Entry], monkeypatch):
    rooms.receive(inputs)
    rooms.tables()
    rooms.clock.move_to(LATER)
    gone = rooms.forgetting.due()
    rewrite, calls = rooms.log.rewrite, []

    def breaking(change, after=0):
        def some(one):
            calls.append(one)
            if len(calls) > 100:
                raise LogUnavailable("No space left on device")
            return change(one)

        return rewrite(some, after)

    with monkeypatch.context() as broken:
        broken.setattr(rooms.log, "rewrite", breaking)
        with pytest.raises(LogUnavailable):
            rooms.forgetting.forget()
    rooms.restart()

    assert rooms.forgetting._places(gone.facts)

    rooms.forgetting.resume()

    assert rooms.forgetting._places(gone.facts) == {}
    assert rooms.forgetting.last == LATER


def test_what_shares_a_trace_with_what_goes_on_stays(rooms: Rooms, inputs: Sequence[Entry]):
    rooms.receive(inputs)
    rooms.tables()
    rooms.clock.move_to(LATER)
    over = rooms.forgetting.due().roots[0]
    rooms.receive([_one_trace_of(over, "contract:clm:C-104801")])

    rooms.tables()

    assert over not in rooms.forgetting.due().roots


def _one_trace_of(*contracts: str) -> Entry:
    """A request of a span that names nobody above one for each contract."""
    spans = [span(span_id=bytes([9] * 8))]
    for number, contract in enumerate(contracts, 1):
        said = {"contract.id": contract.rpartition(":")[2]}
        ids = {"span_id": bytes([number] * 8), "parent_span_id": bytes([9] * 8)}
        spans.append(span(said, name="batch.item", **ids))
    return logged(traces(*spans), source="open", received_at=NOW).entry


def _over(before: dict[str, list[bytes]]) -> set[str]:
    """Contracts that have cases, all of them ended."""
    rows = [json.loads(row) for row in before["cases"]]
    going_on = {row["root_id"] for row in rows if not (row["completed_at"] or row["cancelled_at"])}
    return {row["root_id"] for row in rows} - going_on


def _left(before: dict[str, list[bytes]], gone: Ended) -> dict[str, list[bytes]]:
    """What says nothing of what is gone: a row tells by its fact, its contract or its case."""
    roots, facts = set(gone.roots), set(gone.facts)
    cases = {row["case_id"] for row in map(json.loads, before["cases"]) if row["root_id"] in roots}

    def stays(told) -> bool:
        away = (told.get("fact_id") in facts, told.get("root_id") in roots)
        return not any((*away, told.get("case_id") in cases))

    return {
        table: [row for row in rows if stays(json.loads(row))] for table, rows in before.items()
    }
