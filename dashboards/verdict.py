"""The answer to the executive's question, in a sentence or two, from the KPIs alone."""

from __future__ import annotations

from collections.abc import Sequence

from threadline.wire import Kpi, phrases


def verdict(kpis: Sequence[Kpi]) -> tuple[str, str]:
    """A tone (good, warning, bad, unknown) and the sentence."""
    off = [kpi for kpi in kpis if kpi.state == "breached"]
    near = [kpi for kpi in kpis if kpi.state == "warning"]
    good = [kpi for kpi in kpis if kpi.state == "ok"]
    unsaid = [kpi for kpi in kpis if kpi.state in ("unknown", "too_few")]
    if off:
        return "bad", f"{_listed(off)} {_are(off)} off target.{_rest(good, near, unsaid)}"
    if near:
        return "warning", f"{_listed(near)} {_are(near)} near the limit.{_rest(good, [], unsaid)}"
    if good:
        return "good", f"Everything that can be judged is on target.{_rest([], [], unsaid)}"
    return "unknown", "There is too little evidence yet to say how contracts are doing."


def _listed(kpis: Sequence[Kpi]) -> str:
    said = [f"{kpi.title} ({phrases.kpi_value(kpi)}, {phrases.target(kpi)})" for kpi in kpis[:3]]
    if len(kpis) > len(said):
        said.append(f"{len(kpis) - len(said)} more")
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def _are(kpis: Sequence[Kpi]) -> str:
    return "is" if len(kpis) == 1 else "are"


def _rest(good: Sequence[Kpi], near: Sequence[Kpi], unsaid: Sequence[Kpi]) -> str:
    said = []
    if near:
        said.append(f"{len(near)} near the limit")
    if good:
        said.append(f"{len(good)} on target")
    if unsaid:
        said.append(f"{len(unsaid)} cannot be judged yet")
    return f" {', '.join(said).capitalize()}." if said else ""
