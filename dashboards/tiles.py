"""One KPI as a tile: the value, how it stands to its target, where it is going, how sure it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from dashboards import links
from dashboards.frame import show
from dashboards.markup import Markup, chip, link, tag
from dashboards.window import Window
from threadline.wire import Kpi, phrases

COLUMNS = 3
FOLDED = "integration"
GROUPS = {
    "money": "Money",
    "time": "Time and promises",
    "quality": "Quality",
    FOLDED: "Integrations",
}


def tiles(kpis: Sequence[Kpi], window: Window) -> None:
    """All KPIs by what they are about; what only integrations are judged by is folded away."""
    for name, title in GROUPS.items():
        group = [kpi for kpi in kpis if kpi.group == name]
        if group and name == FOLDED:
            with st.expander(f"{title}: {_standing(group)}"):
                _rows(group, window)
        elif group:
            st.subheader(title)
            _rows(group, window)


def _standing(kpis: Sequence[Kpi]) -> str:
    """How many of a group stand how, in words."""
    counted = Counter[str](kpi.state for kpi in kpis)
    return ", ".join(
        f"{counted[state]} {phrases.KPI[state]}" for state in phrases.KPI if counted[state]
    )


def _rows(kpis: Sequence[Kpi], window: Window) -> None:
    """Three in a row, one below the other on a phone."""
    for start in range(0, len(kpis), COLUMNS):
        for column, kpi in zip(st.columns(COLUMNS), kpis[start : start + COLUMNS], strict=False):
            with column, st.container(border=True, height="stretch"):
                show(tile(kpi, window))


def tile(kpi: Kpi, window: Window) -> Markup:
    """The tile's content."""
    return tag(
        "div",
        tag("h3", kpi.title, title=kpi.description),
        tag("div", phrases.kpi_value(kpi), class_="tl-value"),
        tag("div", chip(phrases.KPI[kpi.state], kpi.state), class_="tl-chips"),
        *(tag("div", line, class_="tl-quiet-text") for line in _lines(kpi)),
        _open(kpi, window),
        class_="tl-tile",
    )


def _lines(kpi: Kpi) -> list[str]:
    lines = [f"Target: {phrases.target(kpi)}" if kpi.target is not None else "No target"]
    lines += [phrases.sentence(words) for words in (phrases.stated(kpi), kpi.why) if words]
    if kpi.value is not None:
        lines.append(phrases.sentence(phrases.trend(kpi) + phrases.year_ago(kpi)))
    lines += [phrases.sentence(words) for words in phrases.beside(kpi)[:1] if kpi.value]
    if kpi.coverage is not None and kpi.coverage < 1:
        lines.append(f"{phrases.quantity(kpi.coverage, 'ratio')} could be measured")
    return lines


def _open(kpi: Kpi, window: Window) -> Markup:
    number, more = kpi.n, {"currency": kpi.currency}
    if kpi.of == "facts":
        number, more = round((kpi.value or 0) * kpi.n), {}
    if not number:
        return tag("span", f"no {kpi.of} behind it", class_="tl-quiet-text")
    noun = kpi.of.removesuffix("s") if number == 1 else f"{number:,} {kpi.of}"
    return link(links.kpi(kpi.kpi, **window.address, **more), f"See the {noun} behind it")
