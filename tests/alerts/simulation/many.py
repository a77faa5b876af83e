"""Many runs on both cores, a line of progress, and a report of what was found."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from simulation.minimising import minimised
from simulation.play import Play, Schedule

_TOGETHER = 20  # runs handed to a process at once
_PROGRESS = 2_000  # runs from one line of progress to the next, where lines cannot be written over


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A seed whose run broke rules, and the first of them in words."""

    seed: int
    rule: str
    words: str


def played(seeds: range) -> tuple[int, list[Failed]]:
    """How many were played, and which failed."""
    logging.disable(logging.CRITICAL)
    failed = []
    for seed in seeds:
        found = Play(Schedule.of(seed)).run()[:1]
        failed += [Failed(seed=seed, rule=one.rule, words=one.words) for one in found]
    return len(seeds), failed


def many(first: int, runs: int, processes: int) -> Iterator[tuple[int, list[Failed]]]:
    """As `played`, in parts, while they are played."""
    last = first + runs
    parts = [range(at, min(at + _TOGETHER, last)) for at in range(first, last, _TOGETHER)]
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # each has a core, and frames are small
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(played, parts)


def story(seed: int) -> str:
    """The shortest schedule that still breaks the same rule, and what happened then."""
    schedule = minimised(Schedule.of(seed))
    play = Play(schedule)
    findings = play.run()
    said = [f"seed {seed}", str(schedule.setting), *map(str, schedule.acts), "", *play.log, ""]
    return "\n".join([*said, *(f"{one.rule}: {one.words}" for one in findings)])


def main() -> int:
    """Ends with 1 when a rule was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0, help="the first one; the others follow")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--hasty", action="store_true", help="end with the first failure")
    parser.add_argument("--stories", type=int, default=3, help="so many failures told whole")
    given = parser.parse_args()
    began, done, failed = time.monotonic(), 0, []
    for count, broken in many(given.seed, given.runs, given.processes):
        done, failed = done + count, failed + broken
        spent = time.monotonic() - began
        rate = f"{done:,} of {given.runs:,} runs, {spent:.0f} s, {1000 * spent / done:.0f} ms a run"
        told = f"{rate}, {len(failed)} failed"
        if sys.stdout.isatty():
            print(f"\r{told}", end="", flush=True)
        elif done < given.runs and (done % _PROGRESS == 0 or broken):
            print(told, *(f"seed {one.seed}" for one in broken), sep="; ", flush=True)
        if failed and given.hasty:
            break
    print(f"\r{told}" if sys.stdout.isatty() else told)
    for one in sorted(failed, key=lambda found: found.seed):
        print(f"seed {one.seed}: {one.rule}: {one.words}")
    told = {one.rule: one.seed for one in failed}
    for seed in list(told.values())[: given.stories]:
        print(f"\n{story(seed)}")
    return 1 if failed else 0
