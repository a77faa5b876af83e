"""What is compared with what: the KPI, and an instant or two parts, kept in the address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import streamlit as st

from dashboards import past
from dashboards.client import Query, api
from dashboards.kpi import dimensions
from dashboards.window import chosen
from threadline.wire import Kpi, KpiPage, phrases

INSTANT, PARTS = "Before and after an instant", "Two parts"
RECENT = timedelta(days=7)
OF_THE_PARTS = ("by", "before", "after")
CURSORS = ("cursor_before", "cursor_after")


@dataclass(frozen=True, kw_only=True)
class Sides:
    """One KPI and both sides of it; `by` is '' where an instant parts them."""

    kpi: Kpi
    by: str
    query: Query


def choose(now: datetime) -> Sides | None:
    """Let the reader say what to compare; None where there is nothing to choose from."""
    window, by = chosen(now), st.query_params.get("by", "")
    answer = api().kpis({**window.query, "by": by})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kpi = _kpi(answer)
        if kpi is None:
            return None
        st.segmented_control(
            "Compare",
            (INSTANT, PARTS),
            default=PARTS if by else INSTANT,
            required=True,
            key="way_chosen",
            on_change=_go_the_other_way,
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        told = _parts(kpi, by, answer) if by else _instant(now)
    if told is None:
        return None
    whole = {"journey": window.journey, "currency": kpi.currency} | told
    return Sides(kpi=kpi, by=by, query=whole)


def _kpi(answer: KpiPage) -> Kpi | None:
    known = {(kpi.kpi, kpi.currency): kpi for kpi in answer.items}
    if not known:
        return None
    wanted = (st.query_params.get("kpi", ""), st.query_params.get("currency", ""))
    names = list(known)
    place = next((at for at, name in enumerate(names) if name == wanted), None)
    if place is None:
        place = next((at for at, name in enumerate(names) if name[0] == wanted[0]), 0)
    st.selectbox(
        "KPI",
        names,
        index=place,
        format_func=lambda name: " ".join((known[name].title, name[1])).strip(),
        key="kpi_chosen",
        on_change=_take_kpi,
        width=320,
    )
    return known[names[place]]


def _take_kpi() -> None:
    name, currency = st.session_state["kpi_chosen"]
    _keep(kpi=name, currency=currency)


def _go_the_other_way() -> None:
    for name in OF_THE_PARTS:
        st.query_params.pop(name, None)
    other = st.session_state["way_chosen"] == PARTS
    _keep(by=dimensions()[0] if other else "")


def _instant(now: datetime) -> dict[str, str]:
    at = _at(now)
    st.date_input("Changed on (UTC)", at.date(), max_value=now.date(), key="day_chosen",
                  on_change=_take_instant, width=180)  # fmt: skip
    st.time_input("at", at.time(), key="time_chosen", on_change=_take_instant, width=120)
    return {"at": at.isoformat(), "to": now.isoformat()} | past.address()


def _at(now: datetime) -> datetime:
    """The instant in the address, else midnight a week ago."""
    try:
        at = datetime.fromisoformat(st.query_params.get("at", ""))
    except ValueError:
        return datetime.combine((now - RECENT).date(), time(), UTC)
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def _take_instant() -> None:
    day, hour = st.session_state["day_chosen"], st.session_state["time_chosen"]
    if day is not None and hour is not None:
        _keep(at=datetime.combine(day, hour, UTC).isoformat())


def _parts(kpi: Kpi, by: str, answer: KpiPage) -> dict[str, str] | None:
    known = dimensions()
    st.selectbox("Dimension", known, index=known.index(by) if by in known else 0,
                 format_func=lambda name: name.replace("_", " "), key="by_chosen",
                 on_change=_take_dimension, width=180)  # fmt: skip
    largest = sorted(kpi.by, key=lambda part: -part.n)
    labels = [part.label for part in largest]
    names = {part.label: phrases.part(part) for part in largest}
    if len(labels) < 2:
        st.info(f"“{kpi.title}” has fewer than two parts by {by.replace('_', ' ')} in this window.")
        return None
    told = {"by": by, "from": answer.start.isoformat(), "to": answer.end.isoformat()}
    told |= past.address()
    for place, (name, words) in enumerate((("before", "One side"), ("after", "The other"))):
        wanted = st.query_params.get(name, labels[place])
        label = wanted if wanted in labels else labels[place]
        st.selectbox(words, labels, index=labels.index(label), key=f"{name}_chosen",
                     format_func=names.__getitem__,
                     on_change=_take_part, args=(name,), width=220)  # fmt: skip
        told[name] = label
    return told


def _take_dimension() -> None:
    for name in OF_THE_PARTS:
        st.query_params.pop(name, None)
    _keep(by=st.session_state["by_chosen"])


def _take_part(name: str) -> None:
    label = st.session_state[f"{name}_chosen"]
    _keep()
    st.query_params[name] = label  # '' is a part, too


def _keep(**told: str) -> None:
    """In the address; the pages of cases begin anew."""
    for cursor in CURSORS:
        st.query_params.pop(cursor, None)
    for name, value in told.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
