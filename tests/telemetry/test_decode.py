"""The embedded engine reads messages from a scratch file."""

from __future__ import annotations

import pytest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope

from threadline.errors import TelemetryUnavailable
from threadline.settings import TelemetrySettings
from threadline.store.telemetry import Telemetry

LINES = "SELECT a, b FROM file('{file}', 'JSONEachRow', 'a String, b UInt32')"


def test_lines_are_read_in_order(telemetry: Telemetry) -> None:
    got = telemetry.decode([b'{"a":"x","b":1}', b'{"b":2,"a":"{file}"}'], LINES, "lines")
    assert got.rows() == [("x", 1), ("{file}", 2)]


def test_protobuf_messages_of_any_length_are_read(telemetry: Telemetry, tmp_path) -> None:
    schema = tmp_path / "scope.proto"
    schema.write_text('syntax = "proto3"; message Scope { string name = 1; string version = 2; }')
    names = ["", "x" * 5, "y" * 200, "z" * 20_000]
    bodies = [InstrumentationScope(name=n, version="1").SerializeToString() for n in names]
    sql = (
        "SELECT name FROM file('{file}', 'Protobuf', 'name String, version String')"
        f" SETTINGS format_schema = '{schema}:Scope', max_threads = 1"
    )
    assert telemetry.decode(bodies, sql)["name"].to_list() == names


def test_an_unreadable_message_is_an_error_and_leaves_no_file(
    telemetry: Telemetry, telemetry_settings: TelemetrySettings
) -> None:
    with pytest.raises(TelemetryUnavailable):
        telemetry.decode([b"not json"], LINES, "lines")
    scratch = telemetry_settings.dir.with_name(f"{telemetry_settings.dir.name}.scratch")
    assert list(scratch.iterdir()) == []
