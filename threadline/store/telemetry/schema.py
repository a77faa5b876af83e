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

# All columns in one file: a row that is read whole costs one look into each part.
TOGETHER = "min_bytes_for_wide_part = 1000000000000000, min_rows_for_wide_part = 1000000000000000"


def digest() -> str:
    """Names this version of the tables."""
    words = " ".join(" ".join(statements(durable=False)).split())
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def statements(*, durable: bool) -> Iterator[str]:
    """The `CREATE` statements in order; with `durable`, every table is fsynced."""
    text = re.sub(r"--[^\n]*", "", _text())
    text = re.sub(r"/\*of (\w+)\*/", lambda named: _elements(text, named[1]), text)
    text = text.replace("/*by key*/", BY_KEY).replace("/*together*/", TOGETHER)
    for statement in text.split(";"):
        if statement.strip():
            yield _with_durability(statement.strip(), durable)


def tables() -> list[str]:
    """The names of all tables, in the order they are created."""
    return re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", _text())


def columns(table: str) -> list[str]:
    """The columns of a table, without those that say which row of a key stands."""
    return list(_typed(_text(), table))


def _elements(text: str, table: str) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in _typed(text, table).items())


def _typed(text: str, table: str) -> dict[str, str]:
    """The types of a table's columns by name, as elements of a tuple can have them."""
    found = re.search(rf"CREATE TABLE IF NOT EXISTS {table} \((.+?)\n\) ENGINE", text, re.DOTALL)
    lines = re.findall(r"^    (\w+) +([A-Z].*?),?$", found[1] if found else "", re.MULTILINE)
    types = {name: re.sub(r"LowCardinality\((\w+)\)", r"\1", kind) for name, kind in lines}
    return {
        name: re.sub(r" (DEFAULT|CODEC).*", "", kind)
        for name, kind in types.items()
        if name not in ("generation", "deleted", "PROJECTION", "INDEX")
    }


def _with_durability(statement: str, durable: bool) -> str:
    if durable:
        return statement.replace("/*durable*/", DURABLE)
    return re.sub(r",\s*/\*durable\*/|SETTINGS\s*/\*durable\*/", "", statement).strip()


def _text() -> str:
    return files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
