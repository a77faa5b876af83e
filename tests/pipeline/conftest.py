"""A world's inputs as it sent them over the wire, and a derivation over any order of them."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client import CollectorRegistry

from collector import mapping as mappings
from collector.imports import BATCH_TYPE, import_file
from collector.intake import grpc as grpc_intake
from collector.intake import http as http_intake
from collector.intake.counts import IntakeCounts
from metrics import definitions
from threadline.activation import Derivation
from threadline.clock import FixedClock
from threadline.errors import TelemetryUnavailable
from threadline.instruments import PipelineInstruments
from threadline.model.entries import Entry
from threadline.pipeline import Pipeline
from threadline.serving import listen, serve_http
from threadline.settings import ControlSettings, IntakeSettings, LogSettings, PipelineSettings
from threadline.simulator import World, play
from threadline.store.control import ControlStore
from threadline.store.log import Log
from threadline.store.telemetry import Telemetry

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
CONTRACTS = 6
LIVES = 100  # so often a pipeline may fail and start again

Derive = Callable[..., int]


@pytest.fixture(scope="session")
def derivation() -> Derivation:
    return Derivation(mapping=mappings.load(), definitions=definitions.load())


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Entry]:
    """What a small world sends, one span a request, each received a second after the one before."""
    clock = FixedClock(NOW)
    log = Log.open(LogSettings(dir=tmp_path_factory.mktemp("world") / "log"), clock)
    asyncio.run(_played(log, clock))
    received = [logged.entry for logged in log.read({}, max_bytes=2**30, max_entries=10**6)]
    log.close()
    single = [one for entry in received for one in _single(entry)]
    return [
        replace(entry, received_at=NOW + timedelta(seconds=place))
        for place, entry in enumerate(single)
    ]


@pytest.fixture
def control(tmp_path: Path, migrated_file: Path) -> Iterator[ControlStore]:
    file = shutil.copyfile(migrated_file, tmp_path / "control.sqlite")
    store = ControlStore.open(ControlSettings(path=file), FixedClock(NOW))
    yield store
    store.close()


@pytest.fixture
def derive(
    tmp_path: Path, telemetry: Telemetry, derivation: Derivation, control: ControlStore
) -> Derive:
    """Logs entries in the order given and derives them, so many a batch, into an empty index.

    A pipeline that fails is followed by a new one, as after a crash; how many it took is returned.
    With `keep` they come on top of what there is. `meanwhile` is called with the log before every
    step; `of_log` are further settings of the log.
    """
    numbers = itertools.count()
    place = tmp_path / "log"
    clock = FixedClock(NOW)

    def derived(
        entries: Sequence[Entry],
        batch: int,
        *,
        keep: bool = False,
        meanwhile: Callable[[Log], None] = lambda _: None,
        **of_log: float,
    ) -> int:
        nonlocal place
        if not keep:
            telemetry.reset()
            place = tmp_path / f"log{next(numbers)}"
        log = Log.open(LogSettings(dir=place, **of_log), clock)
        try:
            asyncio.run(_logged(log, entries))
            for life in range(1, LIVES + 1):
                pipeline = Pipeline(
                    log=log,
                    telemetry=telemetry,
                    control=control,
                    derivation=derivation,
                    clock=clock,
                    settings=PipelineSettings(batch_entries=batch),
                    instruments=PipelineInstruments(CollectorRegistry()),
                )
                with suppress(ConnectionError, TelemetryUnavailable):
                    meanwhile(log)
                    while pipeline.step():
                        meanwhile(log)
                    return life
        finally:
            log.close()
        raise AssertionError(f"the pipeline failed {LIVES} times")

    return derived


async def _logged(log: Log, entries: Sequence[Entry]) -> None:
    for some in _batches(entries):
        await asyncio.gather(*(log.append(entry) for entry in some))


async def _played(log: Log, clock: FixedClock) -> None:
    counts = IntakeCounts(CollectorRegistry())
    settings = IntakeSettings(grpc="127.0.0.1:0")
    grpc = await grpc_intake.serve(log, settings, clock=clock, counts=counts)
    bound = listen("127.0.0.1:0", "intake", "intake.http")
    http = f"http://127.0.0.1:{bound.getsockname()[1]}"
    app = http_intake.create_app(log, settings, clock=clock, counts=counts)
    async with serve_http(app, bound):
        world = World(3, CONTRACTS, now=NOW)
        wires = (http, f"127.0.0.1:{grpc.port}", f"{http}/v1/events")
        await asyncio.to_thread(play, world, *wires, lambda *_: None, _import_to(wires[2]))
    await grpc.stop(1)


def _import_to(url: str) -> Callable[[Path, Path], object]:
    def post(body: bytes) -> None:
        headers = {"content-type": BATCH_TYPE}
        httpx.post(url, content=body, headers=headers).raise_for_status()

    return lambda file, mapping: import_file(file, mapping, post)


def _single(entry: Entry) -> Iterator[Entry]:
    if entry.kind != "otlp.traces":
        yield entry
        return
    body = gzip.decompress(entry.body) if entry.content_encoding == "gzip" else entry.body
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                request = ExportTraceServiceRequest()
                alone = request.resource_spans.add(resource=resource.resource)
                alone.scope_spans.add(scope=scope.scope).spans.append(span)
                yield replace(entry, body=request.SerializeToString(), content_encoding="")


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), 500):
        yield entries[start : start + 500]
