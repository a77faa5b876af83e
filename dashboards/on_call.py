"""On-call: what needs somebody, how big it is, who already knows, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import streamlit as st

from dashboards import incident_page, links
from dashboards.client import api
from dashboards.frame import freshness, guarded, show, who
from dashboards.incident_acts import acknowledge, ask_name, may_handle, name_asked
from dashboards.incident_card import brief, card
from dashboards.markup import Markup, chip, join, link, tag
from dashboards.on_call_around import delivery, duty, failing, silences
from threadline.wire import Incident, Narrowing, phrases

REFRESH_SECONDS = 10
SHOWN, OVER = 100, 25
WHOLE = 5  # the most urgent are shown with everything; what is below is for looking up
_ANY = ""

Group = tuple[str, str, Callable[[Incident], bool]]


def page() -> None:
    """The list, or the one incident in the address; both refresh themselves."""
    me = who()
    st.session_state["may_handle"] = me is None or "handling" in me.permissions
    st.session_state["me"] = "" if me is None or me.anonymous else me.who
    if incident_id := st.query_params.get("incident", ""):
        incident_page.page(incident_id)
        return
    st.title("On-call")
    chosen = st.segmented_control(
        "Show", list(VIEWS), default=LIVE, label_visibility="collapsed", key="view"
    )
    _view(chosen or LIVE)


@st.fragment(run_every=REFRESH_SECONDS)
def _view(chosen: str) -> None:
    guarded(lambda: VIEWS[chosen](freshness().as_of))()


def _live(now: datetime) -> None:
    live = {"state": "open,acknowledged", "whole": "true"}
    failing(api().receivers())
    head = st.container()
    offered = api().narrowing(live)
    if _any(offered) and may_handle():
        ask_name()
    wanted = _wanted(offered)
    answer = api().incidents({**live, **wanted, "limit": SHOWN, "order": "urgent"})
    with head:
        show(_summary(answer.items, now, more=answer.next is not None, narrowed=bool(wanted)))
    if not answer.items:
        _nothing(wanted)
    for title, key, belongs in _groups(now):
        _group(title, key, [one for one in answer.items if belongs(one)], now)


def _nothing(wanted: Mapping[str, str]) -> None:
    if wanted:
        st.info("None of them fits the filters.")
        return
    quiet = "Nobody has to do anything: no incident is open."
    st.success(quiet, icon=":material/check_circle:")


def _groups(now: datetime) -> Iterable[Group]:
    def silenced(one: Incident) -> bool:
        return one.state == "open" and one.muted_until is not None and one.muted_until > now

    yield "Needs somebody", "open", lambda one: one.state == "open" and not silenced(one)
    yield "Acknowledged", "acknowledged", lambda one: one.state == "acknowledged"
    yield "Silenced", "silenced", silenced


def _group(title: str, key: str, incidents: Sequence[Incident], now: datetime) -> None:
    if not incidents:
        return
    show(tag("h2", f"{title} ({len(incidents)})", class_="tl-group"))
    for place, incident in enumerate(incidents):
        with st.container(border=True, key=f"{key}-{incident.id}"):
            whole = key == "open" and place < WHOLE
            show(card(incident, now) if whole else brief(incident, now))
            if incident.state == "open" and may_handle():
                acknowledge(incident)


def _summary(incidents: Sequence[Incident], now: datetime, *, more: bool, narrowed: bool) -> Markup:
    alone = sum(one.state == "open" for one in incidents)
    words = _counted(len(incidents), narrowed=narrowed)
    if incidents:
        words = f"{words}, {alone} of them not acknowledged"
    rest = f" The {SHOWN} most urgent are shown; filters look at all." if more else ""
    return tag("p", f"{words}. As of {phrases.moment(now)} UTC.{rest}", class_="tl-quiet-text")


def _counted(count: int, *, narrowed: bool) -> str:
    if not count:
        return "No incident fits the filters" if narrowed else "All is quiet"
    if count == 1:
        return "1 incident fits the filters" if narrowed else "1 incident is live"
    return f"{count} incidents " + ("fit the filters" if narrowed else "are live")


def _any(offered: Narrowing) -> bool:
    return any(values for _, values in offered)


def _wanted(offered: Narrowing) -> dict[str, str]:
    """What the list is to be narrowed to."""
    if not _any(offered):
        return {}
    with (
        st.expander("Filter", icon=":material/filter_list:", key="filter"),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        chosen = {name: _choice(name, values) for name, values in offered}
        mine = st.toggle("Mine", key="mine", help="what is assigned to you")
    wanted = chosen | ({"assignee": name_asked()} if mine else {})
    return {name: value for name, value in wanted.items() if value != _ANY}


def _choice(name: str, values: Sequence[str]) -> str:
    options = [_ANY, *values]
    if st.session_state.get(f"only-{name}", _ANY) not in options:
        st.session_state[f"only-{name}"] = _ANY  # the last one of that kind is over
    chosen = st.selectbox(
        name.capitalize(),
        options,
        key=f"only-{name}",
        format_func=lambda value: value or "all",
        width=220,
    )
    return chosen or _ANY


def _over(now: datetime) -> None:
    ended = api().incidents({"state": "resolved", "whole": "true", "limit": OVER}).items
    if not ended:
        show(tag("p", "Nothing has been resolved yet.", class_="tl-quiet-text"))
    for one in sorted(ended, key=lambda one: one.resolved_at or one.opened_at, reverse=True):
        since = phrases.since(one.resolved_at, now)
        said = tag("span", f" over for {since}", class_="tl-quiet-text")
        show(
            tag(
                "p",
                join([chip("over", "good"), " ", link(links.incident(one.id), one.title), said]),
            )
        )


LIVE = "Live"
VIEWS: Mapping[str, Callable[[datetime], None]] = {
    LIVE: _live,
    "Over": _over,
    "Duty": duty,
    "Silences": silences,
    "Delivery": delivery,
}
