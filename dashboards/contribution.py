"""What moved a KPI since the window before: in a sentence, as bars and as a table."""

from __future__ import annotations

import altair as alt
import streamlit as st

from dashboards.frame import show
from dashboards.markup import Markup, table, tag
from threadline.wire import Kpi, KpiContribution, phrases

GOOD, BAD = "#22703f", "#b3261e"
BAR = 30  # pixels
MOST = 12
METHODS = {
    "ratio": "Rate: its own share changed. Mix: it weighs more or less than before. Both add up"
    " exactly.",
    "seconds": "A percentile is not a sum: each effect is what exchanging this group's cases for"
    " those of the window before does to it. What is left over is said.",
}
SUMS = "Each effect is the group's own change; together they are the whole."


def contribution(kpi: Kpi, found: list[KpiContribution]) -> None:
    """The part of the page."""
    told = next((one for one in found if one.unit == kpi.unit), None)
    if told is None:
        return
    st.subheader(f"What moved it, by {told.by.replace('_', ' ')}")
    show(tag("p", phrases.moved(kpi, told)))  # labels come from outside: no Markdown
    if not told.parts:
        return
    st.altair_chart(_bars(kpi, told), width="stretch")
    show(_table(kpi, told))
    show(tag("p", METHODS.get(kpi.unit, SUMS), class_="tl-quiet-text"))


def _bars(kpi: Kpi, told: KpiContribution) -> alt.Chart:
    rows = [
        {
            "label": phrases.part(part),
            "effect": part.effect,
            "said": phrases.effect(kpi, part.effect),
            "color": GOOD if (part.effect > 0) == (told.direction == "higher") else BAD,
        }
        for part in told.parts[:MOST]
    ]
    names = [str(row["label"]) for row in rows]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows), height=BAR * len(rows) + BAR)
        .mark_bar()
        .encode(
            x=alt.X("effect:Q", title=None, axis=alt.Axis(labels=False, ticks=False)),
            y=alt.Y("label:N", title=None, sort=names),
            color=alt.Color("color:N", scale=None),
            tooltip=[alt.Tooltip("label:N", title=told.by), alt.Tooltip("said:N", title="Effect")],
        )
    )
    return chart


def _table(kpi: Kpi, told: KpiContribution) -> Markup:
    shares = kpi.unit == "ratio"
    heads = [phrases.sentence(told.by.replace("_", " ")), "Effect", "Before", "Now", "n"]
    rows = []
    for part in told.parts[:MOST]:
        values = (phrases.kpi_quantity(kpi, value) for value in (part.previous, part.value))
        sample = f"{part.previous_n:,} → {part.n:,}"
        row = [phrases.part(part), phrases.effect(kpi, part.effect), *values, sample]
        if shares:
            row += [phrases.effect(kpi, each or 0.0) for each in (part.rate, part.mix)]
        rows.append(row)
    return table([*heads, *(("Rate", "Mix") if shares else ())], rows)
