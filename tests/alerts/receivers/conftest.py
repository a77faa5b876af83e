"""Receivers built as the service builds them, from their declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from control_databases import NOON

from alerts.receivers import Receiver
from alerts.receivers.building import build
from alerts.receivers.declared import ReceiverDefinition
from alerts.receivers.options import BY_TYPE
from threadline.clock import FixedClock

Building = Callable[..., Receiver]


@pytest.fixture
def receiver() -> Iterator[Building]:
    """`receiver("slack", url=...)`; closed after the test."""
    built: list[Receiver] = []

    def building(kind: str, *, seconds: float = 5, **options: Any) -> Receiver:
        definition = ReceiverDefinition(
            name="default/pager",
            options=BY_TYPE[kind](**options),
            timeout=timedelta(seconds=seconds),
        )
        built.append(build(definition, FixedClock(NOON)))
        return built[-1]

    yield building
    for one in built:
        one.close()
