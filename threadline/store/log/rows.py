"""Entries as rows: the same in a segment and in what is left of it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from threadline.model.entries import Entry, Logged, Position

PARTITION = 0
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_FOREVER = 2**63 - 1

# offset, received_at, kind, source, content_type, content_encoding, headers, body
Row = tuple[int, int, str, str, str, str, str, bytes]


def row_of(offset: int, entry: Entry) -> Row:
    """`entry` as a row; instants in nanoseconds since 1970, UTC."""
    kinds = (entry.kind, entry.source, entry.content_type, entry.content_encoding)
    headers = json.dumps(dict(entry.headers))
    return offset, nanoseconds(entry.received_at), *kinds, headers, entry.body


def logged(row: Row) -> Logged:
    """The entry of a row, and its place."""
    offset, received_at, kind, source, content_type, content_encoding, headers, body = row
    values: dict[str, Any] = {"kind": kind, "headers": json.loads(headers)}
    entry = Entry(
        source=source,
        content_type=content_type,
        content_encoding=content_encoding,
        received_at=instant(received_at),
        body=body,
        **values,
    )
    return Logged(position=Position(partition=PARTITION, offset=offset), entry=entry)


def nanoseconds(at: datetime) -> int:
    """Since 1970, UTC, to the microsecond."""
    return (at - NEVER) // timedelta(microseconds=1) * 1000


def instant(nanoseconds: int) -> datetime:
    """The inverse of `nanoseconds`."""
    return NEVER + timedelta(microseconds=nanoseconds // 1000)


def latest(received_by: datetime | None) -> int:
    """The last receipt that counts."""
    return _FOREVER if received_by is None else nanoseconds(received_by)


def sync_directory(directory: Path) -> None:
    """Make the names of new files in `directory` survive power loss."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
