"""What `threadline trace` and `threadline kpis` print: readable, and safe in 80 columns."""

from __future__ import annotations

import io

import handmade_world
import pytest
from rich.console import Console, RenderableType

from threadline import terminal
from threadline.cli.compared import comparison_in_words
from threadline.wire import KpiComparison, KpiPage, Problem, Thread


def printed(what: RenderableType, width: int = 80) -> str:
    """The lines as a terminal of that width shows them."""
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def thread(api) -> Thread:
    return Thread.model_validate_json(api.get("/api/v1/contracts/C-100234").content)


@pytest.mark.parametrize("width", [80, 120])
def test_a_thread_fits_its_terminal_and_hides_nothing(thread, width):
    text = printed(terminal.thread(thread), width)

    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text.replace("… ", "")  # nothing is cut off
    words = " ".join(text.replace("│", " ").split())
    for part in (
        "Contract C-100234",
        "EUR 480 k",
        "stuck at: ERP project created (erp)",
        "14 Mar 2026 09:12 UTC (6 d 2 h)",
        "5 d 2 h late",
        "Cost centre 4711 is closed for posting",
        "ERP finance support",
        "replay the project request.",
        "nightly.batch",
        "project:psa:PRJ-88",
        "same as project:erp:P-417",
        "erp is the system of record",
    ):
        assert part in words, part


def test_every_step_has_a_mark_that_needs_no_colour(thread):
    lines = printed(terminal.thread(thread), 120).splitlines()

    marks = {line.split()[0] for line in lines if "ERP project created" in line and "│" not in line}
    assert marks >= {"✗"}
    assert any(line.strip().startswith("✓") and "PSA project created" in line for line in lines)


def test_what_comes_from_outside_is_text_and_never_markup(thread):
    stuck = thread.stuck.model_copy(update={"why": "[red]not markup[/red] [/oops]"})

    text = printed(terminal.thread(thread.model_copy(update={"stuck": stuck})))

    assert "[red]not markup[/red] [/oops]" in text


def test_kpis_say_value_target_state_sample_and_why_there_is_none(api, empty_api):
    full = KpiPage.model_validate_json(api.get("/api/v1/kpis").content)
    empty = KpiPage.model_validate_json(empty_api.get("/api/v1/kpis").content)

    text = printed(terminal.kpis(full.items))
    assert "88.2 %" in text
    assert "at least 90 %" in text
    assert "off target" in text
    bare = " ".join(printed(terminal.kpis(empty.items)).split())
    for kpi in empty.items:
        assert kpi.why.split()[0] in bare
    assert max(map(len, text.splitlines())) <= 80


def test_an_ambiguous_id_lists_what_it_may_mean(api):
    answer = api.get(f"/api/v1/contracts/{handmade_world.BATCH_TRACE}")

    text = printed(terminal.problem(Problem.model_validate_json(answer.content)))

    assert "C-100234" in text
    assert "C-100240" in text


@pytest.mark.parametrize(
    ("kpi", "asked", "names"),
    [
        ("sla-attainment", {"at": "2026-03-08T00:00:00Z"}, ("before", "after")),
        ("value-at-risk", {"by": "region", "before": "emea", "after": "amer"}, ("emea", "amer")),
    ],
)
def test_a_comparison_says_the_verdict_and_both_sides(api, kpi, asked, names):
    answer = api.get(f"/api/v1/kpis/{kpi}/comparison", params=asked)
    found = KpiComparison.model_validate_json(answer.content)

    text = printed(comparison_in_words(found, parts="by" in asked))
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    assert f"from {names[0]} to {names[1]}" in words
    assert found.words in words
    for name, side in zip(names, (found.before, found.after), strict=True):
        (row,) = [line for line in text.splitlines() if line.split()[:1] == [name]]
        assert row.split()[-3:] == [str(side.n), "100", "%"]
