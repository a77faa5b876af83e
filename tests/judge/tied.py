"""Observable truth, second half: which identifiers name one object, and what belongs to whom.

Everything from nothing, pair by pair, in plain Python; the rules are those of docs/adr/0003 and of
the definition files. An object goes by its identifier in the first of its type's namespaces. Two
owners of one object agree where what is known above them does, or where they lead to one root and
no system has a name for both; else the better evidence holds.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from judge.observed import Fact, Rules

Pair = tuple[str, str, str]  # kind, child, parent


@dataclass(frozen=True, kw_only=True)
class Ties:
    """`links`: the state of every asserted pair. `places`: object, owner and root of every
    identifier; `evidence` is the fact that a pair rests on.
    """

    links: dict[Pair, str]
    places: dict[str, tuple[str, str, str]]
    evidence: dict[Pair, Fact]


def tie(facts: Iterable[Fact], rules: Rules) -> Ties:
    """Resolve all that `facts` assert."""
    told = list(facts)
    ranked: dict[Pair, tuple[Any, ...]] = {}
    evidence: dict[Pair, Fact] = {}
    for fact in told:
        for pair, master in _asserted(fact, rules):
            rank = (fact.system != master, fact.at, fact.fact_id)
            if pair not in ranked or rank < ranked[pair]:
                ranked[pair], evidence[pair] = rank, fact
    order = sorted(ranked, key=lambda pair: (ranked[pair], pair))
    named = {name for fact in told for name in fact.identifiers if rules.links(name)}
    links: dict[Pair, str] = {}
    groups = {name: {name} for name in named}
    for pair in (each for each in order if each[0] == "same_as"):
        links[pair] = _join(groups, pair[1], pair[2])
    objects = {name: _goes_by(group, rules) for name, group in groups.items()}
    owner, root = _owners(
        [each for each in order if each[0] == "belongs_to"], objects, links, rules
    )
    links |= {pair: "held" for pair in order if pair not in links}
    places = {name: (own, owner[own], root[own]) for name, own in objects.items()}
    return Ties(links=links, places=places, evidence=evidence)


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
            }
            for own, owner, root in set(ties.places.values())
        ],
        "relations": [
            {"kind": kind, "child_id": ties.places[child][0], "parent_id": ties.places[parent][0]}
            for kind, child, parent in ties.links
            if kind not in ("same_as", "belongs_to")
        ],
    }


def _observations(fact: Fact, ties: Ties) -> Iterator[dict[str, Any]]:
    roots = {ties.places[name][2] for name in fact.speaks}
    each_for_itself = fact.how == "own" and fact.kind != "span"
    if not each_for_itself and len(roots) != 1:
        return
    for name in fact.speaks:
        own, _, root = ties.places[name]
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


def _asserted(fact: Fact, rules: Rules) -> Iterator[tuple[Pair, str]]:
    """The pairs a fact is evidence for, each with the system of record."""
    if not fact.plausible:
        return
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in fact.identifiers:
        kind, namespace, _ = name.split(":", 2)
        alike[kind, namespace].append(name)
    alone = {names[0] for names in alike.values() if len(names) == 1}
    for child, parent in permutations(sorted(fact.identifiers), 2):
        low, high = child.split(":")[0], parent.split(":")[0]
        rule = rules.objects[low]
        if high in rule.get("owner", ()) and parent in alone:
            yield ("belongs_to", child, parent), rule["master"]
        for relation in rules.relations:
            if (relation["from"], relation["to"]) == (low, high) and {child, parent} & alone:
                yield (relation["name"], child, parent), relation.get("master", rule["master"])
        spaces = [child.split(":")[1], parent.split(":")[1]]
        if low == high and {child, parent} <= alone:
            for same in rules.same_as:
                if same["object"] == low and list(same["namespaces"]) == spaces[::-1]:
                    yield ("same_as", child, parent), same.get("master", rule["master"])


def _join(groups: dict[str, set[str]], left: str, right: str) -> str:
    both = groups[left] | groups[right]
    if len({name.split(":")[1] for name in both}) < len(both):
        return "conflict"
    for name in both:
        groups[name] = both
    return "held"


def _goes_by(group: set[str], rules: Rules) -> str:
    kind = next(iter(group)).split(":")[0]
    namespaces = rules.objects[kind]["namespaces"]
    return min(group, key=lambda name: namespaces.index(name.split(":")[1]))


def _owners(
    claims: list[Pair], objects: dict[str, str], links: dict[Pair, str], rules: Rules
) -> tuple[dict[str, str], dict[str, str]]:
    """Owner and root of every object, those whose types stand highest first."""
    above: dict[str, dict[str, list[str]]] = {}
    spaces = defaultdict(set)
    for name, own in objects.items():
        spaces[own].add(name.split(":")[1])
    owner: dict[str, str] = {}
    root: dict[str, str] = {}
    for own in sorted(set(objects.values()), key=lambda own: _depth(own.split(":")[0], rules)):
        kind = own.split(":")[0]
        above[own], held = {kind: [own]}, []
        for pair in (each for each in claims if objects[each[1]] == own):
            high = objects[pair[2]]
            rivals = {
                (one, other)
                for t, brought in above[high].items()
                for one in above[own].get(t, [])
                for other in brought
                if one != other
            }
            agrees = all(root[a] == root[b] != "" and not spaces[a] & spaces[b] for a, b in rivals)
            links[pair] = "held" if agrees else "conflict"
            if agrees:
                for t, brought in above[high].items():
                    above[own][t] = above[own].get(t, []) + brought
                held.append(high)
        # Nearest of those that lead to a root, the best evidence between equals.
        held.sort(key=lambda high: (bool(root[high]), len(above[high])), reverse=True)
        owner[own] = held[0] if held else ""
        is_root = rules.objects[kind].get("root", False)
        root[own] = root[held[0]] if held else own if is_root else ""
    return owner, root


def _depth(kind: str, rules: Rules) -> int:
    return 1 + max((_depth(one, rules) for one in rules.objects[kind].get("owner", ())), default=-1)
