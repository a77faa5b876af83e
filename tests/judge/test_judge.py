"""Small worlds, judged: the service tells what a perfect observer of its input knows.

Each is played as it happened and in one other order, in turn; `make judge` plays all orders.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from judge.__main__ import SCENARIOS
from judge.plays import ORDERS, judge, whole
from judge.recorder import END, record

from threadline.simulator import World
from threadline.store.telemetry import Telemetry

CONTRACTS = 12
SEED = 101
STRAYS = {
    ("subcontractor-onboarding", "rejected", "supplier-created"): "supplier-refused",
    ("subcontractor-onboarding", "rejected", "po-issued"): "order-rejected",
    ("revenue-alignment", "mismatch", "first-recognition"): "recognition-mismatch",
    ("revenue-alignment", "closed-period", "first-recognition"): "closed-period",
}


@pytest.mark.timeout(400)  # on a busy machine
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_world_is_told_as_it_can_be_known_in_any_order(
    tmp_path: Path, telemetry: Telemetry, scenario: str
):
    forwards, *others = ORDERS
    world = tmp_path / scenario
    record(World(SEED, CONTRACTS, now=END, scenario_name=scenario), world)
    truth = whole(world)
    for order in (forwards, others[SCENARIOS.index(scenario) % len(others)]):
        judgement = judge(world, telemetry, order, truth)
        assert judgement.compared["KPI"] > 0
        assert judgement.compared["incident"] > 0
        assert [str(difference) for difference in judgement.differences] == []


def test_what_strays_in_a_world_is_an_exception_of_its_journey_and_of_no_other_contract(
    tmp_path: Path,
):
    world = World(119, 16, now=END, scenario_name="calm")
    record(world, tmp_path / "real", faithful=True)
    told = whole(tmp_path / "real").told
    found: dict[str, set[str]] = {stray: set() for stray in STRAYS.values()}
    for (journey, case_id, kind, _), row in told.exceptions.items():
        if stray := STRAYS.get((journey, kind, row["step"])):
            root = told.cases[journey, case_id]["root_id"]
            found[stray].add(root.rpartition(":")[2])
    assert found == {stray: world.strays.get(stray, set()) for stray in found}
    assert all(found.values())
