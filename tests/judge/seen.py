"""Observable truth as the oracle of cases reads it: what each contract's objects were told of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from judge.observed import Fact
from judge.tied import ALWAYS, FOREVER, Ties


def rows(facts: Iterable[Fact], ties: Ties) -> dict[str, list[dict[str, Any]]]:
    """What the cases' oracle reads: `observations`, `members` and `relations`."""
    return {
        "observations": [row for fact in facts for row in _observations(fact, ties)],
        "members": [
            {
                "object_id": own,
                "object_type": own.split(":")[0],
                "owner_id": owner,
                "root_id": root,
                "valid_from": since,
                "valid_to": until,
            }
            for (own, owner, root), (since, until) in {
                (place, validity)
                for stretches in ties.tenures.values()
                for validity, place in stretches
            }
        ],
        "relations": list(_related(ties)),
    }


def _related(ties: Ties) -> Iterator[dict[str, Any]]:
    first: dict[tuple[str, str], datetime] = {}
    for (kind, child, _, since, _), state in ties.links.items():
        if state != "held":
            continue
        first[kind, child] = min(since, first.get((kind, child), since))
    held = [pair for pair, state in ties.links.items() if state == "held"]
    for pair in held:
        kind, child, parent, since, until = pair
        if kind not in ("same_as", "belongs_to"):
            said = since if since > ALWAYS else ties.evidence[pair].at or FOREVER
            yield {
                "kind": kind,
                "child_id": ties.place(child, said)[0],
                "parent_id": ties.place(parent, said)[0],
                "valid_from": ALWAYS if since == first[kind, child] else since,
                "valid_to": until,
            }


def moment(fact: Fact) -> datetime:
    """When a fact was, as far as that can be known."""
    return fact.at if fact.plausible and fact.at else fact.received_at


def _observations(fact: Fact, ties: Ties) -> Iterator[dict[str, Any]]:
    places = {name: ties.place(name, moment(fact)) for name in fact.speaks}
    each_for_itself = fact.how == "own" and fact.kind != "span"
    if not each_for_itself and len({root for _, _, root in places.values()}) != 1:
        return
    for own, _, root in places.values():
        if root:
            yield {
                "root_id": root,
                "object_id": own,
                "object_type": own.split(":")[0],
                "fact_id": fact.fact_id,
                "kind": fact.kind,
                "system": fact.system,
                "name": fact.name,
                "outcome": fact.outcome,
                "message": fact.message,
                "at": fact.at,
                "occurred_at": fact.occurred_at,
                "plausible": fact.plausible,
                "sampled": fact.sampled,
                "payload": json.dumps(fact.attributes),
                "received_at": fact.received_at,
                "how": fact.how,
            }
