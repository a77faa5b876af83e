"""Cursors of lists: opaque to callers, the place of the last row to us."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime

from threadline.api.problems import Refusal

LARGEST = 2**63 - 1  # the greatest number of a row in either database


def encode(*parts: str | int) -> str:
    """The place of a row as text fit for a URL."""
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode(cursor: str, *kinds: type[str] | type[int]) -> list[str | int]:
    """The parts `encode` was given; a 422 problem when `cursor` is no place in this list."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        parts = None
    fits = isinstance(parts, list) and [type(part) for part in parts] == list(kinds)
    if not fits:
        raise Refusal(422, "cursor: is not the `next` of an earlier answer of this list")
    return list(parts)


def instant(text: str | int) -> datetime:
    """An instant out of a cursor."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        raise Refusal(422, "cursor: holds no instant where this list needs one") from None
