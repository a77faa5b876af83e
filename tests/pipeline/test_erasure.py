"""A person erased: nowhere any more, also when sent again, and everything else as it was."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pipeline.conftest import NOW
from prometheus_client import CollectorRegistry

from collector.keeping import reduced
from threadline import settings as settings_module
from threadline.activation import Derivation
from threadline.clock import FixedClock
from threadline.erasing import Erasing, ErasureRefused
from threadline.errors import LogUnavailable
from threadline.forgetting import Forgetting, rewritten
from threadline.instruments import PipelineInstruments
from threadline.model.entries import Entry
from threadline.pipeline import Pipeline, Status
from threadline.store.control import ControlStore
from threadline.store.log import Dropped, Log
from threadline.store.telemetry import Telemetry, export

MAIL, NAME = "Anna.Schmidt@example.org", "Anna Katharina Schmidt"
OTHER = "joanna.schmidt@example.org"  # ends like the one that goes


class Rooms:
    """A log of many segments, some sealed, and the derivation over it."""

    def __init__(
        self,
        directory: Path,
        telemetry: Telemetry,
        control: ControlStore,
        derivation: Derivation,
        stack: ExitStack,
        **settings: Any,
    ) -> None:
        self.directory, self.telemetry, self.control = directory, telemetry, control
        self.clock = FixedClock(NOW)
        self.settings = settings_module.load(
            data_dir=directory, log={"segment_days": 30 / 86_400, "group_bytes": 1}, **settings
        )
        self.log = Log.open(self.settings.log, self.clock)
        stack.callback(self.log.close)
        self.derivation = derivation
        self.forgotten = 0
        self.restart()

    def restart(self) -> None:
        def forget() -> None:
            self.forgotten += 1

        rooms: Any = (self.log, self.control, self.settings, self.clock)
        self.erasing = Erasing(*rooms, derivation=lambda: self.derivation, forget=forget)
        self.forgetting = Forgetting(
            self.log,
            self.telemetry,
            self.control,
            self.settings,
            self.clock,
            derivation=lambda: self.derivation,
            status=self._status,
            forget_views=forget,
        )
        self.pipeline = Pipeline(
            log=self.log,
            telemetry=self.telemetry,
            control=self.control,
            derivation=self.derivation,
            clock=self.clock,
            settings=self.settings.pipeline,
            instruments=PipelineInstruments(CollectorRegistry()),
            rewritten=lambda: rewritten(self.erasing.applied, self.forgetting.last),
        )

    def _status(self) -> Status:
        return self.pipeline.status()

    def receive(self, entries: Sequence[Entry]) -> None:
        async def all_of_them() -> None:
            await asyncio.gather(*map(self.erasing.intake.append, entries))

        asyncio.run(all_of_them())

    def tables(self) -> dict[str, list[bytes]]:
        while self.pipeline.step():
            pass
        return {
            table: sorted(b"".join(export.canonical(self.telemetry, table)).splitlines())
            for table in export.TABLES
        }

    def traces_of(self, words: str) -> list[str]:
        """Files and inputs, inflated, that hold them in any case."""
        files = [path for path in self.directory.rglob("*") if path.is_file()]
        held = [str(path) for path in files if _named(words).search(path.read_bytes())]
        bodies = [_inflated(one) for one in self.log.everything()]
        return held + [str(body) for body in bodies if _named(words).search(body)]


@pytest.fixture
def rooms(
    tmp_path: Path, telemetry: Telemetry, control: ControlStore, derivation: Derivation
) -> Iterator[Rooms]:
    with ExitStack() as stack:
        yield Rooms(tmp_path, telemetry, control, derivation, stack)


@pytest.fixture(scope="module")
def peopled(inputs: Sequence[Entry]) -> list[Entry]:
    """The world's inputs, one in three of a person, told in every way."""
    return [_of_a_person(entry, number) for number, entry in enumerate(inputs[:80])]


def test_a_person_is_nowhere_any_more_and_everything_else_is_as_it_was(
    rooms: Rooms, peopled: list[Entry]
):
    rooms.receive(peopled)
    for segment in rooms.log.segments()[1:2]:
        why = Dropped(at=segment.ended, why="it was old")
        rooms.log.drop_bodies(segment.first, reduced, why)
    before = rooms.tables()
    assert rooms.traces_of(MAIL)

    report = rooms.erasing.erase([MAIL], who="dpo", reason="asked on Monday", dry_run=False)

    (pseudonym,) = report.pseudonyms
    after = rooms.tables()
    assert report.entries > 20
    assert {"actor.email", "actor.name", "(message)"} <= report.places.keys()
    assert after == {table: _become(rows, pseudonym) for table, rows in before.items()}
    assert any(pseudonym.encode() in row for row in after["facts"])
    for table in ("cases", "steps", "links", "identifiers", "exceptions"):
        assert after[table] == before[table]
    assert rooms.traces_of(MAIL) == rooms.traces_of(NAME) == []
    assert rooms.traces_of(OTHER)
    assert rooms.forgotten == 1
    acts = [one for one in rooms.control.audit.latest() if one.what == "erasure.applied"]
    assert [(one.who, one.detail["reason"]) for one in acts] == [("dpo", "asked on Monday")]

    rooms.receive([replace(entry, received_at=entry.received_at) for entry in peopled[:30]])
    assert rooms.tables() == after
    assert rooms.traces_of(MAIL) == rooms.traces_of(NAME) == []


def test_a_dry_run_says_where_and_changes_nothing(rooms: Rooms, peopled: list[Entry]):
    rooms.receive(peopled[:60])
    before = list(rooms.log.everything())

    report = rooms.erasing.erase([MAIL.upper()], who="dpo", reason="asked", dry_run=True)

    assert report.entries > 0
    assert list(rooms.log.everything()) == before
    assert rooms.erasing.all() == []


def test_what_was_interrupted_is_finished_at_the_next_start(
    rooms: Rooms, peopled: list[Entry], monkeypatch
):
    rooms.receive(peopled[:60])
    with monkeypatch.context() as broken:
        broken.setattr(rooms.control.erasures, "forget", _full)
        with pytest.raises(LogUnavailable):
            rooms.erasing.erase([MAIL], who="dpo", reason="asked", dry_run=False)
    rooms.restart()
    assert rooms.erasing.applied == 0

    rooms.erasing.resume()

    assert rooms.erasing.applied == 1
    assert rooms.traces_of(MAIL) == []


def test_what_figures_hang_on_is_no_person(rooms: Rooms, peopled: list[Entry]):
    rooms.receive(peopled[:60])
    contract = next(_contract(entry) for entry in peopled if _contract(entry))

    with pytest.raises(ErasureRefused, match=r"contract\.id"):
        rooms.erasing.erase([contract], who="dpo", reason="asked", dry_run=False)
    with pytest.raises(ErasureRefused, match=r"actor\.type"):
        rooms.erasing.erase(["integration"], who="dpo", reason="asked", dry_run=False)
    with pytest.raises(ErasureRefused, match="reason"):
        rooms.erasing.erase([MAIL], who="dpo", reason=f"{MAIL} asked", dry_run=False)

    assert rooms.erasing.all() == []


def _of_a_person(entry: Entry, number: int) -> Entry:
    person = {"actor.email": MAIL if number % 2 else MAIL.lower(), "actor.name": NAME}
    if number % 3 == 1:
        person = {"actor.email": OTHER, "actor.name": "Joanna Schmidt"}
    if entry.kind == "otlp.traces":
        request = ExportTraceServiceRequest.FromString(entry.body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    for key, value in person.items():
                        span.attributes.add(key=key).value.string_value = value
                    span.status.message = f"asked by {person['actor.email']}."
        body = request.SerializeToString()
        if number % 2:
            return replace(entry, body=gzip.compress(body), content_encoding="gzip")
        return replace(entry, body=body)
    if entry.content_type.startswith("application/cloudevents+json"):
        event = json.loads(entry.body)
        event["data"] = {**event.get("data", {}), **person}
        return replace(entry, body=json.dumps(event).encode())
    return entry


def _become(rows: list[bytes], pseudonym: str) -> list[bytes]:
    """What the rows have to be: alike but for the pseudonym."""
    new = pseudonym.encode()
    return sorted(_named(NAME).sub(new, _named(MAIL).sub(new, row)) for row in rows)


def _named(words: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?<![a-z])" + re.escape(words.encode()), re.IGNORECASE)


def _inflated(entry: Entry) -> bytes:
    return gzip.decompress(entry.body) if entry.content_encoding == "gzip" else entry.body


def _contract(entry: Entry) -> str:
    said = _inflated(entry)
    at = said.find(b"C-1")
    return said[at : at + 8].decode() if at >= 0 else ""


def _full(_clear: Callable[[str], str]) -> None:
    raise LogUnavailable("No space left on device")
