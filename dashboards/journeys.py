"""Journeys: how a process is defined, which path its cases really take, and where they wait."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dashboards import links, past, path_parts
from dashboards.case_table import case_table
from dashboards.client import api
from dashboards.frame import guarded, looked_from, show
from dashboards.markup import Markup, join, link, tag
from dashboards.path_graph import KEY, drawn, graph
from dashboards.window import Window, choose, chosen
from threadline.wire import JourneyRow, Paths, phrases

SHOWN = 50
AT_FIRST = 10  # rows of a table before one asks for more
PARTS = ("act", "before", "waiting", "late", "variant", "deviates", "annotation")  # of the paths


@guarded
def page() -> None:
    """The journey and window in the address; where it names a part, the cases behind that part."""
    health = looked_from()
    known = {row.journey: row for row in api().journeys()}
    if not known:
        st.warning("No journey is defined. Write one as docs/journeys.md shows.")
        return
    window = chosen(health.as_of)
    if window.journey not in known:
        busiest = max(known.values(), key=lambda row: row.cases)
        window = replace(window, journey=busiest.journey)
    row = known[window.journey]
    part = {name: st.query_params[name] for name in (*PARTS, "state") if name in st.query_params}
    if part:
        _cases(row, window, part)
        return
    titles = {name: one.title for name, one in known.items()}
    choose(window, titles, fiscal=False, every_journey=False)
    _journey(row, api().paths(row.journey, window.query), window)


def _journey(row: JourneyRow, told: Paths, window: Window) -> None:
    st.title(row.title)
    show(_headline(told, window))
    show(tag("p", _so_far(row, window), _doubts(told, window), class_="tl-quiet-text"))
    left, right = st.columns([1, 2], gap="large")
    with left:
        st.subheader("As it is defined")
        show(path_parts.lane(told.steps, window.address))
    if not told.cases:
        return
    with right:
        st.subheader("As it went")
        st.graphviz_chart(graph(told, window.address), width="content")
        st.caption(f"{KEY} {_left_out(told)}")
    _passages(told, window)
    _variants(told, window)


def _headline(told: Paths, window: Window) -> Markup:
    if not told.cases:
        words: list[str] = [f"No case was started over {window.words}."]
    else:
        share = phrases.quantity(told.deviating / told.cases, "ratio")
        left = path_parts.opened(told.deviating, window.address, deviates="true")
        said = f"{told.cases:,} cases started over {window.words}; "
        words = [said, left, f" of them ({share}) left the defined path at least once."]
    return tag("p", *words, class_="tl-verdict")


def _so_far(row: JourneyRow, window: Window) -> Markup:
    counted = [
        join([path_parts.opened(count, window.address, state=state), f" {state}"])
        for state, count in row.states.items()
    ]
    of_all = join(counted, ", ") if counted else "none yet"
    return join(["All of its cases, whenever started: ", of_all, ". "])


def _doubts(told: Paths, window: Window) -> Markup:
    """How far the figures can be trusted."""
    said = [
        join([path_parts.opened(count, window.address, annotation=name), f" with {_doubt(name)}"])
        for name, count in told.annotations.items()
    ]
    if not told.cases:
        return Markup("")
    if not said:
        return Markup("No clock that is ahead, no sampling, no skipped step makes these doubtful.")
    return join(["Read with care, of the cases of this window: ", join(said, ", "), "."])


def _doubt(name: str) -> str:
    return phrases.ANNOTATION.get(name, name.replace("-", " "))


def _left_out(told: Paths) -> str:
    missing = len(told.edges) - len(drawn(told))
    return f"{missing} rarer passages are not drawn, but listed below." if missing else ""


def _passages(told: Paths, window: Window) -> None:
    st.subheader("Where it left the definition")
    odd = [edge for edge in told.edges if edge.standing in path_parts.ODD]
    odd.sort(key=lambda edge: edge.standing == "failure")  # what is rarer first
    if odd:
        show(path_parts.passages(told, odd[:AT_FIRST], window.address))
    else:
        st.caption("Nowhere: every step followed as it is defined, and none failed.")
    rest = [edge for edge in told.edges if edge.standing not in path_parts.ODD]
    for words, edges in (("more of them", odd[AT_FIRST:]), ("as defined, or in parallel", rest)):
        if edges:
            with st.expander(f"{len(edges)} {words}"):
                show(path_parts.passages(told, edges, window.address))


def _variants(told: Paths, window: Window) -> None:
    st.subheader("Whole paths")
    show(path_parts.variants(told, told.variants[:AT_FIRST], window.address))
    rest = told.variants[AT_FIRST:]
    if rest:
        with st.expander(f"{len(rest)} more, of {told.variants_total:,} paths in all"):
            show(path_parts.variants(told, rest, window.address))


def _cases(row: JourneyRow, window: Window, part: dict[str, str]) -> None:
    st.title(row.title)
    show(link(links.journeys(**window.address), "Back to the whole journey"))
    show(tag("h3", _named(row, window, part)))
    asked = {"limit": str(SHOWN), "cursor": st.query_params.get("cursor", "")}
    if "state" in part:
        answer = api().journey_cases(row.journey, part | asked | past.address())
    else:
        answer = api().path_cases(row.journey, {**window.query, **part, **asked})
    if not answer.items:
        st.caption("There is no such case in this window.")
        return
    show(case_table(answer.items, window.now))
    if answer.next and st.button(f"Next {SHOWN}"):
        st.query_params["cursor"] = answer.next
        st.rerun()


def _named(row: JourneyRow, window: Window, part: dict[str, str]) -> str:
    if "state" in part:
        return f"All that are {part['state']}, whenever started"
    titles = {one.step: one.title for one in api().paths(row.journey, window.query).steps}
    return f"{path_parts.which(titles, part)}; started over {window.words}"
