"""The judge: plays worlds into a fresh service and holds it against observable truth.

    make judge SEEDS=6

Every world is recorded on the wire, then played three times: forwards, by the clock of the world
and with a look at each checkpoint; shuffled, every request received when it was; and duplicated,
with every request sent up to three times. Each time the service must tell what the oracle tells,
which reads nothing but what was sent and the definitions. Ends with 1 when it does not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from judge.distance import Distance
from judge.judgement import Judgement
from judge.plays import ORDERS, judge, whole
from judge.recorder import END, record

from threadline.settings import TelemetrySettings
from threadline.simulator import World
from threadline.store.telemetry import Telemetry

SCENARIOS = ("calm", "quarter-end", "erp-outage", "migration", "dirty-data", "silent-source")
STORIES = 5  # differences told in full per play; the rest is counted


def main() -> int:
    """Judge some worlds, each in all orders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--contracts", type=int, default=24)
    parser.add_argument("--worlds", nargs="*", help="worlds to judge, as SCENARIO-SEED")
    parser.add_argument("--tapes", type=Path, help="where tapes are kept; recorded if missing")
    parser.add_argument("--orders", nargs="*", default=ORDERS, choices=ORDERS)
    parser.add_argument("--hasty", action="store_true", help="end at the first difference")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    names = given.worlds or [f"{SCENARIOS[seed % len(SCENARIOS)]}-{seed}" for seed in seeds]
    with tempfile.TemporaryDirectory(prefix="judge-") as place:
        settings = TelemetrySettings(
            dir=Path(place) / "telemetry", database="judged", durable=False
        )
        telemetry = Telemetry.open(settings)
        tapes = given.tapes or Path(place)
        judged = _hastily if given.hasty else _thoroughly
        different = judged(telemetry, names, given.orders, given.contracts, tapes)
        telemetry.close()
    print(f"{different} differences from observable truth")
    return 1 if different else 0


def _thoroughly(
    telemetry: Telemetry, names: Sequence[str], orders: Sequence[str], contracts: int, tapes: Path
) -> int:
    different = 0
    distances: dict[str, Distance] = defaultdict(Distance)
    for name in names:
        world = _recorded(name, contracts, tapes)
        real = _recorded(name, contracts, tapes, faithful=True)
        truth, told = whole(world), json.loads((world / "truth.json").read_text())
        distances[name.rpartition("-")[0]].add(truth, whole(real), told)
        for order in orders:
            started = time.monotonic()
            judgement = judge(world, telemetry, order, truth)
            different += _tell(judgement, time.monotonic() - started)
    _tell_distances(distances)
    return different


def _hastily(
    telemetry: Telemetry, names: Sequence[str], orders: Sequence[str], contracts: int, tapes: Path
) -> int:
    for name in names:
        world = _recorded(name, contracts, tapes)
        truth = whole(world)
        for order in orders:
            started = time.monotonic()
            judgement = judge(world, telemetry, order, truth, hasty=True)
            if different := _tell(judgement, time.monotonic() - started):
                return different
    return 0


def _recorded(name: str, contracts: int, tapes: Path, *, faithful: bool = False) -> Path:
    """The tape of a world called after its scenario and seed, as told or as it happened."""
    scenario, _, seed = name.rpartition("-")
    directory = tapes / (f"{name}-as-it-happened" if faithful else name)
    if not (directory / "tape.jsonl").exists():
        world = World(int(seed), contracts, now=END, scenario_name=scenario)
        record(world, directory, faithful=faithful)
    return directory


def _tell_distances(distances: Mapping[str, Distance]) -> None:
    print("\nDistance from observable truth to world truth, in Markdown:\n")
    print("| scenario | facts | known | right | wrong | nobody | cases right | steps right |")
    print("|---|---|---|---|---|---|---|---|")
    for name, distance in distances.items():
        print(f"| {name} | {' | '.join(distance.row())} |")
    print("\n| scenario | fate or trouble | cases | right |\n|---|---|---|---|")
    for name, distance in distances.items():
        for row in distance.by_trouble():
            print(f"| {name} | {' | '.join(row)} |")
    print()


def _tell(judgement: Judgement, seconds: float) -> int:
    compared = ", ".join(f"{count:,} {kind}" for kind, count in judgement.compared.items())
    count = len(judgement.differences)
    print(
        f"{judgement.world} {judgement.order}: {count} differences in {compared} ({seconds:.0f} s)"
    )
    for difference in judgement.differences[:STORIES]:
        print("\n".join(f"  {line}" for line in str(difference).splitlines()))
    became = ", ".join(f"{count:,} {what}" for what, count in judgement.became.most_common())
    print(f"  incidents: {became}", flush=True)
    return count


if __name__ == "__main__":
    sys.exit(main())
