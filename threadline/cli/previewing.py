"""A preview in words and tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from threadline.wire import Preview, PreviewCase, PreviewKpi, PreviewStanding, phrases

SHOWN = 20  # cases; --json has more
CLAIMED = {
    "new": "judges cases that start from now on, and none that have started",
    "open": "claims the cases that are open",
    "all": "claims all cases, those that are over too",
}


def preview(found: Preview) -> RenderableType:
    """What would change, what it would do to cases, and the KPIs now and then."""
    if not found.journeys:
        return Text("No journey or calendar differs from those in force: no case would change.")
    parts: list[RenderableType] = [*_changes(found), _counts(found)]
    if found.unread:
        names = ", ".join(found.unread)
        parts.append(Text(f"Not read so far, so taken as not said: {names}", "yellow"))
    if found.examples:
        parts += [Text("\nCases that would stand otherwise", "bold"), _cases(found.examples)]
        if found.moved > SHOWN:
            parts.append(Text(f"… {found.moved - min(SHOWN, len(found.examples)):,} more", "dim"))
    moved = [kpi for kpi in found.kpis if (kpi.now, kpi.n_now) != (kpi.then, kpi.n_then)]
    if moved:
        parts += [
            Text("\nKPIs of the last 30 days that would read otherwise", "bold"),
            _kpis(moved),
        ]
    else:
        parts.append(Text("\nNo KPI of the last 30 days would read otherwise."))
    return Group(*parts)


def _changes(found: Preview) -> list[Text]:
    return [
        Text(f"{name}: ", "bold").append(CLAIMED.get(found.claims.get(name, ""), "is withdrawn"))
        for name in found.journeys
    ]


def _counts(found: Preview) -> Text:
    read = f"{found.contracts:,} contracts"
    if found.contracts < found.contracts_known:
        read = f"the latest {read} of {found.contracts_known:,}"
    return Text(
        f"Of {read}: {found.cases:,} cases judged by another version, {found.moved:,} would stand"
        f" otherwise; breaches won {found.won:,}, lost {found.lost:,}."
    )


def _cases(examples: Sequence[PreviewCase]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head in ("Journey", "Case", "Now", "Then"):
        table.add_column(head, overflow="fold")
    for case in examples[:SHOWN]:
        table.add_row(case.journey, case.number, _standing(case.now), _standing(case.then))
    return table


def _standing(one: PreviewStanding | None) -> str:
    if one is None:
        return "no case"
    words = f"{one.state}, {phrases.SLA[one.sla].lower()}"
    due = f", due {one.due_at:%d %b %H:%M}" if one.due_at else ""
    return words + due + (f", at {one.current_step}" if one.current_step else "")


def _kpis(kpis: Sequence[PreviewKpi]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head in ("KPI", "Now", "Then", "n now", "n then"):
        table.add_column(head, justify="left" if head == "KPI" else "right")
    for kpi in kpis:
        values = (phrases.quantity(each, kpi.unit) for each in (kpi.now, kpi.then))
        table.add_row(kpi.title, *values, f"{kpi.n_now:,}", f"{kpi.n_then:,}")
    return table
