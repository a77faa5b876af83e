"""CloudEvents: requests as JSON lines for the columnar decoder, and the reference for the rest."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from collector.decode import canonical
from collector.decode.records import BLANK
from collector.decode.reference import Row, picks
from collector.decode.statements import CONTEXT, Names
from collector.intake import strict_json
from collector.intake.cloudevents import BATCHED, STRUCTURED
from collector.intake.media import JSON, Media
from collector.intake.refusals import Malformed
from threadline.model.entries import Entry

Event = dict[str, Any]


def line(entry: Entry, body: bytes) -> bytes:
    """The request as one line: `B` and a JSON array of events, or `S` and one event.

    Raises `Malformed` or `ValueError` when binary-mode data are not what their type says.
    """
    kind = Media.parse(entry.content_type).type
    if kind not in (BATCHED, STRUCTURED):
        return b"S" + _binary(entry, body)
    # Outside strings a line break is white space, and inside them JSON does not allow it.
    flat = body.replace(b"\n", b" ").replace(b"\r", b" ")
    return (b"B" if kind == BATCHED else b"S") + flat


def events(line: bytes, entry: int, sender: str, names: Names) -> Iterator[Row]:
    """Rows of `records.SCHEMA`, one per event; raises `Malformed` when it is not JSON."""
    content = strict_json.parsed(line[1:])
    several = line.startswith(b"B")
    if several and not isinstance(content, list):
        raise Malformed("a batch of CloudEvents is a JSON array")
    for event in content if several else [content]:
        fault = _fault(event)
        if fault:
            excerpt = canonical.value(event)
            yield {"entry": entry, **BLANK, "attributes": excerpt, "fault": fault}
        else:
            yield {"entry": entry, **_event(event, sender, names)}


def _event(event: Event, sender: str, names: Names) -> Row:
    extensions = {key: value for key, value in event.items() if key not in CONTEXT}
    attributes = extensions | dict(_data(event))
    row = BLANK | {
        "service": event["source"],
        "traceparent": _text(event, "traceparent"),
        "trace_state": _text(event, "tracestate"),
        "name": event["type"],
        "time": _text(event, "time"),
        "attributes": canonical.value(attributes),
        "picks": picks(attributes, names),
        "fact_id": canonical.fact_id("event", sender, event["source"], event["id"]),
    }
    content = [
        canonical.string(event["source"]),
        canonical.string(event["id"]),
        canonical.string(event["type"]),
        canonical.string(row["time"]),
        row["attributes"],
    ]
    row["content_hash"] = canonical.hash_of(canonical.digest(content))
    return row


def _data(event: Event) -> Iterator[tuple[str, Any]]:
    data = event.get("data")
    if isinstance(event.get("data_base64"), str):
        raw = base64.b64decode(event["data_base64"], validate=True)
        data = _decoded(raw, _text(event, "datacontenttype"))
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _flattened(key, value)
    elif data is not None:
        yield "data", data


def _decoded(data: bytes, content_type: str) -> Any:
    media = Media.parse(content_type or JSON)
    if media.is_json:
        return strict_json.parsed(data)
    return data.decode() if media.type.startswith("text/") else base64.b64encode(data).decode()


def _flattened(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for inner, deeper in value.items():
            yield from _flattened(f"{key}.{inner}", deeper)
    else:
        yield key, value


def _fault(event: Any) -> str:
    if not isinstance(event, dict):
        return "a CloudEvent must be a JSON object"
    for name in ("id", "source", "type"):
        if not _text(event, name):
            return f"a CloudEvent needs the attribute {name!r}, a non-empty string"
    return ""


def _text(event: Event, name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _binary(entry: Entry, body: bytes) -> bytes:
    event: Event = {
        name.lower().removeprefix("ce-"): unquote(value)
        for name, value in entry.headers.items()
        if name.lower().startswith("ce-")
    }
    if body:
        event["data"] = _decoded(body, entry.content_type)
    return json.dumps(event).encode()
