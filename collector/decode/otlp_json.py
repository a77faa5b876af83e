"""OTLP's JSON: Protobuf's JSON mapping, except that trace and span ids are hexadecimal."""

from __future__ import annotations

import base64
import json
from typing import Any, TypeVar

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)

_IDS = frozenset(["traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"])


def parse(body: bytes, message: M) -> M:
    """Fill `message` from OTLP JSON; unknown fields are ignored, as OTLP asks.

    Raises `ValueError` (of which `ParseError` is not one: see `google.protobuf.json_format`) or
    `ParseError` when `body` is not JSON or does not fit the message.
    """
    ParseDict(_with_binary_ids(json.loads(body)), message, ignore_unknown_fields=True)
    return message


def _with_binary_ids(given: Any) -> Any:
    if isinstance(given, list):
        return [_with_binary_ids(item) for item in given]
    if not isinstance(given, dict):
        return given
    return {
        key: _base64(value) if key in _IDS and isinstance(value, str) else _with_binary_ids(value)
        for key, value in given.items()
    }


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()
