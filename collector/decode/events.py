"""CloudEvents: requests as JSON lines for the columnar decoder, and the reference for the rest."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from collector.decode import canonical
from collector.decode.records import BLANK
from collector.decode.reference import Row, picks
from collector.decode.statements import CONTEXT, SAMPLED, TRACEPARENT, Names
from threadline.model.entries import Entry

_BATCH = "application/cloudevents-batch+json"
_STRUCTURED = "application/cloudevents+json"

Event = dict[str, Any]


def line(entry: Entry, body: bytes) -> bytes:
    """The request as one line: `B` and a JSON array of events, or `S` and one event.

    Raises `ValueError` when the data of a binary-mode event is not what its type says.
    """
    kind = _media_type(entry.content_type)
    if kind not in (_BATCH, _STRUCTURED):
        return b"S" + _binary(entry, kind, body)
    # Outside strings a line break is white space, and inside them JSON does not allow it.
    flat = body.replace(b"\n", b" ").replace(b"\r", b" ")
    return (b"B" if kind == _BATCH else b"S") + flat


def events(line: bytes, entry: int, sender: str, names: Names) -> Iterator[Row]:
    """Rows of `records.SCHEMA`, one per event; raises `ValueError` when it is not JSON."""
    content = json.loads(line[1:].decode(), parse_constant=_refused, parse_float=_finite)
    canonical.value(content).encode()  # refuses lone surrogates
    several = line.startswith(b"B")
    if several and not isinstance(content, list):
        raise ValueError("a batch of CloudEvents must be a JSON array")
    for event in content if several else [content]:
        fault = _fault(event)
        if fault:
            excerpt = canonical.value(event)
            yield {"entry": entry, **BLANK, "attributes": excerpt, "fault": fault}
        else:
            yield {"entry": entry, **_event(event, sender, names)}


def _event(event: Event, sender: str, names: Names) -> Row:
    trace_id, parent = _parent(_text(event, "traceparent"))
    extensions = {key: value for key, value in event.items() if key not in CONTEXT}
    attributes = extensions | dict(_data(event))
    row = BLANK | {
        "service": event["source"],
        "trace_id": trace_id,
        "parent_span_id": parent,
        "name": event["type"],
        "time": _text(event, "time"),
        "attributes": canonical.value(attributes),
        "sampled": re.search(SAMPLED, _text(event, "tracestate")) is not None,
        "picks": picks(attributes, names),
        "fact_id": canonical.fact_id("event", sender, event["source"], event["id"]),
    }
    content = [
        canonical.string(event["source"]),
        canonical.string(event["id"]),
        canonical.string(event["type"]),
        canonical.string(row["time"]),
        trace_id,
        parent,
        "sampled" if row["sampled"] else "",
        row["attributes"],
    ]
    row["content_hash"] = canonical.hash_of(canonical.digest(content))
    return row


def _data(event: Event) -> Iterator[tuple[str, Any]]:
    data = event.get("data")
    if isinstance(event.get("data_base64"), str):
        raw = base64.b64decode(event["data_base64"], validate=True)
        data = _decoded(raw, _media_type(_text(event, "datacontenttype")), event["data_base64"])
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _flattened(key, value)
    elif data is not None:
        yield "data", data


def _decoded(raw: bytes, kind: str, text: str) -> Any:
    return json.loads(raw, parse_constant=_refused) if _is_json(kind) else text


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


def _parent(traceparent: str) -> tuple[str, str]:
    found = re.match(TRACEPARENT, traceparent)
    if not found or not found[1].strip("0"):
        return "", ""
    return found[1], found[2] if found[2].strip("0") else ""


def _text(event: Event, name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _binary(entry: Entry, kind: str, body: bytes) -> bytes:
    headers = {
        name.lower()[3:]: unquote(value)
        for name, value in entry.headers.items()
        if name.lower().startswith("ce-")
    }
    event: Event = {**headers, "datacontenttype": kind}
    if body and _is_json(kind):
        event["data"] = json.loads(body, parse_constant=_refused)
    elif body and kind.startswith("text/"):
        event["data"] = body.decode()
    elif body:
        event["data_base64"] = base64.b64encode(body).decode()
    return json.dumps(event).encode()


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json(kind: str) -> bool:
    return kind.endswith(("/json", "+json"))


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{digits} is beyond the numbers of JSON")
    return value
