"""Old system against new, version against version: the parts are those the world was made of."""

from __future__ import annotations

import copy
from datetime import timedelta
from statistics import median

from metrics_worlds import BASE, World, frames

from metrics.definitions import Definitions, restore
from metrics.derive import derive
from metrics.kpis import cases_behind, evaluate
from metrics.kpis.comparison import Side, compare
from threadline.model.kpis import Window

JOURNEY, HOUR = "contract-activation", timedelta(hours=1)
NEW_VERSION, CONTRACTS = 4, 24  # contracts; they start hour by hour
WINDOW = Window(start=BASE - HOUR, end=BASE + 100 * HOUR)


def by_old_and_new(shipped: Definitions) -> Definitions:
    """After some hours, the ERP project may be made by either of two systems."""
    content = copy.deepcopy(shipped.content)
    steps = content["journeys"][JOURNEY]["steps"]
    (step,) = (step for step in steps if step["step"] == "erp-project")
    del step["match"]
    step["alternatives"] = [
        {"alternative": "old", "match": "as400.project.created"},
        {"alternative": "new", "match": "erp.project.created"},
    ]
    begun = BASE + (NEW_VERSION - 0.5) * HOUR
    return restore(content).since([(BASE - 99 * HOUR, shipped.content), (begun, content)])


def contract(number: int) -> World:
    """Odd ones go through the old system, every other of which fails there first."""
    world, old = World(number), number % 2
    world.fact("clm.contract.approved", number, contract__region="EMEA")
    world.fact("middleware.fields.validated", number + 0.5)
    name = "as400.project.created" if old else "erp.project.created"
    if number % 4 == 1:
        world.fact(name, number + 1, outcome="error")
    if number < CONTRACTS - 2:  # the last two wait for it
        world.fact(name, number + lasted(number))
    return world


def lasted(number: int) -> int:
    return 30 + number if number % 2 else 10


def test_figures_are_cut_by_the_implementation_of_a_step_and_by_version(shipped):
    definitions = by_old_and_new(shipped)
    derived = derive(*frames(*map(contract, range(CONTRACTS))), definitions)
    asked = {"window": WINDOW, "now": WINDOW.end}

    def parts(by: str, kpi: str, **more) -> dict[str, tuple]:
        told = asked | {"by": [by], "kpis": [kpi], "journey": JOURNEY} | more
        found = evaluate(definitions, derived, **told)
        return {one.dimensions[by]: (one.n, one.value) for one in found}

    waiting = {CONTRACTS - 2} | ({CONTRACTS - 1} if (CONTRACTS - 1) % 4 != 1 else set())
    named = [number for number in range(NEW_VERSION, CONTRACTS) if number not in waiting]
    old, new = [n for n in named if n % 2], [n for n in named if not n % 2]
    failed = [n for n in old if n % 4 == 1]
    shares = parts("alternative", "failed-project-setups")
    assert shares == {
        "": (NEW_VERSION + len(waiting), 0),
        "new": (len(new), 0),
        "old": (len(old), len(failed) / len(old)),
    }
    times = parts("alternative", "project-setup-time")
    assert times["old"] == (len(old), median(lasted(n) for n in old) * 3600)
    assert times["new"] == (len(new), 10 * 3600)
    exceptions = parts("alternative", "business-exceptions")  # of the whole case
    assert {label: n for label, (n, _) in exceptions.items()} == {
        label: n for label, (n, _) in shares.items()
    }
    before = {"now": BASE + (NEW_VERSION + 2.5) * HOUR}  # only one had failed, none was done
    then = parts("alternative", "failed-project-setups", **before)
    assert then == {"": (NEW_VERSION + 2, 0), "old": (1, 1)}

    versions = parts("version", "failed-project-setups")
    assert sorted(n for n, _ in versions.values()) == [NEW_VERSION, CONTRACTS - NEW_VERSION]

    sides = [Side(**asked, by="alternative", label=label) for label in ("old", "new")]
    found = compare(definitions, derived, kpi="project-setup-time", before=sides[0], after=sides[1])
    assert (found.before.n, found.after.n, found.verdict) == (len(old), len(new), "better")
    behind = cases_behind(
        definitions, derived, kpi="project-setup-time", where={"alternative": "old"}, **asked
    )
    assert set(behind["case_id"]) == {f"contract:clm:C-{n}" for n in old}
