"""Decoding a batch of logged requests, whatever they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from collector.decode import columns, readings
from collector.decode.columns import Engine
from collector.decode.facts import facts_and_mentions
from collector.decode.ids import identified
from collector.decode.originals import with_originals
from collector.decode.requests import Message, Refusal, messages
from collector.mapping import Mapping
from threadline.model.entries import Logged

__all__ = ["Decoded", "Engine", "decode"]

_FACT_KINDS = {"otlp.traces": "span", "otlp.logs": "log", "cloudevents": "event"}
_RECEIPTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "kind": pl.String,
    "source": pl.String,
    "partition": pl.UInt16,
    "offset": pl.UInt64,
    "received_at": pl.Datetime("ns", "UTC"),
}
_LETTERS = ["partition", "offset", "ordinal", "kind", "source", "reason", "excerpt", "received_at"]
_EXCERPT = 500  # characters


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What a batch says.

    `facts`: one row per span, log record or event. `mentions`: one row per fact and distinct
    identifier it carries itself. `dead_letters`: one row per request or item that cannot be
    understood.
    """

    facts: pl.DataFrame
    mentions: pl.DataFrame
    dead_letters: pl.DataFrame


def decode(
    entries: Sequence[Logged],
    mapping: Mapping,
    wanted: frozenset[str],
    revision: int,
    engine: Engine,
) -> Decoded:
    """Decode `entries` under `mapping`; `wanted` attributes travel with the mentions as `payload`.

    Pure: the same entries, in any order and batching, give the same rows but for receipt and place.
    What one entry says never depends on its neighbours.
    """
    read = list(messages(entries))
    names = readings.names(mapping, wanted)
    refusals = [item for item in read if isinstance(item, Refusal)]
    frames = []
    for kind in ("traces", "logs", "events"):
        chosen = [item for item in read if isinstance(item, Message) and item.kind == kind]
        decoded, refused = columns.records(chosen, names, engine)
        frames.append(decoded)
        refusals += refused
    received = readings.forbidden(_received(pl.concat(frames), entries), mapping)
    records = identified(received)
    sound, faulty = records.filter(pl.col("fault") == ""), records.filter(pl.col("fault") != "")
    facts, mentions = facts_and_mentions(sound, mapping, wanted, revision)
    return Decoded(facts=facts, mentions=mentions, dead_letters=_letters(faulty, refusals, entries))


def _received(records: pl.DataFrame, entries: Sequence[Logged]) -> pl.DataFrame:
    given = _receipts(entries).select(pl.all().gather(records.get_column("entry")))
    received = records.hstack(given).with_columns(
        ordinal=pl.int_range(pl.len(), dtype=pl.UInt32).over("entry")
    )
    return with_originals(received, entries)


def _receipts(entries: Iterable[Logged]) -> pl.DataFrame:
    rows = [
        (
            _FACT_KINDS[logged.entry.kind],
            logged.entry.source,
            logged.position.partition,
            logged.position.offset,
            logged.entry.received_at,
        )
        for logged in entries
    ]
    return pl.DataFrame(rows, schema=_RECEIPTS, orient="row")


def _letters(
    faulty: pl.DataFrame, refusals: Sequence[Refusal], entries: Sequence[Logged]
) -> pl.DataFrame:
    excerpt = pl.concat_str("service", "name", "attributes", separator=" ").str.slice(0, _EXCERPT)
    items = faulty.with_columns(reason="fault", excerpt=excerpt).select(_LETTERS)
    whole = _receipts(entries[refusal.entry] for refusal in refusals).with_columns(
        ordinal=pl.lit(0, pl.UInt32),
        reason=pl.Series([refusal.reason for refusal in refusals], dtype=pl.String),
        excerpt=pl.Series([refusal.excerpt for refusal in refusals], dtype=pl.String),
    )
    return pl.concat([items, whole.select(_LETTERS)])
