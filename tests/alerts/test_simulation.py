"""Alerting under whatever may happen: many seeds, and what a seed promises."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from simulation.many import played, story
from simulation.play import Play, Schedule

RUNS = int(os.environ.get("THREADLINE_SIMULATIONS", "40"))
PARTS = 8


@pytest.fixture(autouse=True)
def _logging_comes_back():
    """Plays are quiet; the tests after them want to hear."""
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_is_missed_and_none_comes_that_nobody_is_owed(part):
    size = RUNS // PARTS
    _, failed = played(range(part * size, (part + 1) * size))
    assert not failed, story(failed[0].seed)


def test_a_seed_is_one_run():
    logs = []
    for _ in range(2):
        play = Play(Schedule.of(16))
        play.run()
        logs.append(play.log)
    assert logs[0] == logs[1]
    assert len(logs[0]) > 50
