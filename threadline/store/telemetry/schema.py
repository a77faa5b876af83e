"""The tables: `schema.sql`, made fit for the settings of this store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib.resources import files

# A merge rewrites parts and drops the old ones: without these, power loss shortly after a merge
# loses rows that had long been acknowledged as stored.
DURABLE = (
    "fsync_after_insert = 1, fsync_part_directory = 1, "
    "min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480"
)

# Looking up a key reads one granule of each column, and decompresses the whole block that it is in.
BY_KEY = "index_granularity = 256, min_compress_block_size = 8192, max_compress_block_size = 65536"


def digest() -> str:
    """Names this version of the tables."""
    words = " ".join(" ".join(statements(durable=False)).split())
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def statements(*, durable: bool) -> Iterator[str]:
    """The `CREATE` statements in order; with `durable`, every table is fsynced."""
    for statement in re.sub(r"--[^\n]*", "", _text()).replace("/*by key*/", BY_KEY).split(";"):
        if statement.strip():
            yield _with_durability(statement.strip(), durable)


def tables() -> list[str]:
    """The names of all tables, in the order they are created."""
    return re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", _text())


def _with_durability(statement: str, durable: bool) -> str:
    if durable:
        return statement.replace("/*durable*/", DURABLE)
    return re.sub(r",\s*/\*durable\*/|SETTINGS\s*/\*durable\*/", "", statement).strip()


def _text() -> str:
    return files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
