"""What a world emitted: its requests, and when each was delivered."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One line of a tape: what was sent, how, and the instant of the world at which it arrived."""

    n: int
    at: datetime
    channel: str
    headers: Mapping[str, str]
    body: bytes
    file: Path | None = None
    mapping: Path | None = None


def tape(directory: Path) -> Iterator[Delivery]:
    """The deliveries of a recorded world, in the order in which they were made."""
    with (directory / "tape.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            yield _delivery(json.loads(line), directory / "files")


def _delivery(given: dict[str, Any], files: Path) -> Delivery:
    return Delivery(
        n=given["n"],
        at=datetime.fromisoformat(given["at"]),
        channel=given["channel"],
        headers=given.get("headers", {}),
        body=base64.b64decode(given.get("body", "")),
        file=files / given["file"] if given.get("file") else None,
        mapping=files / given["mapping"] if given.get("mapping") else None,
    )
