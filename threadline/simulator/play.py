"""Playing a world to a running service, over the wire only."""

from __future__ import annotations

import heapq
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import httpx
from opentelemetry.sdk.trace import ReadableSpan

from threadline.simulator import nightly_files
from threadline.simulator.acts import Act, Event, Row, Span
from threadline.simulator.business_events import Publisher
from threadline.simulator.nightly_files import Import
from threadline.simulator.services import Services
from threadline.simulator.world import Hero, LiveBreach, World

STRIDE = 400

Progress = Callable[[int, int], None]
# When it arrives, a number that keeps the order, and the act with its span as the SDK recorded it.
Arrival = tuple[datetime, int, Act, ReadableSpan | None]


@dataclass(frozen=True, kw_only=True)
class Story:
    """What was played: whom to look at, and what the receiver has accepted.

    `spans` and `events` are distinct; the repeated ones were sent and accepted again unchanged.
    `rows` are those of the nightly `files`.
    """

    hero: Hero
    live_breaches: tuple[LiveBreach, ...]
    contracts: int
    spans: int
    repeated_spans: int
    events: int
    repeated_events: int
    rows: int
    files: int


def play(
    world: World,
    otlp_http: str,
    otlp_grpc: str,
    events_url: str,
    progress: Progress,
    files: Import,
    on_delivery: Callable[[datetime], None] = lambda _: None,
    *,
    faithful: bool = False,
    within: timedelta = timedelta(days=30),
    stride: int = STRIDE,
) -> Story:
    """Send everything that arrives in `world`, in that order, until all of it was accepted.

    `otlp_http` is a base URL, `otlp_grpc` host:port. `progress(done, total)` is called as signals
    are sent, `files(file, mapping)` to import a nightly file, `on_delivery(at)` before what arrived
    `within` some time up to that instant is sent, `stride` signals at most. A `faithful` play tells
    what happened, at once.
    Raises `NotDelivered` when the receiver refuses or is away for longer than retries last.
    """
    rows = written = done = 0
    with (
        tempfile.TemporaryDirectory(prefix="threadline-files-") as place,
        httpx.Client(timeout=10) as client,
        Services.open(
            otlp_http, otlp_grpc, world.seed, world.scenario, faithful=faithful
        ) as services,
    ):
        publisher = Publisher(events_url, client, time.sleep)
        total = len(world.acts)
        for arrivals in _strides(_arrivals(world, services, faithful), within, stride):
            at = arrivals[-1][0]
            on_delivery(at)
            _send(arrivals, services, publisher)
            for some in _by_service(act for _, _, act, _ in arrivals if isinstance(act, Row)):
                file = nightly_files.write(some, Path(place), world.scenario, at)
                files(file, nightly_files.mapping(some[0].service))
                rows, written = rows + len(some), written + 1
            done += len(arrivals)
            progress(min(done, total), total)
        progress(total, total)
        return Story(
            hero=world.hero,
            live_breaches=world.live_breaches,
            contracts=len(world.fates),
            spans=services.accepted,
            repeated_spans=services.repeated,
            events=publisher.accepted,
            repeated_events=publisher.repeated,
            rows=rows,
            files=written,
        )


def send(acts: Sequence[Act], services: Services, publisher: Publisher) -> None:
    """Send some acts at once and wait until they are accepted; raises `NotDelivered`."""
    arrivals: list[Arrival] = []
    for act in acts:
        recorded = services.record(act) if isinstance(act, Span) else None
        arrivals.append((act.at, len(arrivals), act, recorded))
    _send(arrivals, services, publisher)


def _send(arrivals: Sequence[Arrival], services: Services, publisher: Publisher) -> None:
    services.export(
        (act.service, span) for _, _, act, span in arrivals if isinstance(act, Span) and span
    )
    publisher.publish(act for _, _, act, _ in arrivals if isinstance(act, Event))


def _arrivals(world: World, services: Services, faithful: bool) -> Iterator[Arrival]:
    """Everything in the order of its arrival; spans are recorded in the order they began."""
    numbers = count()
    waiting: list[Arrival] = []
    for begins, signal in world.signals(faithful=faithful):
        # What begins later cannot arrive before.
        while waiting and waiting[0][0] <= begins:
            yield heapq.heappop(waiting)
        recorded = None
        if isinstance(signal.act, Span):
            recorded = services.record(signal.act)
            if recorded is None:
                continue  # not sampled
        for at in signal.arrives:
            heapq.heappush(waiting, (at, next(numbers), signal.act, recorded))
    while waiting:
        yield heapq.heappop(waiting)


def _strides(arrivals: Iterable[Arrival], within: timedelta, most: int) -> Iterator[list[Arrival]]:
    # What is late must arrive after everything else, so it shares no stride with it.
    stride: list[Arrival] = []
    for arrival in arrivals:
        if stride and (
            len(stride) == most
            or stride[-1][2].late != arrival[2].late
            or arrival[0] - stride[0][0] > within
        ):
            yield stride
            stride = []
        stride.append(arrival)
    if stride:
        yield stride


def _by_service(rows: Iterable[Row]) -> list[list[Row]]:
    apart: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        apart[row.service].append(row)
    return list(apart.values())
