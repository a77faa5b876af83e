"""The columnar decoder: one statement over many requests, the reference for what it leaves over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol

import polars as pl
from google.protobuf.message import DecodeError

from collector.decode import events, reference
from collector.decode.records import SCHEMA, frame
from collector.decode.requests import Kind, Message, Refusal, refusal
from collector.decode.statements import Names, statement
from threadline.errors import ThreadlineError

Framing = Literal["protobuf", "lines"]


class Engine(Protocol):
    """What runs the statements: the telemetry store's embedded engine."""

    def decode(self, messages: Sequence[bytes], sql: str, framing: Framing) -> pl.DataFrame:
        """The result of `sql` over `messages`, written to a scratch file for which `{file}` stands.

        Raises a `ThreadlineError` when a message does not parse.
        """
        ...


_REFERENCE: dict[Kind, Callable[[bytes, int, str, Names], Iterator[reference.Row]]] = {
    "traces": reference.spans,
    "logs": reference.logs,
    "events": events.events,
}


def records(
    messages: Sequence[Message], names: Names, engine: Engine
) -> tuple[pl.DataFrame, list[Refusal]]:
    """Rows of `records.SCHEMA` for messages of one kind, and those that cannot be decoded."""
    ordered = sorted(messages, key=lambda message: message.sender)
    read, unread = _read(ordered, names, engine)
    if not unread:
        return pl.concat(read), []
    rows, refusals = by_reference(unread, names)
    return pl.concat([*read, frame(rows)]), refusals


def by_reference(
    messages: Sequence[Message], names: Names
) -> tuple[list[reference.Row], list[Refusal]]:
    """What `records` gives, made by the reference alone."""
    rows: list[reference.Row] = []
    refusals = []
    for message in messages:
        read = _REFERENCE[message.kind]
        try:
            rows += list(read(message.body, message.entry, message.sender, names))
        except (ValueError, ThreadlineError, DecodeError, RecursionError) as error:
            refusals.append(refusal(message.entry, message.body, error))
    return rows, refusals


def _read(
    messages: Sequence[Message], names: Names, engine: Engine
) -> tuple[list[pl.DataFrame], list[Message]]:
    if not messages:
        return [SCHEMA.to_frame()], []
    try:
        read = _query(messages, names, engine)
    except ThreadlineError:
        # One message that does not parse fails the statement: halve until it stands alone.
        if len(messages) == 1:
            return [], list(messages)
        middle = len(messages) // 2
        first, unread = _read(messages[:middle], names, engine)
        second, unread_too = _read(messages[middle:], names, engine)
        return first + second, unread + unread_too
    return _kept(read, messages)


def _query(messages: Sequence[Message], names: Names, engine: Engine) -> pl.DataFrame:
    kind = messages[0].kind
    sql = statement(kind, names, [message.sender for message in messages])
    framing: Framing = "lines" if kind == "events" else "protobuf"
    return engine.decode([message.body for message in messages], sql, framing)


def _kept(
    read: pl.DataFrame, messages: Sequence[Message]
) -> tuple[list[pl.DataFrame], list[Message]]:
    left_over = read.filter("left_over").get_column("entry").unique().to_list()
    kept = read.filter(~pl.col("entry").is_in(left_over)) if left_over else read
    entries = pl.Series([message.entry for message in messages], dtype=pl.UInt64)
    placed = (
        kept.select(SCHEMA.names())
        .cast(SCHEMA)
        .with_columns(entry=entries.gather(kept.get_column("entry")))
    )
    return [placed], [messages[index] for index in left_over]
