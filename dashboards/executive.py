"""Executive: are contracts turning into cash on time, where does it slip, what is it worth?"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards.case_table import case_table
from dashboards.client import api
from dashboards.frame import guarded, looked_from, show
from dashboards.markup import SIGNS, tag
from dashboards.tiles import tiles
from dashboards.trend import HOLLOW, trend
from dashboards.welcome import welcome
from dashboards.window import Window, choose, chosen
from threadline.wire import Kpi, KpiPage, phrases
from threadline.wire.series import points_of
from threadline.wire.verdict import verdict

URGENT_KPIS = ("value-at-risk", "stuck-cases")  # whose cases to look at first: the first with any
URGENT_SHOWN = 10


@guarded
def page() -> None:
    """The whole page."""
    health = looked_from()
    if not api().sources():
        welcome()
        return
    journeys = {row.journey: row.title for row in api().journeys()}
    window = chosen(health.as_of)
    answer = api().kpis(window.query)
    _headline(answer, window)
    choose(window, journeys, fiscal=answer.fiscal)
    tiles(answer.items, window)
    _trends(answer.items, window)
    _urgent(answer, window)


def _headline(answer: KpiPage, window: Window) -> None:
    tone, sentence = verdict(answer.items)
    show(
        tag(
            "div",
            tag("p", f"{SIGNS[tone]} {sentence}", class_="tl-verdict"),
            class_=f"tl-box tl-{tone}",
        )
    )
    said = f"Over {window.words}, as of {phrases.instant(answer.as_of)}. {phrases.compared(answer)}"
    show(tag("p", said, class_="tl-quiet-text"))


def _trends(kpis: Sequence[Kpi], window: Window) -> None:
    measured = {(kpi.kpi, kpi.unit): kpi for kpi in kpis if kpi.n}
    if not measured:
        return
    st.subheader("Over time")
    chosen = st.selectbox(
        "Which KPI",
        list(measured),
        format_func=lambda one: " ".join((measured[one].title, measured[one].currency)).strip(),
        label_visibility="collapsed",
        width=360,
    )
    kpi = measured[chosen]
    points = points_of(kpi, api().series(kpi.kpi, {**window.query, "every": window.every}))
    if any(point.value is not None for point in points):
        st.altair_chart(trend(kpi, points), width="stretch")
        st.caption(HOLLOW)
    else:
        st.caption("Nothing was measured in any part of this window.")


def _urgent(answer: KpiPage, window: Window) -> None:
    there = [kpi.kpi for kpi in answer.items if kpi.n]
    st.subheader("Look at these first")
    for name in URGENT_KPIS:
        query = {**window.query, "limit": URGENT_SHOWN}
        cases = api().cases_behind(name, query).items if name in there else []
        if cases:
            show(case_table(cases, answer.as_of))
            return
    st.caption("No contract is late, and none is about to be.")
