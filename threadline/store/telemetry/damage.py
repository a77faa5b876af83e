"""A directory that the engine cannot be trusted with."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from clickhouse_connect.driver.client import Client


class Damaged(Exception):
    """The engine opened, but over less than was stored."""


def check(client: Client) -> None:
    """Raise `Damaged` when parts were set aside while loading.

    ClickHouse opens over broken parts without an error: their rows are simply gone, and an index that
    lacks rows its cursor has passed would stay wrong for ever.
    """
    parts = client.query(
        "SELECT concat(database, '.', table, ' ', name) FROM system.detached_parts"
        " WHERE startsWith(reason, 'broken') OR reason IN ('unexpected', 'covered-by-broken')"
    ).result_rows
    if parts:
        raise Damaged("broken parts: " + ", ".join(sorted(str(row[0]) for row in parts)[:5]))


def move_aside(directory: Path) -> Path | None:
    """Rename what is there to `<name>.broken-<n>`, dropping what was moved aside before."""
    if not directory.exists():
        return None
    pattern = re.compile(re.escape(directory.name) + r"\.broken-(\d+)")
    earlier = [
        (int(match[1]), path)
        for path in directory.parent.iterdir()
        if (match := pattern.fullmatch(path.name))
    ]
    target = directory.with_name(
        f"{directory.name}.broken-{max((n for n, _ in earlier), default=0) + 1}"
    )
    directory.rename(target)
    for _, path in earlier:
        shutil.rmtree(path, ignore_errors=True)
    return target
