"""Instants from what senders say: unchanged or absent, with notes on what is odd about them."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

_SECOND = 1_000_000_000
_DAY = 86_400
# What 64 bits of nanoseconds and the telemetry store both hold.
_EARLIEST = int(datetime(1900, 1, 1, tzinfo=UTC).timestamp())
_LATEST = (2**63 - 1) // _SECOND - 1
_CREDIBLE = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
_RFC3339 = (
    r"^(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<clock>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9})\d*)?"
    r"(?P<zone>[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$"
)
_HARMLESS = "sampled"


def timed(records: pl.DataFrame) -> pl.DataFrame:
    """`records` with `occurred_at`, `ended_at`, `at`, `annotations` and `plausible`.

    Needs `kind` and `received_at` beside the columns of `records.SCHEMA`. An instant that the store
    cannot hold is null; its annotation stays.
    """
    spans = pl.col("kind") == "span"
    return (
        records.with_columns(_text=pl.col("time").str.extract_groups(_RFC3339))
        .with_columns(_zone=pl.col("_text").struct.field("zone"))
        .with_columns(
            _second=pl.coalesce(_text_second(), _second("started")),
            _nano=pl.coalesce(_text_nano(), pl.col("started") % _SECOND),
            _end_second=_second("ended"),
            _end_nano=pl.col("ended") % _SECOND,
        )
        .with_columns(
            occurred_at=_instant("_second", "_nano"),
            ended_at=pl.when(spans).then(_instant("_end_second", "_end_nano")),
            annotations=_annotations(spans),
        )
        .with_columns(
            at=pl.when(spans).then("ended_at").otherwise("occurred_at"),
            plausible=pl.col("annotations").list.set_difference([_HARMLESS]).list.len() == 0,
        )
        .drop("_text", "_zone", "_second", "_nano", "_end_second", "_end_nano")
    )


def _second(name: str) -> pl.Expr:
    return pl.when(pl.col(name) > 0).then((pl.col(name) // _SECOND).cast(pl.Int64))


def _text_second() -> pl.Expr:
    text = pl.col("_text").struct
    clock = pl.concat_str(text.field("date"), text.field("clock"), separator="T")
    local = clock.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False).dt.epoch("s")
    zone = pl.col("_zone")
    hours = zone.str.slice(1, 2).cast(pl.Int64, strict=False)
    minutes = zone.str.slice(4, 2).cast(pl.Int64, strict=False)
    east = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    return local - (east * (hours * 3600 + minutes * 60)).fill_null(0)


def _text_nano() -> pl.Expr:
    text = pl.col("_text").struct
    fraction = text.field("fraction").str.pad_end(9, "0").cast(pl.UInt64, strict=False)
    return pl.when(text.field("date").is_not_null()).then(fraction.fill_null(0))


def _instant(second: str, nano: str) -> pl.Expr:
    nanoseconds = pl.col(second) * _SECOND + pl.col(nano).cast(pl.Int64)
    held = pl.col(second).is_between(_EARLIEST, _LATEST)
    return pl.when(held).then(nanoseconds).cast(pl.Datetime("ns", "UTC"))


def _annotations(spans: pl.Expr) -> pl.Expr:
    start, end = pl.col("_second"), pl.col("_end_second")
    late = pl.col("received_at").dt.epoch("s") + _DAY
    notes = {
        "no-time": start.is_null() | (spans & end.is_null()),
        "end-before-start": start.is_not_null()
        & (pl.col("ended") < pl.col("started"))
        & end.is_not_null(),
        "before-2000": (start < _CREDIBLE) | (end < _CREDIBLE),
        "far-future": (start > late) | (end > late),
        "zoneless-time": pl.col("_text").struct.field("date").is_not_null()
        & pl.col("_zone").is_null(),
        "sampled": pl.col("sampled"),
    }
    found = [pl.when(holds).then(pl.lit(note)) for note, holds in notes.items()]
    return pl.concat_list(found).list.drop_nulls()
