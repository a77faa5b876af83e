"""What happens in a run, and when: drawn whole before anything is played, so that it can be cut."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from simulation.setting import RECEIVERS

GAPS = (1, 7, 30, 60, 120, 300, 600, 900, 1800, 3600)  # seconds
MODES = ("fails", "fails", "refuses", "slow", "lost", "lies")
PLACES = ("begin", "commit", "committed")


@dataclass(frozen=True)
class Act:
    """`what` happens `at` so many seconds after noon."""

    at: int
    what: str
    given: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.at:>6} s  {self.what} {' '.join(map(str, self.given))}"


def draw(rng: random.Random) -> list[Act]:
    """A schedule: cases first, then what befalls them, those who watch them, and the machine."""
    count = rng.choice((2, 2, 3, 4, 6, 8))
    acts = [_case(rng, 0, number) for number in range(count)]
    at = 0
    for _ in range(rng.randint(5, 14)):
        at += rng.choice(GAPS)
        acts += [_one(rng, at, count) for _ in range(rng.choice((1, 1, 2)))]
        if rng.random() < 0.12:
            acts.append(Act(at, "calm"))
    return acts


def _case(rng: random.Random, at: int, number: int) -> Act:
    late = rng.choice((-30, 5, 5, 20, 60, 600))
    warn = late - rng.choice((2, 10))
    kind = rng.choice(("revenue", "revenue", "delivery"))
    step = rng.choice((None, None, 8, 30))
    return Act(at, "case", (number, warn, late, kind, rng.choice((50, 100, 400)), step))


def _one(rng: random.Random, at: int, count: int) -> Act:
    case, other = rng.randrange(count), rng.randrange(count)
    process = rng.randrange(2)
    which = rng.randrange(12)
    sort = rng.choices(("case", "people", "receiver", "machine"), (9, 6, 4, 6))[0]
    return {
        "case": lambda: _of_case(rng, at, case, other),
        "people": lambda: _of_people(rng, at, which),
        "receiver": lambda: Act(at, "receiver", (rng.choice(RECEIVERS), _mode(rng))),
        "machine": lambda: _of_machine(rng, at, process),
    }[sort]()


def _mode(rng: random.Random) -> str:
    return "works" if rng.random() < 0.35 else rng.choice(MODES)


def _of_case(rng: random.Random, at: int, case: int, other: int) -> Act:
    what = rng.choices(
        ("fails", "heals", "moves", "pauses", "completes", "opens", "extends", "merges", "parts"),
        (6, 4, 2, 2, 2, 1, 2, 2, 1),
    )[0]
    given = {
        "moves": (case, rng.choice((None, 5, 30))),
        "pauses": (case, rng.choice((3, 40))),
        "extends": (case, rng.choice((-20, 1, 30))),
        "merges": (case, other),
    }
    return Act(at, what, given.get(what, (case,)))


def _of_people(rng: random.Random, at: int, which: int) -> Act:
    what = rng.choices(
        ("acknowledges", "resolves", "assigns", "escalates", "silences", "unsilences"),
        (5, 2, 1, 2, 3, 2),
    )[0]
    given: tuple[Any, ...] = (which,)
    if what == "silences":
        given = (which, rng.choice(("incident", "contract", "system")), rng.choice((2, 20, 90)))
    return Act(at, what, given)


def _of_machine(rng: random.Random, at: int, process: int) -> Act:
    what = rng.choices(("crashes", "away", "stands", "wakes", "restarts"), (6, 4, 3, 2, 1))[0]
    given: tuple[Any, ...] = (process,)
    if what == "crashes":
        given = (process, rng.randint(1, 24))
    elif what == "away":
        given = (rng.choice(PLACES), rng.randint(1, 5))
    elif what == "stands":
        given = (process, rng.randint(1, 20))
    return Act(at, what, given)
