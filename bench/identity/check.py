"""Holds a store against the oracle and against the world, group by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import ids
import outcomes
import polars as pl
import world
from judge import identity
from judge.observable import COLLECTOR
from judge.observed import Rules, facts
from judge.tied import tie

from threadline.store.telemetry import Telemetry

SHOWN = 20  # differences told in full

# A version that lost says nothing: the one with the greatest content hash has to name both ends.
_BARE = """
WITH best AS (
    SELECT fact_id, state,
        concat(child_type, ':', child_namespace, ':', child_value) AS child,
        concat(parent_type, ':', parent_namespace, ':', parent_value) AS parent
    FROM links FINAL WHERE startsWith(fact_id, {digit:String}))
SELECT count() AS links, countIf(state = 'held') AS held,
    countIf(NOT (has(named, child) AND has(named, parent))) AS bare
FROM best LEFT JOIN (
    SELECT fact_id, argMax(identifiers, (mapping_revision, content_hash)) AS named FROM facts
    WHERE startsWith(fact_id, {digit:String}) AND fact_id IN (SELECT fact_id FROM best)
    GROUP BY fact_id) AS told USING fact_id
"""


@dataclass(kw_only=True)
class Check:
    """How much was compared, what differed, and how it stands to the world."""

    compared: Counter[str] = field(default_factory=Counter)
    differences: int = 0
    shown: list[str] = field(default_factory=list)
    outcome: dict[str, Any] = field(default_factory=dict)


def checked(store: Telemetry, plan: world.Plan) -> Check:
    """Compare everything."""
    check, rules, sums = Check(), Rules(COLLECTOR), []
    for number in range(plan.waves):
        for first, beyond, part in _groups(plan, number):
            told = _told(part, rules)
            found = identity.stored(store, rules, first, beyond)
            check.compared.update({kind: len(rows) for kind, rows in told.items()})
            differing = list(identity.differing(told, found))
            check.differences += len(differing)
            check.shown += differing[: SHOWN - len(check.shown)]
            sums.append(outcomes.counted(store, part.truth, first, beyond))
    check.outcome = outcomes.report(pl.concat(sums))
    return check


def ties_without_evidence(store: Telemetry) -> dict[str, int]:
    """Links, those held, and those whose fact is not stored or does not name both ends."""
    told = Counter[str]()
    for digit in "0123456789abcdef":
        told.update(store.query(_BARE, {"digit": digit}).row(0, named=True))
    return dict(told)


def _told(part: world.Wave, rules: Rules) -> dict[str, identity.Table]:
    said = facts(identity.decoded(part.facts, part.mentions), rules)
    return identity.expected(said, tie(said.values(), rules))


def _groups(plan: world.Plan, number: int) -> Iterator[tuple[str, str, world.Wave]]:
    """Every group that begins in a wave: where its values begin and end, and what it says."""
    whole = world.begun(plan, number)
    told = {key[0]: part for key, part in whole.facts.partition_by("source", as_dict=True).items()}
    mentioned = whole.mentions.with_columns(group=pl.col("value").str.split("-").list.first())
    named = {key[0]: part for key, part in mentioned.partition_by("group", as_dict=True).items()}
    for (group,), truth in sorted(whole.truth.partition_by("group", as_dict=True).items()):
        first, beyond = (pl.select(ids.group(pl.lit(place))).item() for place in (group, group + 1))
        part = world.Wave(facts=told[f"{first}-gateway"], mentions=named[first], truth=truth)
        yield first, beyond, part
