"""A KPI on two sides, for people at a terminal; readable in 80 columns."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from threadline.wire import ComparedSide, KpiComparison, phrases

TONES = {"better": "green", "worse": "red"}


def comparison_in_words(found: KpiComparison, *, parts: bool) -> RenderableType:
    """The verdict, then both sides below each other; `parts`: they are parts of a dimension."""
    names = phrases.sides(found, parts=parts)
    head = Text(f"{found.title}: ", "bold")
    head.append(phrases.verdict(found).lower(), TONES.get(found.verdict, "yellow"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("Side", "Value", "95 % confidence", "n", "Measured"):
        table.add_column(column, overflow="fold", justify="right" if column == "n" else "left")
    seen: dict[str, None] = {}
    for side, name in zip((found.before, found.after), names, strict=True):
        table.add_row(name, *_figures(found, side))
        seen[phrases.span(side) if parts else f"{name}: {phrases.span(side)}"] = None
        if side.why:
            seen[f"{name}: {side.why}"] = None
    return Group(
        head, Text(phrases.difference(found, names)), table, *(Text(one, "dim") for one in seen)
    )


def _figures(found: KpiComparison, side: ComparedSide) -> tuple[str, ...]:
    sampled = found.verdict != "not_a_sample"
    return (
        phrases.kpi_quantity(found, side.value),
        phrases.certain(found, side) if sampled else phrases.NOTHING,
        f"{side.n:,}",
        phrases.quantity(side.coverage, "ratio"),
    )
