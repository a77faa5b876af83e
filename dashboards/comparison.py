"""Did my fix work: a KPI on two sides, what the difference says, and the cases of each side."""

from __future__ import annotations

import altair as alt
import streamlit as st

from dashboards.case_table import case_table
from dashboards.client import api
from dashboards.frame import guarded, looked_from, show
from dashboards.markup import TONES, Markup, table, tag
from dashboards.sides import Sides, choose
from dashboards.trend import LINE
from threadline.wire import ComparedSide, Health, Kpi, KpiComparison, phrases
from threadline.wire.series import axis_format, scale

SHOWN = 50
BEFORE = "#5d6b78"
ROW = 56  # pixels
STATES = {"better": "good", "worse": "bad"}
DOUBT = "Whatever else changed between the two sides is in the difference, too."


@guarded
def page() -> None:
    """The comparison named in the address, or a first one to begin with."""
    health = looked_from()
    st.title("Did my fix work?")
    sides = choose(health.as_of)
    if sides is None:
        return
    found = api().comparison(sides.kpi.kpi, sides.query)
    names = phrases.sides(found, parts=bool(sides.by))
    show(_verdict(found, names))
    if found.before.value is not None or found.after.value is not None:
        st.altair_chart(_picture(sides.kpi, found, names), width="stretch")
    show(_figures(sides.kpi, found, names))
    show(tag("p", DOUBT, class_="tl-quiet-text"))
    if sides.kpi.of in ("cases", "steps"):
        _cases(sides, names, health)


def _verdict(found: KpiComparison, names: tuple[str, str]) -> Markup:
    tone = TONES.get(STATES.get(found.verdict, ""), "quiet")
    return tag(
        "div",
        tag("h3", phrases.verdict(found)),
        tag("div", phrases.difference(found, names)),
        class_=f"tl-box tl-{tone}",
    )


def _picture(kpi: Kpi, found: KpiComparison, names: tuple[str, str]) -> alt.LayerChart:
    """Both values as points, each on the line of its interval."""
    told = [side for side in (found.before, found.after) if side.value is not None]
    ends = [end for side in told for end in (side.value, *side.interval) if end is not None]
    factor, unit = scale(kpi, max(ends))
    rows = [
        _row(kpi, side, name, factor) | {"color": color}
        for side, name, color in zip(
            (found.before, found.after), names, (BEFORE, LINE), strict=True
        )
        if side.value is not None
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y(
            "side:N",
            title=None,
            sort=None,
            axis=alt.Axis(labelFontSize=13),
            scale=alt.Scale(padding=0.5),
        ),
        color=alt.Color("color:N", scale=None),
    )
    axis = alt.Axis(format=axis_format(kpi), tickCount=5)
    x = alt.X("value:Q", title=unit, axis=axis, scale=alt.Scale(zero=False, padding=12))
    lines = base.mark_rule(strokeWidth=4, opacity=0.45).encode(x=alt.X("low:Q"), x2="high:Q")
    marks = base.mark_tick(thickness=2, size=18)
    return alt.LayerChart(
        layer=[
            lines,
            *(marks.encode(x=alt.X(f"{end}_mark:Q")) for end in ("low", "high")),
            base.mark_point(filled=True, size=150, opacity=1).encode(
                x=x, tooltip=[alt.Tooltip("said:N", title=kpi.title), alt.Tooltip("n:Q")]
            ),
            base.mark_text(dy=-17, fontSize=13, fontWeight="bold").encode(
                x=alt.X("value:Q"), text="said:N"
            ),
        ],
        height=ROW * (1 + len(rows)),  # one for the axis
    )


def _row(kpi: Kpi, side: ComparedSide, name: str, factor: float) -> dict[str, object]:
    def scaled(value: float | None) -> float | None:
        return None if value is None else value / factor

    low, high = side.interval
    value = scaled(side.value)
    return {
        "side": phrases.sentence(name),
        "value": value,
        "low": value if low is None else scaled(low),
        "high": value if high is None else scaled(high),
        "low_mark": scaled(low),
        "high_mark": scaled(high),
        "said": phrases.kpi_quantity(kpi, side.value),
        "n": side.n,
    }


def _figures(kpi: Kpi, found: KpiComparison, names: tuple[str, str]) -> Markup:
    sampled = found.verdict != "not_a_sample"
    heads = ["Side", "Value", phrases.sentence(kpi.of), "Measured", "Window"]
    if sampled:
        heads.insert(2, "With 95 % confidence")
    rows = []
    for side, name in zip((found.before, found.after), names, strict=True):
        row: list[str] = [
            tag("strong", phrases.sentence(name)),
            phrases.kpi_quantity(kpi, side.value),
            f"{side.n:,}",
            phrases.quantity(side.coverage, "ratio"),
            tag(
                "div",
                phrases.span(side),
                tag("div", phrases.sentence(side.why), class_="tl-quiet-text"),
            ),
        ]
        if sampled:
            row.insert(2, phrases.certain(kpi, side))
        rows.append(row)
    return table(heads, rows)


def _cases(sides: Sides, names: tuple[str, str], health: Health) -> None:
    st.subheader("The cases of each side")
    for tab, name, side in zip(
        st.tabs([phrases.sentence(name) for name in names]), names, ("before", "after"), strict=True
    ):
        with tab:
            _cases_of(sides, name, side, health)


def _cases_of(sides: Sides, name: str, side: str, health: Health) -> None:
    parameter = f"cursor_{side}"
    cursor = st.query_params.get(parameter, "")
    asked = {**sides.query, "side": side, "limit": SHOWN, "cursor": cursor}
    answer = api().compared_cases(sides.kpi.kpi, asked)
    if not answer.items:
        st.caption(f"No case counts on the side “{name}”.")
        return
    show(case_table(answer.items, health.as_of, sides.kpi))
    if answer.next and st.button(f"Next {SHOWN}", key=f"next_{side}"):
        st.query_params[parameter] = answer.next
        st.rerun()
