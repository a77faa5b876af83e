"""What stands for resolving: pairs bound to the lives of their identifiers, over stretches of time.

Identifiers of some types are given out again (`reused` in objects.yaml): what a later stated
beginning gives to other owners is a new life of the identifier, and an object of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from collector.identity.ties import BELONGS_TO, Evidence, Pair, object_type
from collector.mapping import Mapping
from collector.validity import ALWAYS, FOREVER

_SECOND = 1_000_000_000


class Life(NamedTuple):
    """An identifier from one giving out to the next; the first goes by the identifier itself."""

    since: int
    until: int
    name: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`pair` as said; `bound`: with the lives of its ends; it counts over `[since, until)`.

    `began` is the stated beginning that ranks it: a later one ends what stood before.
    """

    pair: Pair
    bound: Pair
    since: int
    until: int
    began: int


class Lives:
    """The lives of all identifiers that have several."""

    def __init__(
        self, pairs: Iterable[Pair], links: Dictionary[Pair, Evidence], mapping: Mapping
    ) -> None:
        owned: dict[str, list[Pair]] = defaultdict(list)
        for pair in pairs:
            kind = mapping.objects.get(object_type(pair.child))
            if pair.kind == BELONGS_TO and kind and kind.reused:
                owned[pair.child].append(pair)
        self._links = links
        found = {name: _lives(name, some, links) for name, some in owned.items()}
        self.of = {name: lives for name, lives in found.items() if len(lives) > 1}
        self.begins = {life.name: life.since for lives in self.of.values() for life in lives}

    def claim(self, pair: Pair) -> Claim:
        """`pair` as its ends were known when it was said to hold, or else said."""
        child, parent = self._life(pair.child, pair), self._life(pair.parent, pair)
        return Claim(
            pair=pair,
            bound=pair._replace(child=child.name, parent=parent.name),
            since=max(pair.since, child.since),
            until=min(pair.until, child.until),
            began=pair.since,
        )

    def _life(self, name: str, pair: Pair) -> Life:
        lives = self.of.get(name)
        if lives is None:
            return Life(ALWAYS, FOREVER, name)
        instant = _said_for(pair, self._links)
        return next((life for life in lives if instant < life.until), lives[-1])


def claims(
    pairs: Sequence[Pair], links: Dictionary[Pair, Evidence], lives: Lives
) -> Iterator[Claim]:
    """The claims of `pairs`, in no order.

    The first beginning that is known of a child reaches back to all time: nothing else is known
    before it. Where the system of record has spoken, its word alone tells what is known.
    """
    made = [lives.claim(pair) for pair in pairs]
    yield from (claim for claim in made if claim.since < claim.until)
    known: dict[tuple[str, str], list[Claim]] = defaultdict(list)
    for claim in made:
        known[claim.bound.kind, claim.bound.child].append(claim)
    for (_, child), some in known.items():
        believed = _believed(some, links)
        first, start = min(claim.since for claim in believed), lives.begins.get(child, ALWAYS)
        if start < first:
            yield from (
                replace(claim, since=start, until=first, began=ALWAYS)
                for claim in believed
                if claim.since == first
            )


def _believed(some: Sequence[Claim], links: Dictionary[Pair, Evidence]) -> Sequence[Claim]:
    mastered = [claim for claim in some if links[claim.pair].mastered]
    return mastered or some


def _lives(name: str, owned: Sequence[Pair], links: Dictionary[Pair, Evidence]) -> list[Life]:
    mastered = [pair for pair in owned if links[pair].mastered]
    starts: dict[int, set[str]] = defaultdict(set)
    for pair in mastered or owned:
        if pair.since != ALWAYS:
            starts[pair.since].add(pair.parent)
    if not starts:
        return []
    first = min(starts)
    before = {
        pair.parent
        for pair in mastered or owned
        if pair.since == ALWAYS and _said_for(pair, links) < first
    }
    return _named(name, _turns(before, starts))


def _turns(before: set[str], starts: Dictionary[int, set[str]]) -> list[int]:
    """When the identifier is given to owners none of whom has it already; always, at first."""
    turns, owners = [ALWAYS], before or starts[min(starts)]
    for since in sorted(starts):
        if not owners & starts[since]:
            turns.append(since)
            owners = set()
        owners = owners | starts[since]
    return turns


def _named(name: str, turns: Sequence[int]) -> list[Life]:
    ends = [*turns[1:], FOREVER]
    return [
        Life(since, until, name if since == ALWAYS else f"{name}@{_written(since)}")
        for since, until in zip(turns, ends, strict=True)
    ]


def _said_for(pair: Pair, links: Dictionary[Pair, Evidence]) -> int:
    """The instant that tells which life is meant; the last where only people say so."""
    if pair.since != ALWAYS:
        return pair.since
    at = links[pair].at
    return FOREVER if at is None else at


def _written(instant: int) -> str:
    second, fraction = divmod(instant, _SECOND)
    whole = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{fraction:09}".rstrip("0").rstrip(".") + "Z"
