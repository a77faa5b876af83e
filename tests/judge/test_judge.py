"""Small worlds, judged: the service tells what a perfect observer of its input knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from judge.__main__ import KINDS, ORDERS, judge
from judge.recorder import END, record

from threadline.simulator import World
from threadline.store.telemetry import Telemetry

CONTRACTS = 14
SEEDS = range(101, 107)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_is_told_as_it_can_be_known_in_any_order(
    tmp_path: Path, telemetry: Telemetry, seed: int
):
    world = tmp_path / f"world-{seed}"
    record(World(seed, CONTRACTS, now=END, troubled=bool(seed % len(KINDS))), world)
    for order in ORDERS:
        judgement = judge(world, telemetry, order)
        assert judgement.compared["KPI"] > 0
        assert [str(difference) for difference in judgement.differences] == []
