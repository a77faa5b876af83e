"""Playing a world to a running service, over the wire only."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import httpx

from threadline.simulator.acts import Act, Event, Span
from threadline.simulator.business_events import Publisher
from threadline.simulator.services import Services
from threadline.simulator.world import Hero, LiveBreach, World

STRIDE = 400

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Story:
    """What was played: whom to look at, and what the receiver has accepted.

    `spans` and `events` are distinct; the repeated ones were sent and accepted again unchanged.
    """

    hero: Hero
    live_breaches: tuple[LiveBreach, ...]
    contracts: int
    spans: int
    repeated_spans: int
    events: int
    repeated_events: int


def play(
    world: World, otlp_http: str, otlp_grpc: str, events_url: str, progress: Progress
) -> Story:
    """Send everything that happened in `world`, and return once all of it was accepted.

    `otlp_http` is a base URL, `otlp_grpc` host:port. `progress(done, total)` is called as acts are
    sent. Raises `NotDelivered` when the receiver refuses or is away for longer than retries last.
    """
    total = len(world.acts)
    with (
        httpx.Client(timeout=10) as client,
        Services.open(otlp_http, otlp_grpc, world.seed) as services,
    ):
        publisher = Publisher(events_url, client, time.sleep)
        done = 0
        for acts in _strides(world.acts):
            send(acts, services, publisher)
            done += len(acts)
            progress(done, total)
        return _story(world, services, publisher)


def send(acts: Sequence[Act], services: Services, publisher: Publisher) -> None:
    """Send some acts and wait until they are accepted; raises `NotDelivered`."""
    for act in acts:
        if isinstance(act, Span):
            services.record(act)
    services.flush()
    publisher.publish(act for act in acts if isinstance(act, Event))


def _strides(acts: Sequence[Act]) -> list[list[Act]]:
    # What is late must arrive after everything else, so it shares no stride with it.
    strides = []
    for _, alike in groupby(acts, key=lambda act: act.late):
        together = list(alike)
        strides += [together[i : i + STRIDE] for i in range(0, len(together), STRIDE)]
    return strides


def _story(world: World, services: Services, publisher: Publisher) -> Story:
    return Story(
        hero=world.hero,
        live_breaches=world.live_breaches,
        contracts=len(world.fates),
        spans=sum(receipts.accepted for receipts in services.receipts.values()),
        repeated_spans=sum(receipts.repeated for receipts in services.receipts.values()),
        events=publisher.accepted,
        repeated_events=publisher.repeated,
    )
