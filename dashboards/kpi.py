"""Behind a number: what a KPI says, how it went, and exactly the cases it was computed from."""

from __future__ import annotations

import streamlit as st

from dashboards.case_table import case_table
from dashboards.client import api
from dashboards.frame import freshness, guarded, show
from dashboards.markup import chip, table, tag
from dashboards.trend import HOLLOW, trend
from dashboards.window import Window, chosen
from threadline.wire import Kpi, phrases

SHOWN = 50


@guarded
def page() -> None:
    """The KPI named in the address, in the window named there."""
    health = freshness()
    name = st.query_params.get("kpi", "")
    window = chosen(health.as_of)
    answer = api().kpis({**window.query, "by": "region"})
    kpi = next((kpi for kpi in answer.items if kpi.kpi == name), None)
    if kpi is None:
        st.warning("No KPI is known by this name. Open one from the Executive page.")
        return
    _value(kpi, window)
    points = api().series(kpi.kpi, {**window.query, "every": window.every})
    if any(point.value is not None for point in points):
        st.altair_chart(trend(kpi, points), width="stretch")
        st.caption(HOLLOW)
    _parts(kpi)
    _cases(kpi, window)


def _value(kpi: Kpi, window: Window) -> None:
    st.title(kpi.title)
    show(tag("div", phrases.kpi_value(kpi), class_="tl-value"))
    show(tag("div", chip(phrases.KPI[kpi.state], kpi.state), class_="tl-chips"))
    target = f"Target: {phrases.target(kpi)}. " if kpi.target is not None else ""
    counted = f"{kpi.n:,} cases over {window.words}; {phrases.trend(kpi)}."
    measured = _certainty(kpi)
    show(tag("p", f"{target}{counted} {measured}", class_="tl-quiet-text"))
    if kpi.description:
        st.write(kpi.description)
    if kpi.why:
        st.info(kpi.why)


def _certainty(kpi: Kpi) -> str:
    said = []
    if kpi.interval:
        low, high = (phrases.kpi_quantity(kpi, end) for end in kpi.interval)
        said.append(f"With 95 % confidence between {low} and {high}.")
    if kpi.coverage is not None:
        said.append(f"{phrases.quantity(kpi.coverage, 'ratio')} of what counts could be measured.")
    said += [f"{phrases.sentence(words)}." for words in phrases.beside(kpi)]
    return " ".join(said)


def _parts(kpi: Kpi) -> None:
    if not kpi.by:
        return
    st.subheader(f"By {kpi.by[0].dimension.replace('_', ' ')}")
    rows = [
        [
            part.label or "not given",
            phrases.kpi_quantity(kpi, part.value),
            chip(phrases.KPI[part.state], part.state),
            f"{part.n:,}",
        ]
        for part in kpi.by
    ]
    show(
        table([kpi.by[0].dimension.replace("_", " ").capitalize(), "Value", "State", "Cases"], rows)
    )


def _cases(kpi: Kpi, window: Window) -> None:
    st.subheader("The cases behind it")
    query = {**window.query, "limit": SHOWN, "cursor": st.query_params.get("cursor", "")}
    answer = api().cases_behind(kpi.kpi, query)
    if not answer.items:
        st.caption("No case counts in this window.")
        return
    show(case_table(answer.items, window.now, kpi))
    if answer.next and st.button(f"Next {SHOWN}"):
        st.query_params["cursor"] = answer.next
        st.rerun()
