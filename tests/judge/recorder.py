"""Records what a world emits, on the wire: a server that answers as the service does and keeps it.

    PYTHONPATH=tests python -m judge.recorder --seed 1 --out DIR

`DIR` then holds `world.json` (seed, start, end), `truth.json` (what became of each contract, known
to the simulator alone) and `tape.jsonl`: one line per request, with the instant of the world at
which it was delivered, its channel, its headers, and its body as sent, in base64.
"""

from __future__ import annotations

import argparse
import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from recording_server import GRPC, recording

from threadline.simulator import World, play
from threadline.simulator.nightly_files import MAPPINGS

END = datetime(2026, 6, 30, 12, tzinfo=UTC)
SHIFT = timedelta(hours=16)  # what arrives in one goes into the same requests
CHANNELS = {"/v1/traces": "traces-http", GRPC: "traces-grpc"}


class Tape:
    """The lines of a tape; `at` is the instant of the world at which the next is delivered."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.at = datetime.min.replace(tzinfo=UTC)
        self._writing = threading.Lock()

    def arrive(self, at: datetime) -> None:
        """What is put from now on arrives at `at`."""
        self.at = at

    def hear(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Keep a request as it was sent."""
        channel = CHANNELS.get(path, "events")
        self._add(channel=channel, headers=headers, body=base64.b64encode(body).decode())

    def put_file(self, file: Path, mapping: Path) -> None:
        """Keep a nightly file and the mapping it is to be read by."""
        text = file.read_text(encoding="utf-8")
        self._add(channel="file", file=file.name, text=text, mapping=mapping.name)

    def _add(self, **line: Any) -> None:
        with self._writing:
            self.lines.append({"n": len(self.lines), "at": self.at.isoformat(), **line})


def record(world: World, directory: Path, *, faithful: bool = False) -> None:
    """Play `world` to a recording server and write what it heard to `directory`.

    A `faithful` tape holds what happened instead of what was told: world truth.
    """
    tape = Tape()
    directory.mkdir(parents=True, exist_ok=True)
    with recording(tape.hear) as (http, rpc):
        play(
            world,
            http,
            rpc,
            f"{http}/v1/events",
            lambda *_: None,
            tape.put_file,
            tape.arrive,
            faithful=faithful,
            within=SHIFT,
        )
    (directory / "files").mkdir(exist_ok=True)
    for line in tape.lines:
        if line["channel"] == "file":
            (directory / "files" / line["file"]).write_text(line.pop("text"), encoding="utf-8")
            kept = directory / "files" / line["mapping"]
            kept.write_text((MAPPINGS / line["mapping"]).read_text(encoding="utf-8"), "utf-8")
    lines = "".join(json.dumps(line) + "\n" for line in tape.lines)
    (directory / "tape.jsonl").write_text(lines, encoding="utf-8")
    start = min(act.begins for act in world.acts)
    about = {
        "seed": world.seed,
        "scenario": world.scenario.name,
        "start": start.isoformat(),
        "end": world.now.isoformat(),
    }
    (directory / "world.json").write_text(json.dumps(about), encoding="utf-8")
    truth = {
        "fates": world.fates,
        "touched": {
            kind: sorted(contracts)
            for kind, contracts in [*world.touched.items(), *world.strays.items()]
        },
    }
    (directory / "truth.json").write_text(json.dumps(truth), encoding="utf-8")


def main() -> None:
    """Record one world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--contracts", type=int, default=40)
    parser.add_argument("--scenario", default="demo", help="a name that ships, or a file")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    world = World(given.seed, given.contracts, now=END, scenario_name=given.scenario)
    record(world, given.out)


if __name__ == "__main__":
    main()
