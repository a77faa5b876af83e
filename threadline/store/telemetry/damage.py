"""A directory that the engine cannot be trusted with."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clickhouse_connect.driver.client import Client

_PROBE = "threadline_probe"
# What the engine calls it when bytes of a part are not those that it wrote.
_UNREADABLE = (
    "CHECKSUM_DOESNT_MATCH",
    "CORRUPTED_DATA",
    "CANNOT_DECOMPRESS",
    "UNKNOWN_COMPRESSION_METHOD",
    "TOO_LARGE_SIZE_COMPRESSED",
    "CANNOT_READ_ALL_DATA",
    "ATTEMPT_TO_READ_AFTER_EOF",
)
# What it calls a question that is wrong in itself.
_WRONG = frozenset(
    (
        "BAD_ARGUMENTS",
        "ILLEGAL_AGGREGATION",
        "ILLEGAL_TYPE_OF_ARGUMENT",
        "NOT_AN_AGGREGATE",
        "NO_COMMON_TYPE",
        "NUMBER_OF_ARGUMENTS_DOESNT_MATCH",
        "SYNTAX_ERROR",
        "TYPE_MISMATCH",
        "UNKNOWN_FUNCTION",
        "UNKNOWN_IDENTIFIER",
    )
)
_TOO_MUCH = "MEMORY_LIMIT_EXCEEDED"
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")


class Damaged(Exception):
    """The engine opened, but over less than was stored."""


def check(client: Client) -> None:
    """Raise `Damaged` when parts were set aside while loading; the driver's error when chDB cannot
    write there.

    ClickHouse opens over broken parts without an error: their rows are simply gone, and an index
    that lacks rows its cursor has passed would stay wrong for ever.
    """
    client.command(f"CREATE DATABASE IF NOT EXISTS {_PROBE}")
    client.command(f"DROP DATABASE {_PROBE} SYNC")
    parts = client.query(
        "SELECT concat(database, '.', table, ' ', name) FROM system.detached_parts"
        " WHERE startsWith(reason, 'broken') OR reason IN ('unexpected', 'covered-by-broken')"
    ).result_rows
    if parts:
        raise Damaged("broken parts: " + ", ".join(sorted(str(row[0]) for row in parts)[:5]))


def unreadable(error: BaseException) -> bool:
    """Whether a part of a table cannot be read back. What senders wrote lies in no part."""
    said = str(error)
    return "from part " in said and any(f"({name})" in said for name in _UNREADABLE)


def wrong(error: BaseException) -> bool:
    """Whether it was the question that could not be answered, whoever asks and when."""
    return bool(_WRONG.intersection(_NAME.findall(str(error))[-1:]))


def too_much(error: BaseException) -> bool:
    """Whether the answer needed more memory than there was for it."""
    return _TOO_MUCH in _NAME.findall(str(error))[-1:]


@contextmanager
def aside(directory: Path) -> Iterator[None]:
    """Put what is there at `<name>.broken-<n>`, in place of what was put aside before.

    If nothing can be started in its place either, it was not at fault: it goes back.
    """
    if not directory.exists():
        yield
        return
    earlier = _broken(directory)
    target = directory.with_name(f"{directory.name}.broken-{max(earlier, default=0) + 1}")
    directory.rename(target)
    try:
        yield
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        target.rename(directory)
        raise
    for path in earlier.values():
        shutil.rmtree(path, ignore_errors=True)


def _broken(directory: Path) -> dict[int, Path]:
    pattern = re.compile(re.escape(directory.name) + r"\.broken-(\d+)")
    found = ((pattern.fullmatch(path.name), path) for path in directory.parent.iterdir())
    return {int(match[1]): path for match, path in found if match}
