"""Each case is judged by the version in force when it started, or by one that claims it."""

from __future__ import annotations

import copy
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metrics_worlds import BASE, World, frames, worlds

from metrics.definitions import Definitions, restore
from metrics.derive import Derived, derive

JOURNEY = "contract-activation"
TABLES = {"cases": [], "steps": ["step"], "exceptions": ["kind", "fact_id"]}


def other(content: dict, claims: str, tweak: str) -> dict:
    """The definitions with another version of the journey, or without it."""
    content = copy.deepcopy(content)
    journey = content["journeys"][JOURNEY]
    if tweak == "withdrawn":
        del content["journeys"][JOURNEY]
        return content
    journey["claims"] = claims
    if tweak == "hurried":
        journey["sla"] = [{"within": "30 minutes", "warn": 0.5}]
    if tweak == "short":
        journey["steps"] = journey["steps"][:2]
    if tweak == "later":
        journey["start"] = "middleware.fields.validated"
    return content


CHANGES = st.tuples(
    st.integers(1, 20).map(lambda quarters: timedelta(hours=6 * quarters)),
    st.sampled_from(["new", "open", "all"]),
    st.sampled_from(["hurried", "short", "later", "withdrawn"]),
)


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(worlds(), st.lists(CHANGES, min_size=1, max_size=3, unique_by=lambda change: change[0]))
def test_every_case_is_as_its_version_alone_would_have_it(
    shipped: Definitions, world: list[World], changes
):
    only = {"journeys": {JOURNEY: shipped.content["journeys"][JOURNEY]}, "kpis": {}}
    content = {**shipped.content, **only}
    activations = [(BASE - timedelta(days=99), content)]
    for after, claims, tweak in sorted(changes, key=lambda change: change[0]):
        activations.append((BASE + after, other(content, claims, tweak)))
    observed = frames(*world)
    derived = derive(*observed, restore(content).since(activations))

    alone = [restore(content) for _, content in activations]
    each = [derive(*observed, definitions) for definitions in alone]
    judge = _judges(activations, alone, each)
    for table, keys in TABLES.items():
        expected = [
            row
            for case, number in judge.items()
            for row in getattr(each[number], table).filter(case_id=case).to_dicts()
        ]
        order = ["case_id", *keys]
        got = getattr(derived, table).sort(order).to_dicts()
        assert got == sorted(expected, key=lambda row: [row[key] for key in order])


def _judges(activations: list, alone: list[Definitions], each: list[Derived]) -> dict[str, int]:
    """By case, the number of the version that judges it."""
    judge: dict[str, int] = {}
    began = [0, *range(1, len(alone))]
    for number in began:  # a version goes on while nothing changes in it
        before = alone[number - 1].journeys.get(JOURNEY) if number else None
        if JOURNEY not in alone[number].journeys or before == alone[number].journeys[JOURNEY]:
            continue
        since = activations[number][0] if number else None
        later = [n for n in began[number + 1 :] if _another(alone[n], alone[number])]
        until = activations[later[0]][0] if later else None
        fresh = {}
        for case in each[number].cases.to_dicts():
            start, known = case["started_at"], judge.get(case["case_id"])
            if known is not None:
                claims = alone[number].journeys[JOURNEY].claims
                if claims == "all" or (claims == "open" and not _over(each[known], case, since)):
                    fresh[case["case_id"]] = number
            elif (since is None or start >= since) and (until is None or start < until):
                fresh[case["case_id"]] = number
        judge |= fresh
    return judge


def _another(later: Definitions, now: Definitions) -> bool:
    return later.journeys.get(JOURNEY) != now.journeys[JOURNEY]


def _over(derived: Derived, case: dict, at) -> bool:
    (row,) = derived.cases.filter(case_id=case["case_id"]).to_dicts()
    ended = row["completed_at"] or row["cancelled_at"]
    return ended is not None and ended <= at


def test_a_version_in_its_time_does_not_change_what_came_before(shipped: Definitions):
    """A change of titles is a version, too; what is known of steps that are gone stays."""
    content = other(shipped.content, "new", "short")
    changed = restore({**content, "kpis": {}}).since([(BASE, shipped.content), (BASE, content)])
    assert changed.known_step(JOURNEY, "erp-project") == changed.journeys[JOURNEY].step(
        "erp-project"
    )
    gone = shipped.journeys[JOURNEY].steps[-1]
    assert gone.name not in changed.journeys[JOURNEY].positions
    assert changed.known_step(JOURNEY, gone.name) == gone
    assert gone.match[0].names[0] in changed.event_names


def test_figures_alone_do_not_ask_for_a_rebuild(shipped: Definitions):
    aimed = copy.deepcopy(shipped.content)
    aimed["kpis"]["sla-attainment"]["target"] = {"value": 0.5}
    assert restore(aimed).digest == shipped.digest
    assert restore(other(shipped.content, "new", "hurried")).digest != shipped.digest


def judged_twice(
    shipped: Definitions, claims: str, tweak: str, hours: float
) -> tuple[World, Definitions]:
    """A contract approved at 0 and validated at 10 hours, while another version came at `hours`."""
    world = World()
    world.fact("clm.contract.approved", 0, contract__region="EMEA")
    world.fact("middleware.fields.validated", 10)
    fresh = other(shipped.content, claims, tweak)
    return world, shipped.since([(BASE, shipped.content), (BASE + timedelta(hours=hours), fresh)])


def test_a_case_belongs_to_the_first_version_in_whose_time_it_starts(shipped: Definitions):
    world, definitions = judged_twice(shipped, "new", "later", 5)
    (case,) = derive(*frames(world), definitions).cases.to_dicts()
    assert (case["started_at"], case["version"]) == (BASE, shipped.journeys[JOURNEY].version)


def test_a_version_may_claim_what_was_open_and_no_more(shipped: Definitions):
    world, definitions = judged_twice(shipped, "open", "short", 5)
    (case,) = derive(*frames(world), definitions).cases.to_dicts()
    assert case["version"] != shipped.journeys[JOURNEY].version
    world.fact("clm.contract.cancelled", 4)
    (case,) = derive(*frames(world), definitions).cases.to_dicts()
    assert case["version"] == shipped.journeys[JOURNEY].version


def test_a_correction_claims_what_was_over_too(shipped: Definitions):
    world, definitions = judged_twice(shipped, "all", "hurried", 5)
    world.fact("clm.contract.cancelled", 4)
    (case,) = derive(*frames(world), definitions).cases.to_dicts()
    assert case["version"] != shipped.journeys[JOURNEY].version
    assert case["due_at"] == BASE + timedelta(minutes=30)
