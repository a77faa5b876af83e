"""The answer to the executive's question, in a sentence or two, from the KPIs alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from threadline.wire import phrases
from threadline.wire.kpis import Kpi

GROUPS = ("money", "time", "quality", "integration")


def verdict(kpis: Sequence[Kpi]) -> tuple[str, str]:
    """A tone (good, warning, bad, quiet) and the sentence; the gravest are named first."""
    kpis = sorted(kpis, key=gravity)
    off = [kpi for kpi in kpis if kpi.state == "breached"]
    near = [kpi for kpi in kpis if kpi.state == "warning"]
    good = [kpi for kpi in kpis if kpi.state == "ok"]
    unsaid = [kpi for kpi in kpis if kpi.state in ("unknown", "too_few")]
    if off:
        return "bad", f"Off target: {_listed(off)}.{_rest(good, near, unsaid)}"
    if near:
        return "warning", f"Near the limit: {_listed(near)}.{_rest(good, [], unsaid)}"
    if good and unsaid:
        return "good", f"On target as far as can be judged: {_listed(good)}.{_rest([], [], unsaid)}"
    if good:
        return "good", f"Everything is on target: {_listed(good)}."
    return "quiet", "There is too little evidence yet to say how contracts are doing."


def gravity(kpi: Kpi) -> tuple[int, float]:
    """Sorts the gravest first: money before time before quality before integrations; then by how
    many times its target allows it misses."""
    allowed, taken = kpi.target, kpi.value
    if allowed is None or taken is None:
        return GROUPS.index(kpi.group), 0.0
    if kpi.direction == "higher":  # shares: what is missing from the whole
        allowed, taken = 1 - allowed, 1 - taken
    return GROUPS.index(kpi.group), -(taken / allowed if allowed > 0 else inf)


def _listed(kpis: Sequence[Kpi]) -> str:
    said = [f"{kpi.title} {phrases.kpi_value(kpi)} ({phrases.target(kpi)})" for kpi in kpis[:3]]
    if len(kpis) > len(said):
        said.append(f"{len(kpis) - len(said)} more")
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def _rest(good: Sequence[Kpi], near: Sequence[Kpi], unsaid: Sequence[Kpi]) -> str:
    counts = {"near the limit": near, "on target": good, "cannot be judged yet": unsaid}
    said = [f"{len(kpis)} {words}" for words, kpis in counts.items() if kpis]
    return f" Of the others, {', '.join(said)}." if said else ""
