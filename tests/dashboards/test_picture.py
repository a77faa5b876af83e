"""The picture of a thread: where its marks go, and that words from outside stay words."""

from __future__ import annotations

import itertools
from datetime import timedelta

import httpx
import pytest

from dashboards.lanes import CLOSE, placed
from dashboards.markup import chip, link, plain, table, tag
from dashboards.path_graph import drawn, graph
from dashboards.timeline import timeline
from threadline.wire import PathEdge, Paths, Thread


@pytest.fixture(scope="module")
def thread(api_url) -> Thread:
    answer = httpx.get(f"{api_url}/api/v1/contracts/C-100234", timeout=30)
    return Thread.model_validate_json(answer.content)


def test_systems_are_lanes_in_the_order_in_which_they_first_spoke(thread):
    placement = placed(thread)

    assert [lane.system for lane in placement.lanes] == ["clm", "middleware", "erp", "psa"]
    for above, below in itertools.pairwise(placement.lanes):
        assert above.top + above.rows == below.top


def test_what_closed_a_step_or_failed_is_hidden_by_nothing(thread):
    placement = placed(thread)
    room = (placement.end - placement.start) * CLOSE

    rows = sorted(placement.marks, key=lambda mark: (mark.row, mark.start))
    for left, right in itertools.pairwise(rows):
        if left.row == right.row:
            assert left.stands_out == right.stands_out
            assert not left.stands_out or right.start - left.end > room


def test_the_picture_reaches_from_the_first_fact_to_now_and_leaves_impossible_times_out(thread):
    placement = placed(thread)

    assert placement.left_out == 1  # said to be of 1970
    assert len(placement.marks) == len(thread.facts) - 1
    assert placement.start < min(mark.start for mark in placement.marks)
    assert thread.as_of < placement.end < thread.as_of + timedelta(days=1)


def test_a_thread_without_any_plausible_time_has_no_picture(thread):
    assert placed(thread.model_copy(update={"facts": thread.facts[-1:]})) is None


def test_the_picture_is_sound_for_vega_whatever_a_system_is_called(thread):
    odd = [fact.model_copy(update={"system": 'o\'clock \\ "x"'}) for fact in thread.facts]
    changed = thread.model_copy(update={"facts": odd})

    drawn = timeline(changed, placed(changed)).to_dict()

    assert len(drawn["layer"]) >= 5


def test_the_graph_of_a_journey_draws_every_passage_that_counts_whatever_a_step_is_called(api_url):
    told = httpx.get(f"{api_url}/api/v1/journeys/contract-activation/paths?window=all-time")
    paths = Paths.model_validate_json(told.content)
    quiet = paths.model_copy(update={"edges": [edge(paths, cases=1), edge(paths, cases=2)] * 9})
    odd = [node.model_copy(update={"title": 'a "b" \\'}) for node in paths.nodes]

    assert {one.cases for one in drawn(quiet)} == {2}
    assert drawn(quiet.model_copy(update={"edges": [edge(paths, 1, "against")] * 20}))
    made = graph(paths.model_copy(update={"nodes": odd}), {})
    assert 'a \\"b\\" \\\\\\n' in made
    assert made.count(" -> ") == len(drawn(paths)) > 0


def edge(paths: Paths, cases: int, standing: str = "parallel") -> PathEdge:
    return paths.edges[0].model_copy(update={"cases": cases, "standing": standing})


def test_words_from_outside_are_escaped_wherever_they_are_put():
    evil = '<script>alert("x")</script>'

    for made in (
        tag("p", evil),
        tag("p", "fine", title=evil),
        chip(evil, "ok"),
        link(f"contract?id={evil}", evil),
        table([evil], [[evil]]),
    ):
        assert "<script>" not in made
        assert 'title="<' not in made


@pytest.mark.parametrize("words", ["C-100234", "nothing is known by 'P_1' (yet)", "50 %, or so"])
def test_words_are_themselves_in_markdown(words):
    assert plain(words) == words


@pytest.mark.parametrize(
    "words",
    [
        "![x](http://a.example/i.png)",
        "www.a.example",
        "a@b.example",
        ":red[x]",
        "$x$",
        "<b>",
        "*x*",
    ],
)
def test_whatever_markdown_would_make_something_of_is_code(words):
    assert plain(words) == f"` {words} `"
    assert plain(f"a ``{words}\n").startswith("``` a ``")
