"""What is left of a segment without its bodies: a Parquet file, one row per entry."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from threadline.errors import LogUnavailable
from threadline.model.entries import Logged
from threadline.store.log.rows import Row, latest, logged, row_of, sync_directory

# The columns of a segment, in their order.
_SCHEMA = pa.schema(
    [
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("received_at", pa.int64(), nullable=False),  # nanoseconds since 1970, UTC
        pa.field("kind", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("content_type", pa.string(), nullable=False),
        pa.field("content_encoding", pa.string(), nullable=False),
        pa.field("headers", pa.string(), nullable=False),  # a JSON object
        pa.field("body", pa.binary(), nullable=False),
    ]
)
_GROUP_BYTES, _GROUP_ROWS = 4 * 1024 * 1024, 4_096  # what a reader holds at once
_SEAL = b"threadline.seal"


class SealBroken(LogUnavailable):
    """What was read back is not what was written."""


def path(directory: Path, first: int) -> Path:
    """Where what is left of the segment that begins with offset `first` lives."""
    return directory / f"{first:020d}.parquet"


def write(directory: Path, first: int, entries: Iterable[Logged]) -> Path:
    """Write `entries`, rising by offset; durable, and verified by reading it back, when it returns.

    Until then the file is not there: what a crash leaves is written over. Raises `SealBroken`,
    `OSError`, and what `entries` raises.
    """
    file = path(directory, first)
    partial = file.with_suffix(".partial")
    written = _Digest()
    with pq.ParquetWriter(partial, _SCHEMA, compression="zstd", write_page_checksum=True) as writer:
        for rows in _groups(entries):
            writer.write_table(_table(rows))
            written.take(rows)
        writer.add_key_value_metadata({_SEAL: written.seal()})
    with partial.open("rb") as content:
        os.fsync(content.fileno())
    _verify(partial)
    partial.rename(file)
    sync_directory(directory)
    return file


def _verify(file: Path) -> None:
    """Raise `SealBroken` unless `file` holds what its seal says."""
    found = _Digest()
    with _opened(file) as sealed:
        for number in range(sealed.num_row_groups):
            found.take(list(_rows(sealed, number)))
        if (sealed.metadata.metadata or {}).get(_SEAL) != found.seal():
            raise SealBroken(f"{file.name} does not hold what was written to it")


def entries(
    file: Path, after: int, limit: int, received_by: datetime | None = None
) -> Iterator[Logged]:
    """As `segment.entries`."""
    until = latest(received_by)
    with _opened(file) as sealed:
        for number in range(sealed.num_row_groups):
            if _last_offset(sealed, number) <= after:
                continue
            for row in _rows(sealed, number):
                if limit and row[0] > after and row[1] <= until:
                    yield logged(row)
                    limit -= 1
            if not limit:
                return


def received(file: Path) -> tuple[int, int]:
    """As `segment.received`."""
    with _opened(file) as sealed:
        times = sealed.read(columns=["received_at"])[0].to_pylist()
    return min(times, default=0), max(times, default=0)


def last_received_by(file: Path, at: datetime) -> int:
    """As `segment.last_received_by`."""
    with _opened(file) as sealed:
        table = sealed.read(columns=["offset", "received_at"])
    places = zip(table["offset"].to_pylist(), table["received_at"].to_pylist(), strict=True)
    return max((offset for offset, received in places if received <= latest(at)), default=0)


class _Digest:
    """SHA-256 over rows, whatever groups they come in."""

    def __init__(self) -> None:
        self._entries = 0
        self._digest = hashlib.sha256()

    def take(self, rows: Iterable[Row]) -> None:
        for *said, body in rows:
            self._entries += 1
            self._digest.update(json.dumps([*said, len(body)]).encode())
            self._digest.update(body)

    def seal(self) -> bytes:
        return json.dumps({"entries": self._entries, "sha256": self._digest.hexdigest()}).encode()


def _opened(file: Path) -> Any:
    try:
        return pq.ParquetFile(file, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise LogUnavailable(f"{file.name} cannot be read: {error}") from error


def _rows(sealed: Any, number: int) -> Iterator[Row]:
    try:
        table = sealed.read_row_group(number)
    except (OSError, pa.ArrowException) as error:
        raise LogUnavailable(f"a sealed segment cannot be read: {error}") from error
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def _last_offset(sealed: Any, number: int) -> int:
    return int(sealed.metadata.row_group(number).column(0).statistics.max)


def _groups(entries: Iterable[Logged]) -> Iterator[list[Row]]:
    rows: list[Row] = []
    size = 0
    for one in entries:
        rows.append(row_of(one.position.offset, one.entry))
        size += len(one.entry.body)
        if size >= _GROUP_BYTES or len(rows) >= _GROUP_ROWS:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _table(rows: list[Row]) -> Any:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, _SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)
