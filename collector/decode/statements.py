"""The SQL that decodes: text with the configured attribute names and senders filled in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_SQL = Path(__file__).parent / "sql"

# W3C tracestate, OpenTelemetry's own entry: a threshold above zero means spans were left out.
SAMPLED = r"(?:^|,)[ \t]*ot=(?:[^,]*;)?th:0*[1-9a-f]"
TRACEPARENT = r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}"

# What every CloudEvent has; all else in the envelope is an attribute of the event.
CONTEXT = (
    "data",
    "data_base64",
    "datacontenttype",
    "dataschema",
    "id",
    "source",
    "specversion",
    "time",
    "type",
)

_SCALARS = (
    "string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), "
    "double_value Nullable(Float64), kvlist_value Nullable(String), bytes_value Nullable(String)"
)
_ARRAY = f"Tuple(values Array(Tuple({_SCALARS}, array_value Nullable(String))))"
_VALUE = f"Tuple({_SCALARS}, array_value {_ARRAY})"
_ATTRIBUTES = f"attributes Array(Tuple(key String, value {_VALUE}))"
_TEXTS = "attributes Array(Tuple(key String, value Tuple(string_value String)))"
_SPANS = (
    "trace_id String, span_id String, trace_state String, parent_span_id String, name String, "
    f"start_time_unix_nano UInt64, end_time_unix_nano UInt64, {_ATTRIBUTES}, "
    f"events Array(Tuple({_TEXTS})), links Array(Tuple(trace_id String, span_id String)), "
    "status Tuple(message String, code Int32)"
)
_LOGS = (
    f"time_unix_nano UInt64, severity_number Int32, body {_VALUE}, {_ATTRIBUTES}, trace_id String, "
    "span_id String, observed_time_unix_nano UInt64, event_name String"
)
_STRUCTURES = {
    "traces": f"resource_spans Array(Tuple(resource Tuple({_ATTRIBUTES}), "
    f"scope_spans Array(Tuple(spans Array(Tuple({_SPANS}))))))",
    "logs": f"resource_logs Array(Tuple(resource Tuple({_ATTRIBUTES}), "
    f"scope_logs Array(Tuple(log_records Array(Tuple({_LOGS}))))))",
    "events": "",
}


@dataclass(frozen=True, kw_only=True)
class Names:
    """Attribute names that decoding looks for: on facts (`read`) and on resources (`inherited`)."""

    read: frozenset[str]
    inherited: frozenset[str]


def statement(kind: str, names: Names, senders: Sequence[str]) -> str:
    """The statement for `kind` (traces, logs, events) over messages whose senders come sorted.

    It reads `{file}` and gives the columns of `records.SCHEMA`, `entry` being the message's index.
    """
    marks = {
        "values": _file("values"),
        "resource": _file("resource"),
        "read": _member("k", names.read),
        "inherited": _member("k", names.inherited),
        "sender": _sender(senders),
        "structure": _STRUCTURES[kind],
        "schema": _literal(str(_SQL / "otlp.proto"))[1:-1],
        "sampled": _literal(SAMPLED)[1:-1],
        "traceparent": _literal(TRACEPARENT)[1:-1],
        "context": _literals(CONTEXT),
    }
    sql = _file(kind)
    for mark, text in marks.items():
        sql = sql.replace(f"/*{mark}*/", text)
    return sql


@cache
def _file(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _sender(senders: Sequence[str]) -> str:
    ends = {sender: index + 1 for index, sender in enumerate(senders)}
    bounds = ", ".join(str(end) for end in ends.values())
    return f"[{_literals(ends)}][arrayFirstIndex(end -> entry < end, [{bounds}])]"


def _member(name: str, keys: Iterable[str]) -> str:
    listed = _literals(sorted(keys))
    return f"{name} in ({listed})" if listed else "false"


def _literals(texts: Iterable[str]) -> str:
    return ", ".join(_literal(text) for text in texts)


def _literal(text: str) -> str:
    # Escaped, so that no mark, brace or quote in a name is taken for SQL or for {file}.
    plain = frozenset("._-/")
    return (
        "'"
        + "".join(c if c in plain or (c.isalnum() and c.isascii()) else _escaped(c) for c in text)
        + "'"
    )


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02X}" for byte in character.encode("utf-8"))
