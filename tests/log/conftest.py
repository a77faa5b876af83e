from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from threadline.clock import FixedClock
from threadline.model.entries import Entry
from threadline.settings import LogSettings
from threadline.store.log import Log

NOW = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def entry() -> Callable[..., Entry]:
    """Entries that differ only where a test says so."""

    def build(body: bytes = b"body", **changes: Any) -> Entry:
        given: dict[str, Any] = {
            "kind": "otlp.traces",
            "source": "crm",
            "content_type": "application/x-protobuf",
            "received_at": NOW,
            "body": body,
        }
        return Entry(**(given | changes))

    return build


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Log]]:
    """Opens the log of this test, each time anew; all are closed at the end."""
    with ExitStack() as logs:

        def open_log(**settings: Any) -> Log:
            log = Log.open(LogSettings(dir=tmp_path / "log", **settings), FixedClock(NOW))
            logs.callback(log.close)
            return log

        yield open_log
