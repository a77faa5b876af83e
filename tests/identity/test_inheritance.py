"""Of whom a fact speaks: by itself, by its ancestors, by links, by its whole trace."""

from __future__ import annotations

import random
from functools import cache

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from identity_inputs import Decoded, Input, event, hexed, span

from collector.identity.inheritance import MOST_HOPS, MOST_OF_A_TRACE, spoken

C1, C2, C3 = "contract:clm:C-1", "contract:clm:C-2", "contract:clm:C-3"
ACME = "customer:crm:ACME"
NEVER = frozenset({"customer"})

Said = dict[str, set[tuple[str, str, str, int]]]


def facts(*inputs: Input) -> pl.DataFrame:
    named = pl.Series("identifiers", [list(i.names) for i in inputs], dtype=pl.List(pl.String))
    return Decoded(inputs).facts.with_columns(named)


def said(*inputs: Input) -> Said:
    """By fact: (identifier, how, origin, of)."""
    frame = facts(*inputs)
    names = {hexed(i.fact): i.fact for i in inputs} | {"": ""}
    whole = spoken(frame, NEVER).filter(pl.col("identifier") != "")
    speakers = [inputs[row].fact for row in whole["row"]]
    found: Said = {i.fact: set() for i in inputs}
    rows = whole.select("identifier", "how", "origin", "of").iter_rows()
    for speaker, (identifier, how, origin, of) in zip(speakers, rows, strict=True):
        found[speaker].add((identifier, how, names[origin], of))
    return found


def test_the_nearest_identified_ancestor_gives_its_identifiers() -> None:
    found = said(
        span("t", "1", names=(C1,)),
        span("t", "2", "1"),
        span("t", "3", "2", names=(C2,)),
        span("t", "4", "3"),
        span("t", "5", "2"),
    )
    assert found["t/4"] == {(C2, "ancestor", "t/3", 1)}
    assert found["t/5"] == {(C1, "ancestor", "t/1", 1)}


def test_children_may_come_before_their_parents() -> None:
    child, parent = span("t", "2", "1"), span("t", "1", names=(C1,))
    assert said(child, parent)["t/2"] == said(parent, child)["t/2"] == {(C1, "ancestor", "t/1", 1)}


def test_a_span_above_identified_ones_speaks_of_all_of_them() -> None:
    found = said(
        span("t", "1"), span("t", "2", "1", names=(C1,)), span("t", "3", "1", names=(C2, C1))
    )
    assert found["t/1"] == {(C1, "trace", "", 2), (C2, "trace", "", 2)}


def test_a_trace_that_names_too_many_speaks_of_none() -> None:
    items = [
        span("t", f"i{n}", "1", names=(f"contract:clm:C-{n}",)) for n in range(MOST_OF_A_TRACE + 1)
    ]
    assert said(span("t", "1"), *items)["t/1"] == set()
    assert len(said(span("t", "1"), *items[1:])["t/1"]) == MOST_OF_A_TRACE


def test_whoever_speaks_of_nobody_says_so() -> None:
    items = [span("t", f"i{n}", "1", names=(f"contract:clm:C-{n}",)) for n in range(20)]
    inputs = [span("t", "1"), *items, span("u", "1", names=(ACME,)), event("e", C1), event("f")]
    silent = spoken(facts(*inputs), NEVER).filter(pl.col("identifier") == "")
    found = {inputs[row].fact: how for row, how in silent.select("row", "how").iter_rows()}
    assert found == {"t/1": "shared", "u/1": "none", "f": "none"}


def test_identifiers_that_never_link_are_kept_but_not_inherited() -> None:
    found = said(span("t", "1", names=(ACME,)), span("t", "2", "1"), span("t", "3", names=(C1,)))
    assert found["t/1"] == {(ACME, "own", "", 0), (C1, "trace", "", 1)}
    assert found["t/2"] == {(C1, "trace", "", 1)}


def test_a_log_record_stands_below_its_span() -> None:
    found = said(
        span("t", "1", names=(C1,)),
        span("t", "2", "1", names=(C2,)),
        Input(fact="log", kind="log", trace="t", parent="2"),
        Input(fact="odd log", kind="log", trace="t", span="1"),
    )
    assert found["log"] == {(C2, "ancestor", "t/2", 1)}
    assert found["odd log"] == {(C1, "ancestor", "t/1", 1)}


def test_a_span_link_carries_over_to_the_linking_span_and_below() -> None:
    found = said(
        span("t", "1", names=(C1,)),
        span("t", "2", "1"),
        span("u", "1", links=("t/2",)),
        span("u", "2", "1"),
        span("u", "3"),
        span("v", "1", links=("nowhere/1",)),
    )
    assert found["u/1"] == {(C1, "link", "t/1", 1)}
    assert found["u/2"] == {(C1, "link", "t/1", 1)}
    assert found["u/3"] == {(C1, "trace", "", 1)}
    assert found["v/1"] == set()


def test_a_conversation_over_many_traces_is_followed_link_by_link() -> None:
    turns = [span("t0", "1", names=(C1,))]
    for n in range(1, MOST_HOPS + 2):
        turns += [span(f"t{n}", "1", links=(f"t{n - 1}/2",)), span(f"t{n}", "2", "1")]
    found = said(*turns, span("t0", "2", "1"))
    assert all(found[f"t{n}/2"] == {(C1, "link", "t0/1", 1)} for n in range(1, MOST_HOPS + 1))
    assert found[f"t{MOST_HOPS + 1}/2"] == set()


def test_an_identified_ancestor_comes_before_a_link() -> None:
    found = said(
        span("t", "1", names=(C1,)),
        span("u", "1", names=(C2,)),
        span("u", "2", "1", links=("t/1",)),
    )
    assert found["u/2"] == {(C2, "ancestor", "u/1", 1)}


def test_several_links_give_all_their_identifiers_once() -> None:
    found = said(
        span("t", "1", names=(C1, C2)),
        span("t", "2", names=(C2, C3)),
        span("u", "1", links=("t/1", "t/2")),
    )
    assert {(i, of) for i, _, _, of in found["u/1"]} == {(C1, 3), (C2, 3), (C3, 3)}


def test_missing_parents_and_circles_end_the_way_up() -> None:
    found = said(
        span("t", "1", "2"), span("t", "2", "1"), span("t", "3", "3"), span("t", "4", "gone")
    )
    assert not any(found.values())


def test_facts_outside_of_traces_share_nothing() -> None:
    found = said(event("e", C1), event("f"))
    assert found == {"e": {(C1, "own", "", 1)}, "f": set()}


def test_a_span_told_by_two_senders_lends_its_identifiers() -> None:
    found = said(
        span("t", "1", fact="plain"), span("t", "1", fact="rich", names=(C1,)), span("t", "2", "1")
    )
    assert found["t/2"] == {(C1, "ancestor", "rich", 1)}


def test_a_deep_chain_is_climbed() -> None:
    depth = 3000
    chain = [span("t", str(n), str(n - 1) if n else "") for n in range(depth)]
    chain[0] = span("t", "0", names=(C1,))
    assert said(*chain)[f"t/{depth - 1}"] == {(C1, "ancestor", "t/0", 1)}


@st.composite
def traces(draw: st.DrawFn) -> list[Input]:
    """Small traces whose parents and links point anywhere, also nowhere and in circles."""
    ends = ["t/0", "t/1", "u/0", "v/1"]
    return [
        span(
            trace,
            str(span_id),
            draw(st.sampled_from(["", "0", "1", "2", "3", "9"])),
            names=tuple(draw(st.sets(st.sampled_from([C1, C2, ACME]), max_size=2))),
            links=tuple(draw(st.sets(st.sampled_from(ends), max_size=2))),
        )
        for trace in ("t", "u", "v")
        for span_id in range(draw(st.integers(0, 5)))
    ]


@given(traces(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_it_equals_climbing_span_by_span(inputs: list[Input], shuffle: random.Random) -> None:
    shuffled = list(inputs)
    shuffle.shuffle(shuffled)
    found = said(*shuffled) if shuffled else {}
    oracle = _Oracle(inputs)
    assert {f: {(i, how) for i, how, _, _ in s} for f, s in found.items()} == {
        i.fact: oracle.heard(i) for i in inputs
    }


class _Oracle:
    """The rules, one span at a time."""

    def __init__(self, inputs: list[Input]) -> None:
        self._inputs = inputs
        self._places = {(i.trace, i.span): i for i in inputs}

    def heard(self, i: Input) -> set[tuple[str, str]]:
        sets = {
            "own": self._tying(i),
            "ancestor": self._from_above(i),
            "link": self._linked(i),
            "trace": self._of_trace(i.trace),
        }
        how = next((how for how, names in sets.items() if names), "trace")
        return {(name, how) for name in sets[how]} | {(name, "own") for name in i.names}

    def _tying(self, i: Input) -> set[str]:
        return set(i.names) - {ACME}

    def _upwards(self, i: Input) -> list[Input]:
        path, here = [i], self._places.get((i.trace, i.parent))
        while here and here not in path:
            path.append(here)
            here = self._places.get((here.trace, here.parent))
        return path

    def _from_above(self, i: Input) -> set[str]:
        return next((self._tying(a) for a in self._upwards(i) if self._tying(a)), set())

    def _linked(self, i: Input) -> set[str]:
        return self._over(i, MOST_HOPS)

    @cache  # noqa: B019 - an oracle lives as long as its test
    def _over(self, i: Input, hops: int) -> set[str]:
        for a in self._upwards(i):
            ends = [self._places.get((link[0], link[2:])) for link in a.links]
            reached = {name for end in ends if end for name in self._beyond(end, hops - 1)}
            if reached:
                return reached
        return set()

    def _beyond(self, end: Input, hops: int) -> set[str]:
        return self._from_above(end) or (self._over(end, hops) if hops else set())

    def _of_trace(self, trace: str) -> set[str]:
        spans = [i for i in self._inputs if i.trace == trace]
        named = {name for i in spans for name in self._tying(i)}
        led = {name for i in spans if not self._from_above(i) for name in self._linked(i)}
        return named | led
