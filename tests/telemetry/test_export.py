"""Two stores that say the same export the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.export import TABLES, canonical, counts, digests

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def _fact(fact_id: str, received: int, offset: int) -> dict[str, object]:
    return {
        "trace_id": "t",
        "fact_id": fact_id,
        "content_hash": 2**63,
        "at": NOW,
        "received_at": NOW.replace(second=received),
        "offset": offset,
    }


def _insert(telemetry: Telemetry, table: str, *rows: dict[str, object]) -> None:
    frame = pl.DataFrame(rows, schema_overrides={"content_hash": pl.UInt64})
    telemetry.insert(table, frame)


def _text(telemetry: Telemetry, table: str) -> str:
    return b"".join(canonical(telemetry, table)).decode()


def test_order_repetition_and_place_do_not_show(telemetry: Telemetry) -> None:
    _insert(telemetry, "facts", _fact("a", 1, 1), _fact("b", 2, 2))
    first = digests(telemetry)
    telemetry.reset()
    _insert(telemetry, "facts", _fact("b", 2, 7), _fact("a", 3, 8))
    _insert(telemetry, "facts", _fact("a", 1, 9))
    assert digests(telemetry) == first


def test_a_later_receipt_shows(telemetry: Telemetry) -> None:
    _insert(telemetry, "facts", _fact("a", 1, 1))
    first = digests(telemetry)
    telemetry.reset()
    _insert(telemetry, "facts", _fact("a", 2, 1))
    changed = digests(telemetry)
    assert {table for table in TABLES if changed[table] != first[table]} == {"facts"}


def test_generations_and_tombstones_do_not_show(telemetry: Telemetry) -> None:
    row = {"object_type": "contract", "namespace": "clm", "value": "C-1", "root_id": "r"}
    _insert(telemetry, "identifiers", {**row, "generation": 7, "deleted": 0})
    gone = {**row, "value": "C-2", "generation": 8, "deleted": 1}
    _insert(telemetry, "identifiers", gone)
    assert _text(telemetry, "identifiers") == (
        '{"object_type":"contract","namespace":"clm","value":"C-1",'
        '"object_id":"","owner_id":"","root_id":"r"}\n'
    )


def test_an_input_refused_twice_is_one_dead_letter(telemetry: Telemetry) -> None:
    letter = {"kind": "event", "source": "s", "reason": "no id", "excerpt": "{}", "deleted": 0}
    _insert(telemetry, "dead_letters", {**letter, "offset": 5, "received_at": NOW.replace(hour=3)})
    _insert(telemetry, "dead_letters", {**letter, "offset": 3, "received_at": NOW})
    assert _text(telemetry, "dead_letters").count("\n") == 1
    assert counts(telemetry)["dead_letters"] == 1
    assert "2026-01-02 00:00:00" in _text(telemetry, "dead_letters")


def test_more_than_one_chunk_is_streamed_in_order(telemetry: Telemetry) -> None:
    telemetry.command(
        "INSERT INTO exceptions (journey, case_id, fact_id, message)"
        " SELECT 'j', 'c', toString(number), repeat('x', 100) FROM numbers(30000)"
    )
    chunks = list(canonical(telemetry, "exceptions"))
    lines = b"".join(chunks).splitlines()
    assert len(chunks) > 1
    assert len(lines) == 30000
    assert lines == sorted(lines)
