"""Frames keep their types and values on the way through the store."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
from polars.testing import assert_frame_equal

from threadline.store.telemetry import Telemetry

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
SCHEMA = pl.Schema(
    {
        "journey": pl.String,
        "case_id": pl.String,
        "started_at": pl.Datetime("ns", "UTC"),
        "due_at": pl.Datetime("ns", "UTC"),
        "value": pl.Decimal(18, 2),
        "business_seconds": pl.Float64,
        "waiting_systems": pl.List(pl.String),
        "exceptions": pl.UInt32,
        "generation": pl.UInt64,
        "deleted": pl.UInt8,
    }
)


def _cases(*cases: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(cases, schema=SCHEMA, orient="row")


def test_types_and_nulls_survive(telemetry: Telemetry) -> None:
    sent = _cases(
        ("j", "a", NOW, None, Decimal("12.34"), 1.5, ["erp", "psa"], 3, 2**63, 0),
        ("j", "b", NOW, NOW, None, None, [], 0, 1, 0),
    )
    telemetry.insert("cases", sent)
    got = telemetry.query(f"SELECT {', '.join(SCHEMA)} FROM cases FINAL ORDER BY case_id")
    assert_frame_equal(got, sent)


def test_an_empty_result_has_columns_and_types(telemetry: Telemetry) -> None:
    got = telemetry.query(f"SELECT {', '.join(SCHEMA)} FROM cases FINAL")
    assert got.is_empty()
    assert got.schema == SCHEMA


def test_an_empty_frame_is_nothing(telemetry: Telemetry) -> None:
    telemetry.insert("cases", _cases())
    assert telemetry.query("SELECT count() AS n FROM cases")["n"].item() == 0


def test_parameters_are_bound_not_pasted(telemetry: Telemetry) -> None:
    telemetry.insert("cases", _cases(("j", "it's", NOW, None, None, None, [], 0, 1, 0)))
    got = telemetry.query(
        "SELECT case_id FROM cases FINAL WHERE case_id IN {ids:Array(String)}"
        " AND started_at <= {at:DateTime64(9)}",
        {"ids": ["it's", "') OR 1"], "at": NOW},
    )
    assert got["case_id"].to_list() == ["it's"]


def test_a_tombstone_hides_its_row_and_a_later_generation_wins(telemetry: Telemetry) -> None:
    telemetry.insert("cases", _cases(("j", "a", NOW, None, None, None, [], 1, 1, 0)))
    telemetry.insert("cases", _cases(("j", "b", NOW, None, None, None, [], 1, 1, 0)))
    telemetry.insert("cases", _cases(("j", "a", NOW, None, None, None, [], 2, 2, 0)))
    telemetry.insert("cases", _cases(("j", "b", NOW, None, None, None, [], 1, 2, 1)))
    got = telemetry.query("SELECT case_id, exceptions FROM cases FINAL")
    assert got.rows() == [("a", 2)]
