"""OTLP's own JSON mapping: ids are hex, enums numbers, unknown fields ignored."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from collector.intake import strict_json
from collector.intake.refusals import Malformed

AnyMessage = TypeVar("AnyMessage", bound=Message)

# The lists that lead to what has ids.
_PATHS = (
    ("resourceSpans", "scopeSpans", "spans"),
    ("resourceSpans", "scopeSpans", "spans", "links"),
    ("resourceLogs", "scopeLogs", "logRecords"),
)
_IDS = ("traceId", "spanId", "parentSpanId")


def parsed(content: bytes, message: type[AnyMessage]) -> AnyMessage:
    """The `message` that `content` says; raises `Malformed`."""
    value = strict_json.parsed(content)
    if not isinstance(value, dict):
        raise Malformed("the body is not a JSON object")
    for name in ("resource_spans", "resource_logs"):
        if name in value:  # as an unknown field it would be dropped without a word
            raise Malformed(f"{name}: OTLP names fields in lowerCamelCase")
    for path in _PATHS:
        for item in _found(value, path):
            _hex_to_base64(item)
    try:
        return json_format.ParseDict(value, message(), ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise Malformed(f"the body is not {message.DESCRIPTOR.name}: {error}") from error


def _found(value: dict[str, Any], path: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    items = value.get(path[0])
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            if path[1:]:
                yield from _found(item, path[1:])
            else:
                yield item


def _hex_to_base64(item: dict[str, Any]) -> None:
    """Protobuf's JSON mapping, which reads the rest, expects bytes in base64."""
    for name in _IDS:
        if isinstance(identifier := item.get(name), str):
            try:
                raw = binascii.unhexlify(identifier)
            except ValueError as error:
                raise Malformed(f"{name} {identifier[:64]!r} is not hex: {error}") from error
            item[name] = base64.b64encode(raw).decode("ascii")
