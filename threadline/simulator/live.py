"""The world going on after its history, fast enough to watch."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

import httpx

from threadline.simulator.acts import Act
from threadline.simulator.business_events import Publisher
from threadline.simulator.play import send
from threadline.simulator.services import Services
from threadline.simulator.world import World

SECONDS_AN_HOUR = 4.0
NEW_CONTRACT = timedelta(seconds=3)
TICK = 0.5
# No span takes longer, so that a parent is always sent before its children.
SETTLED = timedelta(seconds=3)


def live(
    world: World,
    otlp_http: str,
    otlp_grpc: str,
    events_url: str,
    stop: Event,
    now: Callable[[], datetime],
) -> int:
    """Start a contract every few seconds and let it go through, an hour in four seconds.

    Returns the number of contracts once `stop` is set. Raises `NotDelivered` as `play` does.
    """
    waiting: list[Act] = []
    started, next_at = 0, now()
    with (
        httpx.Client(timeout=10) as client,
        Services.open(otlp_http, otlp_grpc, world.seed + 1, world.scenario) as services,
    ):
        publisher = Publisher(events_url, client, time.sleep)
        while not stop.wait(TICK):
            moment = now()
            if moment >= next_at:
                waiting += world.next_course(moment, SECONDS_AN_HOUR).acts
                waiting.sort(key=lambda act: act.begins)
                started, next_at = started + 1, moment + NEW_CONTRACT
            due = [act for act in waiting if act.begins <= moment - SETTLED]
            waiting = waiting[len(due) :]
            send(due, services, publisher)
    return started
