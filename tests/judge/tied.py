"""Observable truth, second half: which identifiers name one object, and what belongs to whom.

Everything from nothing, pair by pair, in plain Python; the rules are those of docs/adr/0003 and of
the definition files. An object goes by its identifier in the first of its type's namespaces. Two
owners of one object agree where what is known above them does, or where they lead to one root and
no system has a name for both; else the better evidence holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise, permutations
from typing import Any

from judge.observed import Fact, Rules

Validity = tuple[datetime, datetime]
Pair = tuple[str, str, str, datetime, datetime]  # kind, child, parent, since, until
Place = tuple[str, str, str]  # object, owner, root
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER = datetime(2262, 4, 11, 23, 47, 16, 854775, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Ties:
    """`links`: the state of every asserted pair. `places`: object, owner and root of every
    identifier as things stand; `tenures` where it was over which stretch of time. `evidence` is the
    fact that a pair rests on.
    """

    links: dict[Pair, str]
    places: dict[str, Place]
    tenures: dict[str, list[tuple[Validity, Place]]]
    evidence: dict[Pair, Fact]

    def place(self, name: str, at: datetime) -> Place:
        """Where an identifier was at an instant."""
        return next(place for (since, until), place in self.tenures[name] if since <= at < until)


def tie(facts: Iterable[Fact], rules: Rules) -> Ties:
    """Resolve all that `facts` assert, once for every instant at which anything begins or ends."""
    told = list(facts)
    ranked: dict[Pair, tuple[Any, ...]] = {}
    evidence: dict[Pair, Fact] = {}
    mastered: set[Pair] = set()
    void: set[Pair] = set()
    for pair, facts_of in _told(told, rules).items():
        standing = [each for each in facts_of if not each[2]]
        own, fact, taken_back = min(standing or facts_of, key=lambda e: (*e[0], e[1].fact_id))
        ranked[pair], evidence[pair] = (*own, fact.fact_id), fact
        (void if taken_back else mastered if not own[0] else set()).add(pair)
    named = {name for fact in told for name in fact.identifiers if rules.links(name)}
    standing = {pair: rank for pair, rank in ranked.items() if pair not in void}
    said = Said(standing, evidence, mastered, rules)
    placing = [p for p in ranked if p[0] in ("same_as", "belongs_to") and p not in void]
    turns = sorted({ALWAYS, FOREVER, *said.instants(placing)})
    links: dict[Pair, str] = dict.fromkeys(void, "retracted")
    tenures: dict[str, list[tuple[Validity, Place]]] = {name: [] for name in named}
    for since, until in pairwise(turns):
        places, states = _at(since, said, placing, named, rules)
        links |= {pair: state for pair, state in states.items() if links.get(pair) != "held"}
        for name in named:
            tenures[name].append(((since, until), places[said.life(name, since)]))
    links |= {pair: "held" for pair in ranked if pair not in links}
    kept = {name: _kept(stretches) for name, stretches in tenures.items()}
    return Ties(
        links=links,
        places={name: _standing(stretches) for name, stretches in kept.items()},
        tenures=kept,
        evidence=evidence,
    )


def _told(
    facts: Iterable[Fact], rules: Rules
) -> dict[Pair, list[tuple[tuple[bool, datetime | None], Fact, bool]]]:
    """By pair every fact that asserts it, how it ranks, and whether that was taken back later."""
    asserting = defaultdict(list)
    taken_back = defaultdict(list)
    for fact in facts:
        for pair, master in _asserted(fact, rules):
            if fact.name in rules.retractions:
                taken_back[pair[:3]].append((fact, fact.system == master))
            else:
                asserting[pair].append((fact, fact.system != master))
    return {
        pair: [
            (
                (other, fact.at),
                fact,
                any(
                    fact.at <= later.at and (master or later.system == fact.system)
                    for later, master in taken_back[pair[:3]]
                ),
            )
            for fact, other in some
        ]
        for pair, some in asserting.items()
    }


class Said:
    """What was asserted, and which giving out of an identifier it speaks of."""

    def __init__(
        self,
        ranked: dict[Pair, tuple[Any, ...]],
        evidence: dict[Pair, Fact],
        mastered: set[Pair],
        rules: Rules,
    ) -> None:
        self.ranked, self._evidence, self._mastered = ranked, evidence, mastered
        self._starts: dict[str, list[datetime]] = {}
        owned = defaultdict(list)
        for pair in ranked:
            if pair[0] == "belongs_to" and rules.objects[pair[1].split(":")[0]].get("reused"):
                owned[pair[1]].append(pair)
        for name, pairs in owned.items():
            self._starts[name] = self._given_out(self._believed(pairs))
        self._first: dict[tuple[str, str], datetime] = {}
        by_child = defaultdict(list)
        for pair in ranked:
            by_child[pair[0], self.ends(pair)[0]].append(pair)
        for key, pairs in by_child.items():
            self._first[key] = min(self._begins(pair) for pair in self._believed(pairs))

    def instants(self, pairs: Iterable[Pair]) -> set[datetime]:
        starts = {start for some in self._starts.values() for start in some}
        return {at for pair in pairs for at in pair[3:]} | starts

    def life(self, name: str, at: datetime) -> str:
        """The object an identifier of which several were given out means at an instant."""
        starts = [start for start in self._starts.get(name, ()) if start <= at]
        if not starts:
            return name
        written = starts[-1].isoformat().replace("+00:00", "")
        return f"{name}@{written.rstrip('0').rstrip('.') if '.' in written else written}Z"

    def ends(self, pair: Pair) -> tuple[str, str]:
        """Child and parent, as they were when the pair began to hold, or else was told."""
        at = self.when(pair)
        return self.life(pair[1], at), self.life(pair[2], at)

    def when(self, pair: Pair) -> datetime:
        return pair[3] if pair[3] > ALWAYS else self._evidence[pair].at or FOREVER

    def counts(self, pair: Pair, at: datetime) -> datetime | None:
        """The beginning that ranks a pair where it holds at an instant, else None."""
        child = self.ends(pair)[0]
        if self.life(pair[1], at) != child:
            return None
        if self._begins(pair) <= at < pair[4]:
            return pair[3]
        first = self._first[pair[0], child]
        if at >= first or self._begins(pair) != first:
            return None
        mine = [p for p in self.ranked if p[0] == pair[0] and self.ends(p)[0] == child]
        return ALWAYS if pair in self._believed(mine) else None

    def _begins(self, pair: Pair) -> datetime:
        starts = [s for s in self._starts.get(pair[1], ()) if s <= self.when(pair)]
        return max([pair[3], *starts])

    def _believed(self, pairs: list[Pair]) -> list[Pair]:
        return [pair for pair in pairs if pair in self._mastered] or pairs

    def _given_out(self, pairs: list[Pair]) -> list[datetime]:
        stated = sorted({pair[3] for pair in pairs} - {ALWAYS})
        if not stated:
            return []
        owners = {p[2] for p in pairs if p[3] == ALWAYS and self.when(p) < stated[0]}
        found = []
        for since in stated:
            new = {pair[2] for pair in pairs if pair[3] == since}
            if owners and not owners & new:
                found.append(since)
                owners = set()
            owners |= new
        return found


def _at(
    at: datetime, said: Said, placing: list[Pair], named: set[str], rules: Rules
) -> tuple[dict[str, Place], dict[Pair, str]]:
    """Places of all names, and the states of the pairs that hold, as of one instant."""
    began = {pair: start for pair in placing if (start := said.counts(pair, at)) is not None}

    def rank(pair: Pair) -> tuple[Any, ...]:
        own, when, fact = said.ranked[pair]
        return own, ALWAYS - began[pair], when, fact, pair[0], said.ends(pair), pair[3:]

    order = sorted(began, key=rank)
    ends = {pair: (pair[0], *said.ends(pair)) for pair in order}
    names = named | {name for _, *both in ends.values() for name in both}
    names |= {said.life(name, at) for name in named}
    states: dict[Pair, str] = {}
    groups = {name: {name} for name in names}
    for pair in (each for each in order if each[0] == "same_as"):
        states[pair] = _join(groups, *ends[pair][1:])
    objects = {name: _goes_by(group, rules) for name, group in groups.items()}
    claims = [(pair, *ends[pair][1:]) for pair in order if pair[0] == "belongs_to"]
    owner, root = _owners(claims, objects, states, rules)
    return {name: (own, owner[own], root[own]) for name, own in objects.items()}, states


def _kept(stretches: list[tuple[Validity, Place]]) -> list[tuple[Validity, Place]]:
    """Where an identifier was; what is known first reaches back, and nowhere is no place to be."""
    first = next((at for at, (_, place) in enumerate(stretches) if place[2]), len(stretches) - 1)
    found: list[tuple[Validity, Place]] = []
    for (since, until), place in stretches[first:]:
        begun = since
        if found and found[-1][1] == place:
            begun = found.pop()[0][0]
        found.append(((begun if found else ALWAYS, until), place))
    return found


def _standing(stretches: list[tuple[Validity, Place]]) -> Place:
    rooted = [place for _, place in stretches if place[2]]
    return rooted[-1] if rooted else stretches[-1][1]


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
        validity = _validity(rule, fact)
        if high in rule.get("owner", ()) and parent in alone:
            yield ("belongs_to", child, parent, *validity), rule["master"]
        for relation in rules.relations:
            if (relation["from"], relation["to"]) == (low, high) and {child, parent} & alone:
                yield (
                    (relation["name"], child, parent, *validity),
                    relation.get("master", rule["master"]),
                )
        spaces = [child.split(":")[1], parent.split(":")[1]]
        if low == high and {child, parent} <= alone:
            for same in rules.same_as:
                if same["object"] == low and list(same["namespaces"]) == spaces[::-1]:
                    yield ("same_as", child, parent, *validity), same.get("master", rule["master"])


def _validity(rule: dict[str, Any], fact: Fact) -> Validity:
    """Since and until when the ties of a fact hold; what makes no sense says nothing."""
    told = [fact.attributes.get(rule.get(end, "")) for end in ("valid_from", "valid_to")]
    try:
        since = _instant(told[0]) if told[0] else ALWAYS
        until = _instant(told[1]) if told[1] else FOREVER
    except ValueError:
        return ALWAYS, FOREVER
    return (since, until) if since < until else (ALWAYS, FOREVER)


def _instant(text: Any) -> datetime:
    if not isinstance(text, str):
        raise ValueError(text)
    at = datetime.fromisoformat(text)
    if at.tzinfo is None and len(text) > len("2026-01-01"):
        raise ValueError(text)
    return min(max(at.replace(tzinfo=at.tzinfo or UTC), ALWAYS), FOREVER)


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
    claims: list[tuple[Pair, str, str]],
    objects: dict[str, str],
    links: dict[Pair, str],
    rules: Rules,
) -> tuple[dict[str, str], dict[str, str]]:
    """Owner and root of every object, those whose types stand highest first."""
    mine = defaultdict(list)
    for pair, low, high in claims:
        mine[objects[low]].append((pair, objects[high]))
    above: dict[str, dict[str, list[str]]] = {}
    spaces = defaultdict(set)
    for name, own in objects.items():
        spaces[own].add(name.split(":")[1])
    owner: dict[str, str] = {}
    root: dict[str, str] = {}
    for own in sorted(set(objects.values()), key=lambda own: _depth(own.split(":")[0], rules)):
        kind = own.split(":")[0]
        above[own], held = {kind: [own]}, []
        for pair, high in mine[own]:
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
