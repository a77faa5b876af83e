"""The SQL that decodes: text with the configured attribute names and senders filled in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_SQL = Path(__file__).parent / "sql"

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


_PICKS = "Array(Tuple(key String, json String, texts Array(String)))"

# One thread keeps the order of rows. Optimising the plan and compiling expressions cost more, at
# every call, than they save.
_SETTINGS = (
    "max_threads = 1, query_plan_enable_optimizations = 0, compile_expressions = 0, "
    "output_format_json_escape_forward_slashes = 0, output_format_json_quote_denormals = 1, "
    "output_format_json_quote_64bit_integers = 0"
)


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
        "pairs": _file("pairs"),
        "resource": _file("resource"),
        "read": _listed(names.read),
        "inherited": _listed(names.inherited),
        "sender": _sender(senders),
        "structure": _STRUCTURES[kind],
        "schema": _literal(str(_SQL / "otlp.proto"))[1:-1],
        "picks": _PICKS,
        "settings": _SETTINGS,
        "context": _listed(CONTEXT),
    }
    sql = _file(kind)
    for mark, text in marks.items():
        sql = sql.replace(f"/*{mark}*/", text)
    return sql


@cache
def _file(name: str) -> str:
    # The client reads every token of a statement in Python: fewer of them are cheaper.
    text = (_SQL / f"{name}.sql").read_text(encoding="utf-8")
    return " ".join(line.partition("-- ")[0].strip() for line in text.splitlines())


def _sender(senders: Sequence[str]) -> str:
    ends = {sender: index + 1 for index, sender in enumerate(senders)}
    bounds = ", ".join(str(end) for end in ends.values())
    return f"[{_listed(ends)}][arrayFirstIndex(end -> entry < end, [{bounds}])]"


def _listed(texts: Iterable[str]) -> str:
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
