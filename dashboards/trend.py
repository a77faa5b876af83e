"""A KPI over time as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from threadline.wire import Kpi, KpiSeriesPoint, phrases
from threadline.wire.series import axis_format, begun, scale

LINE = "#1f5f8b"
TARGET = "#b25e09"
HEIGHT = 260
HOLLOW = "Hollow points rest on too few to say; a gap means that nothing was measured."


def trend(kpi: Kpi, points: Sequence[KpiSeriesPoint]) -> alt.LayerChart:
    """Value by window, with the target; where nothing was measured there is a gap, not zero."""
    points = begun(points)
    largest = max([point.value or 0.0 for point in points] + [kpi.target or 0.0])
    factor, unit = scale(kpi, largest)
    rows = [
        {
            "start": point.start.isoformat(),
            "value": None if point.value is None else point.value / factor,
            "said": phrases.kpi_quantity(kpi, point.value),
            "n": point.n,
            "state": phrases.KPI[point.state],
            "fill": "white" if point.state in ("too_few", "unknown") else LINE,
        }
        for point in points
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X(
            "start:T", title=None, axis=alt.Axis(format="%d %b", labelOverlap=True, tickCount=8)
        )
    )
    y = alt.Y("value:Q", title=unit, axis=alt.Axis(format=axis_format(kpi), tickCount=5))
    tooltip = [
        alt.Tooltip("start:T", title="From", format="%d %b %Y"),
        alt.Tooltip("said:N", title=kpi.title),
        alt.Tooltip("n:Q", title="Cases"),
        alt.Tooltip("state:N", title="State"),
    ]
    line = base.mark_line(color=LINE, strokeWidth=2.5).encode(y=y)
    dots = base.mark_point(color=LINE, size=60, strokeWidth=2, opacity=1).encode(
        y=y, fill=alt.Fill("fill:N", scale=None), tooltip=tooltip
    )
    layers: list[alt.Chart] = [line, dots]
    if kpi.target is not None:
        layers += _target(kpi, kpi.target / factor)
    return alt.LayerChart(layer=layers, height=HEIGHT)


def _target(kpi: Kpi, height: float) -> list[alt.Chart]:
    value = {"target": height, "words": f"target {phrases.target(kpi)}"}
    base = alt.Chart(alt.InlineData(values=[value])).encode(y="target:Q")
    return [
        base.mark_rule(color=TARGET, strokeDash=[6, 4], strokeWidth=1.5),
        base.mark_text(color=TARGET, align="left", baseline="bottom", dy=-4, x=4).encode(
            text="words:N"
        ),
    ]
