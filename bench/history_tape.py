"""A world's requests as they went over the wire, kept in a file and sent again.

The file `tape` holds, for each request, the length of a JSON head, that head (channel, headers, the
length of the body) and the body. `world.json` says what was recorded.
"""

from __future__ import annotations

import json
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import httpx
from recording_server import recording

from collector.imports import BATCH_TYPE, import_file
from threadline.simulator import World, play
from threadline.simulator.acts import Event

END = datetime(2026, 6, 30, 12, tzinfo=UTC)
STRIDE = 4_000  # signals sent together, so that most exports are as full as the SDK makes them
# What begins a case of each journey.
BEGINNINGS = {
    "clm.contract.approved": "contract-activation",
    "clm.amendment.approved": "amendment-sync",
    "psa.milestone.completed": "milestone-billing",
}
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; `path` is that of HTTP, or of the gRPC method."""

    path: str
    headers: dict[str, str]
    body: bytes


class Tape:
    """Writes requests to a file as they come, from any thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._writing = file, threading.Lock()
        self.requests: Counter[str] = Counter()

    def put(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Keep a request."""
        head = json.dumps({"path": path, "headers": headers, "length": len(body)}).encode()
        with self._writing:
            self.requests[path] += 1
            self._file.write(_LENGTH.pack(len(head)) + head + body)


def requests(directory: Path) -> Iterator[Request]:
    """The requests of a tape in the order in which they were made."""
    with (directory / "tape").open("rb") as file:
        while prefix := file.read(_LENGTH.size):
            head = json.loads(file.read(_LENGTH.unpack(prefix)[0]))
            body = file.read(head["length"])
            yield Request(path=head["path"], headers=head["headers"], body=body)


def record(directory: Path, scenario: Path, contracts: int, seed: int = 1) -> dict[str, Any]:
    """Record a world in `directory`, once: what is recorded already is told of again."""
    about = directory / "world.json"
    if about.exists():
        told: dict[str, Any] = json.loads(about.read_text())
        return told
    directory.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    world = World(seed, contracts, now=END, scenario_name=str(scenario))
    built = time.monotonic()
    with (directory / "tape").open("wb") as file:
        tape = Tape(file)
        story = _played(world, tape)
    told = {
        "contracts": len(world.fates),
        "facts": story.spans + story.events + story.rows,
        "cases": _beginnings(world),
        "requests": dict(tape.requests),
        "seconds_to_build_the_world": round(built - started, 1),
        "seconds_to_record": round(time.monotonic() - built, 1),
    }
    about.write_text(json.dumps(told))
    return told


def _played(world: World, tape: Tape) -> Any:
    with recording(tape.put) as (http, rpc), httpx.Client() as client:
        url = f"{http}/v1/events"

        def post(body: bytes) -> None:
            client.post(url, content=body, headers={"content-type": BATCH_TYPE})

        return play(
            world,
            http,
            rpc,
            url,
            lambda *_: None,
            lambda file, mapping: import_file(file, mapping, post),
            stride=STRIDE,
        )


def _beginnings(world: World) -> dict[str, int]:
    """How many cases of each journey began in what arrives in `world`."""
    return Counter(
        BEGINNINGS[signal.act.type]
        for _, signal in world.signals()
        if isinstance(signal.act, Event) and signal.act.type in BEGINNINGS and signal.arrives
    )
