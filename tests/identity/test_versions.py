"""Which version of a fact speaks, and what is counted of the others."""

from __future__ import annotations

import random

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from identity_inputs import Decoded, Input, event, hexed, logged

from collector.identity import versions


def rows(*inputs: Input) -> pl.DataFrame:
    return Decoded(inputs).facts


def winning(prior: list[Input], batch: list[Input]) -> dict[str, tuple[int, int, int]]:
    """By fact id: revision, version and minute of receipt of the winner."""
    found = versions.settle(rows(*prior), rows(*batch)).winners
    return {
        fact: (revision, version, received.hour * 60 + received.minute - 480)
        for fact, revision, version, received in found.select(
            "fact_id", "mapping_revision", "content_hash", "received_at"
        ).iter_rows()
    }


def test_the_newest_mapping_revision_wins_then_the_greatest_content() -> None:
    a = event("a", version=9, revision=1)
    b = event("a", version=3, revision=2, offset=1)
    c = event("a", version=4, revision=2, offset=2)
    assert winning([a], [b, c]) == winning([c], [a, b]) == {hexed("a"): (2, 4, 0)}


def test_of_equal_versions_the_earliest_receipt_stands() -> None:
    early, late = event("a", received=1, offset=9), event("a", received=5, offset=1)
    assert winning([late], [early]) == winning([early], [late]) == {hexed("a"): (1, 1, 1)}


def test_only_what_is_not_stored_is_stored() -> None:
    settled = versions.settle(
        rows(event("a", received=1)),
        rows(event("a", received=2, offset=1), event("a", received=3, version=2, offset=2)),
    )
    assert settled.new.to_list() == [1]
    earlier = versions.settle(rows(event("a", received=2)), rows(event("a", received=1, offset=1)))
    assert earlier.new.to_list() == [0]


def counted(prior: list[Input], batch: list[Input]) -> list[tuple[int, int, int, int]]:
    """Per entry: offset, facts, duplicates, versions."""
    frame = rows(*batch)
    settled = versions.settle(rows(*prior), frame)
    counts = versions.counts(settled, frame, Decoded([]).dead_letters)
    return counts.select("offset", "facts", "duplicates", "versions").rows()


def test_sent_again_and_contradicting_are_counted_where_they_arrived() -> None:
    sent = logged([event("a"), event("a"), event("a", version=2), event("b")])
    assert counted([], sent) == [(0, 1, 0, 0), (1, 1, 1, 0), (2, 1, 0, 1), (3, 1, 0, 0)]


def test_a_repeated_batch_counts_the_same_again() -> None:
    stored = logged([event("a")])
    batch = logged([event("a"), event("a", version=2), event("b")], first=1)
    first = counted(stored, batch)
    written = rows(*batch)[versions.settle(rows(*stored), rows(*batch)).new]
    after = pl.concat([rows(*stored), written])
    again = versions.settle(after, rows(*batch))
    counts = versions.counts(again, rows(*batch), Decoded([]).dead_letters)
    assert counts.select("offset", "facts", "duplicates", "versions").rows() == first


def test_what_is_read_after_a_later_receipt_is_counted_all_the_same() -> None:
    stored = [event("a", received=5), event("b", received=5, offset=1)]
    early = [event("a", received=1, offset=2), event("b", version=2, received=1, offset=3)]
    assert counted(stored, early) == [(2, 1, 1, 0), (3, 1, 0, 1)]


def test_a_newer_decode_of_the_same_content_is_no_contradiction() -> None:
    assert counted([event("a")], [event("a", revision=2, version=5, offset=1)]) == [(1, 1, 0, 0)]


def test_an_entry_of_dead_letters_alone_is_a_request() -> None:
    letters = rows(event("x", offset=7)).select("partition", "offset", "source", "received_at")
    nothing = rows()
    counts = versions.counts(versions.settle(nothing, nothing), nothing, letters)
    assert counts.select("offset", "requests", "facts").rows() == [(7, 1, 0)]


INPUTS = st.lists(
    st.builds(
        event,
        st.sampled_from(["a", "b"]),
        version=st.integers(1, 2),
        revision=st.integers(1, 2),
        received=st.integers(0, 3),
    ),
    max_size=8,
)


@given(INPUTS, st.randoms(use_true_random=False), st.integers(0, 8))
def test_order_and_batching_change_no_winner(
    inputs: list[Input], shuffle: random.Random, cut: int
) -> None:
    whole = winning([], logged(inputs))
    shuffled = list(inputs)
    shuffle.shuffle(shuffled)
    placed = logged(shuffled)
    first = rows(*placed[:cut])
    stored = first[versions.settle(rows(), first).new]
    later = versions.settle(stored, rows(*placed[cut:])).winners
    columns = ["fact_id", "mapping_revision", "content_hash", "received_at"]
    direct = versions.settle(rows(), rows(*logged(inputs))).winners.select(columns)
    assert sorted(later.select(columns).rows()) == sorted(direct.rows())
    assert len(whole) == later.height
