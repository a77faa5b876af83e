"""What the log holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

EntryKind = Literal["otlp.traces", "otlp.logs", "cloudevents"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One input as received, judged and not yet decoded.

    `source` is the authenticated sender; ids of facts are scoped by it. `body` is exactly what came
    over the wire, still compressed when it came so (`content_encoding`). `headers` holds what the
    body's meaning depends on besides its type (CloudEvents binary mode: the `ce-*` headers).
    """

    kind: EntryKind
    source: str
    content_type: str
    content_encoding: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    received_at: datetime
    body: bytes


@dataclass(frozen=True, kw_only=True, order=True)
class Position:
    """A place in the log: only positions of one partition can be compared."""

    partition: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class Logged:
    """An entry and its place."""

    position: Position
    entry: Entry
