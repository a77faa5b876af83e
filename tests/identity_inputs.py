"""Decoded facts for tests of identity, written shortly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import polars as pl

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
_INSTANT = pl.Datetime("ns", "UTC")

FACTS = pl.Schema(
    {
        "trace_id": pl.String,
        "fact_id": pl.String,
        "mapping_revision": pl.UInt32,
        "content_hash": pl.UInt64,
        "kind": pl.String,
        "source": pl.String,
        "system": pl.String,
        "name": pl.String,
        "span_id": pl.String,
        "parent_span_id": pl.String,
        "occurred_at": _INSTANT,
        "ended_at": _INSTANT,
        "at": _INSTANT,
        "plausible": pl.Boolean,
        "outcome": pl.String,
        "message": pl.String,
        "attributes": pl.String,
        "span_links": pl.List(pl.String),
        "annotations": pl.List(pl.String),
        "received_at": _INSTANT,
        "partition": pl.UInt16,
        "offset": pl.UInt64,
        "ordinal": pl.UInt32,
        "payload": pl.String,
    }
)
MENTIONS = pl.Schema(
    {
        "object_type": pl.String,
        "namespace": pl.String,
        "value": pl.String,
        "fact_id": pl.String,
        "content_hash": pl.UInt64,
    }
)
LETTERS = pl.Schema(
    {
        "partition": pl.UInt16,
        "offset": pl.UInt64,
        "source": pl.String,
        "received_at": _INSTANT,
    }
)


def hexed(text: str) -> str:
    """A 32-digit hex id made of a readable name."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Input:
    """One fact as it arrives; `at` and `received` are minutes, `offset` is its place in the log."""

    fact: str
    kind: str = "event"
    system: str = "erp"
    trace: str = ""
    span: str = ""
    parent: str = ""
    links: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    at: int = 0
    plausible: bool = True
    version: int = 1
    revision: int = 1
    received: int = 0
    offset: int = 0
    note: str = ""
    payload: str = "{}"

    def row(self) -> dict[str, object]:
        instant = START + timedelta(minutes=self.at)
        return {
            "trace_id": hexed(self.trace) if self.trace else "",
            "fact_id": hexed(self.fact),
            "mapping_revision": self.revision,
            "content_hash": self.version,
            "kind": self.kind,
            "source": "gateway",
            "system": self.system,
            "name": self.note,
            "span_id": self.span,
            "parent_span_id": self.parent,
            "occurred_at": instant,
            "ended_at": None,
            "at": instant,
            "plausible": self.plausible,
            "outcome": "ok",
            "message": "",
            "attributes": "{}",
            "span_links": [f"{hexed(trace)}:{span}" for trace, span in map(_split, self.links)],
            "annotations": [],
            "received_at": START + timedelta(minutes=self.received),
            "partition": 0,
            "offset": self.offset,
            "ordinal": 0,
            "payload": self.payload,
        }


def span(trace: str, span_id: str, parent: str = "", **more: object) -> Input:
    """A span of a trace."""
    given = {"fact": f"{trace}/{span_id}", "kind": "span", "trace": trace, **more}
    return Input(span=span_id, parent=parent, **given)  # type: ignore[arg-type]


def event(fact: str, *names: str, **more: object) -> Input:
    """An event outside of traces that names identifiers."""
    return Input(fact=fact, names=names, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Decoded:
    """What decoding gives, made of inputs."""

    inputs: Sequence[Input]
    facts: pl.DataFrame = field(init=False)
    mentions: pl.DataFrame = field(init=False)
    dead_letters: pl.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        named = [
            (*name.split(":", 2), hexed(i.fact), i.version) for i in self.inputs for name in i.names
        ]
        rows = [i.row() for i in self.inputs]
        object.__setattr__(self, "facts", pl.DataFrame(rows, schema=FACTS))
        object.__setattr__(self, "mentions", pl.DataFrame(named, schema=MENTIONS, orient="row"))
        object.__setattr__(self, "dead_letters", LETTERS.to_frame())


def logged(inputs: Iterable[Input], first: int = 0) -> list[Input]:
    """The inputs in the order of the log; what was received when stays what it is."""
    return [replace(i, offset=first + offset) for offset, i in enumerate(inputs)]


def _split(link: str) -> tuple[str, str]:
    trace, _, span_id = link.partition("/")
    return trace, span_id
