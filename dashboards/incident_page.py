"""One incident on a page of its own: everything known of it, and every act."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboards import links
from dashboards.client import api
from dashboards.frame import freshness, guarded, show
from dashboards.incident_acts import acts, may_handle
from dashboards.incident_card import card
from dashboards.incident_history import timeline, told
from dashboards.markup import Markup, chip, join, link, table, tag
from threadline.wire import AffectedCase, Incident, phrases

REFRESH_SECONDS = 10
AFFECTED, PARTS = 25, 50


def page(incident_id: str) -> None:
    """The page of one incident; unknown ids are said to be."""
    show(tag("p", link("on-call", "← All incidents")))
    _incident(incident_id)


@st.fragment(run_every=REFRESH_SECONDS)
def _incident(incident_id: str) -> None:
    guarded(lambda: _whole(incident_id))()


def _whole(incident_id: str) -> None:
    now = freshness().as_of
    incident = api().incident(incident_id)
    show(tag("h1", incident.title, class_="tl-heading"))
    if incident.part_of:
        whole = link(links.incident(incident.part_of), "a larger incident, which speaks for it")
        show(tag("p", join(["It is part of ", whole, "."])))
    show(card(incident, now, whole=True))
    if may_handle():
        acts(incident, now)
    _section("Who was told", "told", told(incident.deliveries))
    if incident.about not in ("case", "step"):
        _more("Affected cases", "cases", lambda: _affected(incident))
    if incident.parts:
        _more(f"What it explains ({incident.parts:,})", "parts", lambda: _parts(incident))
    _section("Timeline", "timeline", timeline(incident.history, now))


def _section(title: str, key: str, content: Markup) -> None:
    with st.container(key=f"section-{key}"):
        show(tag("h2", title, class_="tl-group"))
        show(content)


def _more(title: str, key: str, part: Callable[[], None]) -> None:
    with st.expander(title, key=f"more-{key}", on_change="rerun") as more:
        if more.open:
            part()


def _affected(incident: Incident) -> None:
    key = f"affected-{incident.id}"
    start = int(st.session_state.get(key, 0))
    page = api().affected(incident.id, {"limit": AFFECTED, "cursor": start})
    show(table(["Contract", "Journey", "Since (UTC)", "Left"], map(_case, page.items)))
    counted = f"{start + 1:,} to {start + len(page.items):,}" if page.items else "no more"
    with st.container(horizontal=True, vertical_alignment="center"):
        for words, place, there in (
            ("Those before", max(start - AFFECTED, 0), start > 0),
            ("The next ones", start + AFFECTED, page.next is not None),
        ):
            if there:
                st.button(words, key=f"{key}-{words}", on_click=_turn, args=(key, place))
        show(tag("span", counted, class_="tl-quiet-text"))


def _turn(key: str, place: int) -> None:
    st.session_state[key] = place


def _case(one: AffectedCase) -> list[str]:
    return [
        link(links.contract(one.contract or one.case_id), one.number),
        one.journey,
        phrases.moment(one.joined_at),
        phrases.moment(one.left_at) if one.left_at else "still waits",
    ]


def _parts(incident: Incident) -> None:
    found = api().incidents({"part_of": incident.id, "limit": PARTS})
    rows = [
        tag("li", link(links.incident(one.id), one.title), " ", chip(one.state, "quiet"))
        for one in found.items
    ]
    show(tag("ul", *rows))
    if found.next:
        show(
            tag(
                "p", f"{PARTS} of {incident.parts:,}; the API has them all.", class_="tl-quiet-text"
            )
        )
