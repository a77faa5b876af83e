"""A KPI over the last windows as the chart of a letter: legible on a phone, in the light and dark.

The picture is opaque and light, so that a dark mail client shows it as a card. At the width of a
phone it is shrunk by a third: letters are of 18 pixels, so that they are of 12 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import altair as alt

from threadline.wire import KpiSeriesPoint
from threadline.wire.series import axis_format, begun, scale
from threadline.wire.summaries import SummaryTrend

WIDTH, HEIGHT = 400, 180
LINE, TARGET, INK, GRID = "#1f5f8b", "#b25e09", "#333333", "#e3e3e3"
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
SIZE = 18
_UNSURE = ("too_few", "unknown")


def chart(trend: SummaryTrend) -> alt.LayerChart:
    """Value by window, the target dashed; hollow points rest on too few, gaps on nothing."""
    kpi, points = trend.kpi, begun(trend.points)
    largest = max([point.value or 0.0 for point in points] + [kpi.target or 0.0])
    factor, unit = scale(kpi, largest)
    base = alt.Chart(alt.InlineData(values=_rows(points, factor, trend.clock))).encode(
        x=alt.X("start:T", title=None, axis=alt.Axis(format="%d %b", tickCount=5)),
        y=alt.Y(
            "value:Q",
            title=unit or None,
            axis=alt.Axis(format=axis_format(kpi), tickCount=4),
            scale=alt.Scale(zero=kpi.unit != "ratio" or kpi.direction == "lower"),
        ),
    )
    layers: list[alt.Chart] = [
        base.mark_line(color=LINE, strokeWidth=3),
        base.mark_point(color=LINE, size=70, strokeWidth=2.5, opacity=1).encode(
            fill=alt.Fill("fill:N", scale=None)
        ),
        *([] if kpi.target is None else [_target(kpi.target / factor)]),
    ]
    return _dressed(alt.LayerChart(layer=layers, width=WIDTH, height=HEIGHT))


def _rows(points: Sequence[KpiSeriesPoint], factor: float, clock: str) -> list[dict[str, object]]:
    return [
        {
            "start": point.start.astimezone(ZoneInfo(clock)).replace(tzinfo=None).isoformat(),
            "value": None if point.value is None else point.value / factor,
            "fill": "white" if point.state in _UNSURE else LINE,
        }
        for point in points
    ]


def _target(height: float) -> alt.Chart:
    rule: alt.Chart = (
        alt.Chart(alt.InlineData(values=[{"target": height}]))
        .mark_rule(color=TARGET, strokeDash=[6, 4], strokeWidth=2)
        .encode(y="target:Q")
    )
    return rule


def _dressed(chart: alt.LayerChart) -> alt.LayerChart:
    dressed: alt.LayerChart = (
        chart.configure(background="white", padding=12, font=FONT)
        .configure_axis(
            labelFontSize=SIZE,
            titleFontSize=SIZE,
            labelColor=INK,
            titleColor=INK,
            titleFontWeight="normal",
            gridColor=GRID,
            domainColor=GRID,
            tickColor=GRID,
        )
        .configure_axisX(grid=False)
        .configure_view(stroke=None)
    )
    return dressed
