"""Behind a number: what a KPI says, how it went, and exactly the cases or facts behind it."""

from __future__ import annotations

import streamlit as st

from dashboards import links
from dashboards.case_table import case_table
from dashboards.client import api
from dashboards.contribution import contribution
from dashboards.fact_table import fact_table, system_table
from dashboards.frame import guarded, looked_from, show
from dashboards.markup import chip, link, plain, table, tag
from dashboards.trend import HOLLOW, trend
from dashboards.window import Window, chosen
from threadline.wire import Kpi, Money, phrases
from threadline.wire.series import points_of

SHOWN = 50
MEDIAN = 0.5
WHOLE = ("sla-burn", "days-to-cash", "source-freshness")  # their change is not divided
ALWAYS = (
    "journey",
    "system",
    "step",
    "alternative",
    "version",
    "criticality",
    "hop",
    "source",  # of facts
)
# What these are looked at by, unless the address says otherwise.
USUAL = {
    **dict.fromkeys(("processing-latency", "recovery-time", "backlog", "manual-touch"), "hop"),
    **dict.fromkeys(("failed-mapping", "duplicate-events", "source-freshness"), "system"),
    "orphan-share": "source",
}


@guarded
def page() -> None:
    """The KPI, currency and part named in the address, in the window named there."""
    health = looked_from()
    name, currency = (st.query_params.get(key, "") for key in ("kpi", "currency"))
    window = chosen(health.as_of)
    by = _cut(st.query_params.get("by", ""), name)
    answer = api().kpis({**window.query, "by": by})
    found = [kpi for kpi in answer.items if kpi.kpi == name and currency in ("", kpi.unit)]
    if not found:
        st.warning("There is no such KPI in this window. Open one from the Executive page.")
        return
    _value(found[0], window)
    show(tag("p", phrases.compared(answer), class_="tl-quiet-text"))
    _fixed(found[0], window)
    _percentiles(found[0])
    _stated(found[0], answer.rates_from)
    series = api().series(name, {**window.query, "every": window.every})
    points = points_of(found[0], series)
    if any(point.value is not None for point in points):
        st.altair_chart(trend(found[0], points), width="stretch")
        st.caption(HOLLOW)
    _choose_cut(by)
    _parts(found[0], window)
    if by in _cuts(found[0]) and name not in WHOLE:
        moved = api().contribution(name, {**window.query, "by": by})
        contribution(found[0], moved)
    behind = {"facts": _facts, "systems": _systems}.get(found[0].of, _cases)
    behind(found[0], window, by)


def _cut(asked: str, kpi: str) -> str:
    """The dimension to cut by: the one asked for, else the first that journeys declare."""
    known = dimensions()
    return asked if asked in known else USUAL.get(kpi, known[0])


def dimensions() -> list[str]:
    """What values may be cut by: what journeys declare, then what every case has."""
    declared = [name for journey in api().journeys() for name in journey.dimensions]
    return list(dict.fromkeys([*declared, *ALWAYS]))


def _choose_cut(by: str) -> None:
    known = dimensions()
    st.selectbox(
        "Cut by",
        known,
        index=known.index(by),
        format_func=lambda name: name.replace("_", " "),
        key="cut_chosen",
        on_change=_cut_anew,
        width=220,
    )


def _cut_anew() -> None:
    st.query_params["by"] = st.session_state["cut_chosen"]
    for part in ("label", "cursor"):  # of the cut before
        st.query_params.pop(part, None)


def _value(kpi: Kpi, window: Window) -> None:
    st.title(kpi.title)
    show(tag("div", phrases.kpi_value(kpi), class_="tl-value"))
    show(tag("div", chip(phrases.KPI[kpi.state], kpi.state), class_="tl-chips"))
    target = f"Target: {phrases.target(kpi)}. " if kpi.target is not None else ""
    counted = (
        f"{kpi.n:,} {kpi.of} over {window.words}; {phrases.trend(kpi)}{phrases.year_ago(kpi)}."
    )
    measured = _certainty(kpi)
    show(tag("p", f"{target}{counted} {measured}", class_="tl-quiet-text"))
    if kpi.description:
        st.write(kpi.description)
    if kpi.why:
        st.info(kpi.why)


def _fixed(kpi: Kpi, window: Window) -> None:
    address = links.comparison(kpi.kpi, **window.address, currency=kpi.currency)
    show(tag("p", link(address, "Did a fix work? Compare before and after it, or two parts")))


def _certainty(kpi: Kpi) -> str:
    said = []
    if kpi.interval:
        low, high = (phrases.kpi_quantity(kpi, end) for end in kpi.interval)
        said.append(f"With 95 % confidence between {low} and {high}.")
    if kpi.coverage is not None:
        said.append(f"{phrases.quantity(kpi.coverage, 'ratio')} of what counts could be measured.")
    said += [f"{phrases.sentence(words)}." for words in phrases.beside(kpi)]
    return " ".join(said)


def _percentiles(kpi: Kpi) -> None:
    if not kpi.percentiles:
        return
    rows = [
        [
            f"p{one.share * 100:.0f}" + (" (median)" if one.share == MEDIAN else ""),
            phrases.kpi_quantity(kpi, one.value),
            phrases.between(kpi, one.low, one.high),
        ]
        for one in kpi.percentiles
    ]
    show(table(["Percentile", "Value", "With 95 % confidence"], rows))


def _stated(kpi: Kpi, source: str) -> None:
    """What a sum of money was stated in, and the rates that converted it."""
    if not phrases.stated(kpi):
        return
    rows = [
        [
            phrases.amount(Money(amount=one.amount, currency=one.currency)),
            phrases.kpi_quantity(kpi, float(one.value)),
            phrases.rates(one) or phrases.NOTHING,
            f"{one.n:,}",
        ]
        for one in kpi.money
    ]
    heads = ["Stated", f"In {kpi.unit}", "Rate", phrases.sentence(kpi.of)]
    show(table(heads, rows, numeric=[3]))
    if source:
        st.caption(f"Rates: {source}")


def _parts(kpi: Kpi, window: Window) -> None:
    if not kpi.by or kpi.by[0].dimension not in _cuts(kpi):
        return
    dimension = kpi.by[0].dimension
    words = dimension.replace("_", " ")
    st.subheader(f"By {words}")
    rows = [
        [
            link(_part(kpi, window, dimension, part.label), phrases.part(part)),
            phrases.kpi_quantity(kpi, part.value),
            chip(phrases.KPI[part.state], part.state),
            f"{part.n:,}",
        ]
        for part in kpi.by
    ]
    show(
        table(
            [phrases.sentence(words), "Value", "State", phrases.sentence(kpi.of)], rows, numeric=[3]
        )
    )


def _part(kpi: Kpi, window: Window, dimension: str, label: str) -> str:
    more = {"currency": kpi.currency, "by": dimension, "label": label}
    return links.kpi(kpi.kpi, **window.address, **more)


def _cases(kpi: Kpi, window: Window, by: str) -> None:
    query = {**_behind(kpi, window, by), "currency": kpi.currency}
    answer = api().cases_behind(kpi.kpi, query)
    if not answer.items:
        st.caption("No case counts in this window.")
        return
    show(case_table(answer.items, window.now, kpi))
    _next(answer.next)


def _facts(kpi: Kpi, window: Window, by: str) -> None:
    answer = api().facts_behind(kpi.kpi, _behind(kpi, window, by))
    if not answer.items:
        st.caption("No fact counts against it in this window.")
        return
    show(fact_table(answer.items))
    _next(answer.next)


def _cuts(kpi: Kpi) -> tuple[str, ...]:
    """What a KPI can be cut by: facts and systems have no dimension of a contract."""
    if kpi.kpi == "orphan-share":
        return ("source",)
    if kpi.of in ("facts", "systems"):
        return ("source", "system")
    return tuple(name for name in dimensions() if name != "source")


def _systems(kpi: Kpi, window: Window, _: str) -> None:
    st.subheader("The systems behind it")
    show(system_table(api().systems_behind(kpi.kpi, window.query).items))


def _behind(kpi: Kpi, window: Window, by: str) -> dict[str, str | int | None]:
    """Whose cases or facts are asked for, said above them."""
    label, part = st.query_params.get("label", ""), "label" in st.query_params
    whose = f": {plain(label or phrases.NOT_GIVEN)}" if part else ""
    st.subheader(f"The {kpi.of} behind it{whose}")
    cursor = st.query_params.get("cursor", "")
    cut = by if part else ""
    return {**window.query, "by": cut, "label": label, "limit": SHOWN, "cursor": cursor}


def _next(cursor: str | None) -> None:
    if cursor and st.button(f"Next {SHOWN}"):
        st.query_params["cursor"] = cursor
        st.rerun()
