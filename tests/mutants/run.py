"""Plants each fault of mutants.yaml in a copy of the project and lets the judge find it, or, of
faults in alerting, the simulation.

    python tests/mutants/run.py [NAME…]

Ends with 1 when a fault survives: then the judge is blind to it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "data", "docs", "bench", "__pycache__")
WORLDS = ("dirty-data-89", "quarter-end-1", "dirty-data-179", "dirty-data-138")
CONTRACTS = "14"
SIMULATIONS = os.environ.get("THREADLINE_SIMULATIONS", "2000")  # runs, when nothing is found
CAUGHT, SURVIVED, BROKEN = "caught", "SURVIVED", "BROKEN"
DIFFERENT = 1  # how the judge ends when it found differences


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One fault: `find` stands exactly once in `file`. `worlds` are judged until one tells it."""

    name: str
    meaning: str
    file: str
    find: str
    replace: str
    worlds: tuple[str, ...]
    simulated: bool


def mutants() -> list[Mutant]:
    """All that are declared."""
    given = yaml.safe_load(Path(__file__).with_name("mutants.yaml").read_text(encoding="utf-8"))
    return [
        Mutant(
            name=one["mutant"],
            meaning=one["as"],
            file=one["file"],
            find=one["find"],
            replace=one["replace"],
            worlds=tuple(dict.fromkeys([one.get("world", WORLDS[0]), *WORLDS])),
            simulated=one.get("by") == "simulation",
        )
        for one in given
    ]


def planted(mutant: Mutant, into: Path) -> None:
    """A copy of the project with the fault in it; raises `ValueError` if it has no such place."""
    shutil.copytree(ROOT, into, ignore=LEFT_OUT)
    file = into / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.find) != 1:
        raise ValueError(f"{mutant.name}: {mutant.file} has {text.count(mutant.find)} such places")
    file.write_text(text.replace(mutant.find, mutant.replace), encoding="utf-8")


def judged(mutant: Mutant, tapes: Path) -> tuple[str, str]:
    """What became of the fault, and the first words of the judge's story."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as place:
        copy = Path(place) / "threadline"
        planted(mutant, copy)
        if mutant.simulated:
            return _simulated(copy)
        outcome = SURVIVED, ""
        for world in mutant.worlds:
            outcome = _judged(copy, tapes, world)
            if outcome[0] != SURVIVED:
                break
        return outcome


def _simulated(copy: Path) -> tuple[str, str]:
    """By the simulation of alerting, until a run tells it."""
    paths = (copy, copy / "tests", copy / "tests" / "alerts")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "simulation", "--runs", SIMULATIONS),
            *("--hasty", "--stories", "0"),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("seed ")]
    if told:
        return CAUGHT, told[0]
    return (SURVIVED, "") if done.returncode == 0 else (BROKEN, done.stderr.strip()[-2000:])


def _judged(copy: Path, tapes: Path, world: str) -> tuple[str, str]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "judge", "--tapes", str(tapes)),
            *("--worlds", world, "--contracts", CONTRACTS, "--hasty"),
        ],
        env=os.environ | {"PYTHONPATH": f"{copy}{os.pathsep}{copy / 'tests'}"},
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("  ")]
    if done.returncode == DIFFERENT:
        return CAUGHT, f"{world}: {told[0].strip() if told else ''}"
    if done.returncode == 0:
        return SURVIVED, ""
    return BROKEN, done.stderr.strip()[-2000:]


def main() -> int:
    """Each fault in turn, the worlds recorded once by the sound project."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these mutants")
    arguments = parser.parse_args()
    chosen = [one for one in mutants() if not arguments.names or one.name in arguments.names]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="tapes-") as tapes:
        for mutant in chosen:
            outcome, story = judged(mutant, Path(tapes))
            outcomes.append(outcome)
            print(f"{outcome:<9} {mutant.name}: {mutant.meaning}\n          {story}", flush=True)
    print(f"{outcomes.count(CAUGHT)} of {len(chosen)} mutants caught")
    return 0 if outcomes.count(CAUGHT) == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
