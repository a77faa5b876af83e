"""A log of several segments in a data directory, and who keeps house there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from threadline import settings as settings_module
from threadline.clock import FixedClock
from threadline.keeping import Keeper
from threadline.model.entries import Entry
from threadline.store.control import ControlStore
from threadline.store.log import Log

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
FILLER = "x" * 40_000


class House:
    """The parts, and what they measure."""

    def __init__(self, directory: Path, stack: ExitStack, **settings: Any) -> None:
        self.settings = settings_module.load(
            data_dir=directory, log={"segment_days": 1}, **settings
        )
        self.clock, self.registry = FixedClock(NOW), CollectorRegistry()
        self.log = Log.open(self.settings.log, self.clock)
        stack.callback(self.log.close)
        self.control = ControlStore.open(self.settings.control, self.clock)
        stack.callback(self.control.close)
        self.control.migrate()
        self.keeper = Keeper(self.log, self.control, self.settings, self.clock, self.registry)

    def receive(self, day: int) -> None:
        """An input, mostly blanks, received on a day."""
        said = {
            "specversion": "1.0",
            "id": f"e{day}",
            "source": "/clm",
            "type": "t",
            "data": FILLER,
        }
        at = NOW + timedelta(days=day)
        self.clock.move_to(at)
        self.log.append_blocking(
            Entry(
                kind="cloudevents",
                source="local",
                content_type="application/cloudevents+json",
                received_at=at,
                body=json.dumps(said).encode(),
            )
        )

    def dropped(self) -> list[tuple[int, str]]:
        return [(one.first, one.dropped.why) for one in self.log.segments() if one.dropped]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    with ExitStack() as stack:
        yield lambda **settings: House(tmp_path, stack, **settings)
