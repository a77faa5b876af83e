"""A KPI over time: which points are its own, and the axis they stand on."""

from __future__ import annotations

from collections.abc import Sequence

from threadline.wire.kpis import Kpi, KpiSeriesPoint


def points_of(kpi: Kpi, points: Sequence[KpiSeriesPoint]) -> list[KpiSeriesPoint]:
    """Those in the unit of `kpi`, because currencies are never mixed."""
    return [point for point in points if point.unit == kpi.unit]


def begun(points: Sequence[KpiSeriesPoint]) -> Sequence[KpiSeriesPoint]:
    """Without the points before the first that anything was measured of."""
    first = next((place for place, point in enumerate(points) if point.n), 0)
    return points[first:]


def scale(kpi: Kpi, largest: float) -> tuple[float, str]:
    """What the axis' values are divided by, and their unit, where the largest is so large."""
    if kpi.unit != "seconds":
        return 1.0, kpi.unit if kpi.unit not in ("ratio", "cases") else ""
    scales: tuple[tuple[float, str], ...] = ((3_600.0, "hours"), (60.0, "minutes"))
    if not kpi.business:
        scales = ((86_400.0, "days"), *scales)
    for size, unit in scales:
        if largest >= 2 * size:
            return size, unit
    return 1.0, "seconds"


def axis_format(kpi: Kpi) -> str:
    """How the axis says its values, in the way of d3."""
    return {"ratio": ".0%", "seconds": "~g", "cases": "~d"}.get(kpi.unit, "~s")
