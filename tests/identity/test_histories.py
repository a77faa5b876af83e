"""Many small histories, mixed up: after every batch the store holds what the facts so far say.

Histories share one store and its batches, restarts and crashes, but no identifier, trace or fact,
so that many cost little more than one. `THREADLINE_HISTORIES` says how many are played.
"""

from __future__ import annotations

import json
import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from identity_inputs import START, Decoded, Input, event, span
from identity_service import Service
from judge import identity
from judge.observable import COLLECTOR
from judge.observed import Rules, facts
from judge.seen import moment
from judge.tied import Place, tie

from collector.mapping import load
from threadline.store.telemetry import Telemetry

TOGETHER = 40  # histories over one store
EXAMPLES = -(-int(os.environ.get("THREADLINE_HISTORIES", "80")) // TOGETHER)
TABLES = 10  # written in a batch: a crash comes after some of them

RULES, MAPPING = Rules(COLLECTOR), load()
OBJECTS = [
    *("contract:clm:C-1", "project:erp:P-1", "contract:clm:C-2", "project:psa:D-1"),
    *("contract:crm:8", "project:erp:P-2", "invoice:erp:1", "customer:crm:ACME"),
    *("amendment:clm:A-1", "purchase_order:procurement:PO-1"),
]
TYPES = ("amendment", "purchase_order")
BOUNDS = [None] * 6 + list(combinations(range(4), 2)) + [(at, None) for at in range(4)]
NOTES = [""] * 4 + ["link.retracted"]
NAMES = [names for size in range(4) for names in combinations(OBJECTS, size)]
NOBODY = [()] * len(NAMES)
LINKS = [(), (), (), ("t/1",), ("u/2",), ("t/3", "u/1")]


def _choices(number: int, *options: Sequence[Any]) -> Iterator[Any]:
    """What `number`, read as one digit per list of options, chooses of each."""
    for some in options:
        number, place = divmod(number, len(some))
        yield some[place]


def _event(number: int) -> Input:
    options = (range(4), (1, 2), ("erp", "clm", "psa"), (True,) * 3 + (False,), "03", BOUNDS, NOTES)
    fact, names, at, version, system, plausible, received, bounds, note = _choices(
        number, "abcd", NAMES, *options
    )
    more = {"at": at, "version": version, "system": system, "plausible": plausible, "note": note}
    return event(fact, *names, received=int(received), payload=_bounded(bounds), **more)


def _bounded(bounds: tuple[int, int | None] | None) -> str:
    """A payload that says from which minute to which its ties hold."""
    told = zip(("valid_from", "valid_to"), bounds or (), strict=False)
    ends = {end: (START + timedelta(minutes=at)).isoformat() for end, at in told if at is not None}
    return json.dumps({f"{kind}.{end}": at for kind in TYPES for end, at in ends.items()})


def _span(number: int) -> Input:
    trace, own, parent, names, links, version, at = _choices(
        number, "tu", "1234", ("", "1", "2", "3", "9"), NOBODY + NAMES, LINKS, (1, 2), range(4)
    )
    return span(trace, own, parent, names=names, links=links, version=version, at=at)


# One number per fact: forty histories cost few draws, and shrink.
FACTS = st.integers(0, 2**26).map(_event) | st.integers(0, 2**20).map(_span)
HISTORIES = st.lists(st.lists(FACTS, min_size=2, max_size=14), min_size=TOGETHER, max_size=TOGETHER)


def _apart(number: int, inputs: Sequence[Input]) -> list[Input]:
    """A history of its own; what was drawn first for a version stands, but for its receipt."""
    contents: dict[tuple[str, int], Input] = {}
    found = []
    for each in inputs:
        content = contents.setdefault((each.fact, each.version), each)
        found.append(_prefixed(f"h{number}-", replace(content, received=each.received)))
    return found


def _prefixed(prefix: str, given_: Input) -> Input:
    parts = [name.split(":", 2) for name in given_.names]
    return replace(
        given_,
        fact=prefix + given_.fact,
        trace=given_.trace and prefix + given_.trace,
        links=tuple(prefix + link for link in given_.links),
        names=tuple(f"{kind}:{space}:{prefix.upper()}{value}" for kind, space, value in parts),
    )


def _mixed(histories: Sequence[Sequence[Input]], by: random.Random) -> list[list[Input]]:
    """Batches of all histories' facts in any order, some of them sent twice."""
    batches: list[list[Input]] = [[] for _ in range(by.randint(2, 5))]
    for number, drawn in enumerate(histories):
        told = _apart(number, drawn)
        for each in (*told, *by.sample(told, by.randint(0, 2))):
            by.choice(batches).append(each)
    for batch in batches:
        by.shuffle(batch)
    return batches


@pytest.mark.timeout(3600)
@given(HISTORIES, st.integers(0, 2**32))
@settings(
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
def test_after_every_batch_the_store_holds_what_all_facts_so_far_say(
    telemetry: Telemetry, histories: list[list[Input]], seed: int
) -> None:
    by = random.Random(seed)
    telemetry.reset()
    service, known, before = Service(telemetry, MAPPING), list[Input](), dict[str, Any]()
    for batch in _mixed(histories, by):
        if by.random() < 0.3:
            service.start()
        crash = by.randint(0, TABLES) if by.random() < 0.25 else None
        touched = service.receive(*batch, crash_after=crash).touched_roots
        known += batch
        told, place = _truth(known)
        assert list(identity.differing(told, identity.stored(telemetry, RULES))) == []
        assert service.orphans() == _orphans(told, place)
        after = _by_root(told, place)
        assert _changed(before, after) <= touched
        before = after


def _truth(known: Sequence[Input]) -> tuple[dict[str, identity.Table], Callable[..., Place]]:
    whole = Decoded(known)
    told = facts(identity.decoded(whole.facts, whole.mentions), RULES)
    ties = tie(told.values(), RULES)
    then = {fact_id: moment(fact) for fact_id, fact in told.items()}
    return identity.expected(told, ties), lambda fact, name: ties.place(name, then[fact])


def _orphans(told: dict[str, identity.Table], place: Callable[..., Place]) -> int:
    """Facts that speak of nobody, and those that speak only of what leads to no root."""
    roots = defaultdict(set)
    for fact, name in told["attribution"]:
        roots[fact].add(place(fact, name)[2])
    nobody = [how for how in told["unattributed"].values() if how == "none"]
    return len(nobody) + sum(found == {""} for found in roots.values())


def _by_root(told: dict[str, identity.Table], place: Callable[..., Place]) -> dict[str, set[Any]]:
    """All that every root consists of."""
    content: dict[str, set[Any]] = defaultdict(set)
    for name, own in told["identifier"].items():
        content[own[2]].add((name, own))
    for key, own in told["tenure"].items():
        content[own[2]].add((key, own))
    for (fact, name), how in told["attribution"].items():
        content[place(fact, name)[2]].add((fact, name, how))
    return content


def _changed(before: dict[str, set[Any]], after: dict[str, set[Any]]) -> set[str]:
    roots = before.keys() | after.keys()
    return {root for root in roots if root and before.get(root) != after.get(root)}
