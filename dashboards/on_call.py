"""On-call: what breached, how big it is, who already knows, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from dashboards import links
from dashboards.client import Refused, api
from dashboards.frame import freshness, guarded, show, who
from dashboards.markup import Markup, chip, link, plain, table, tag
from dashboards.thread_parts import runbook
from threadline.wire import Delivery, Incident, IncidentEvent, phrases

REFRESH_SECONDS = 10
SHOWN = 50
SEVERITY = {
    "failure": ("hop failing", "bad"),
    "breach": ("deadline broken", "bad"),
    "warning": ("deadline near", "warning"),
}
AFFECTED = 30
TABS = {
    "live": ("open,acknowledged", "Nobody has to do anything: no incident is open."),
    "open": ("open", "Every incident has somebody who looks after it."),
    "resolved": ("resolved", "No incident has been resolved yet."),
}
TITLES = {"live": "Live", "open": "Not acknowledged", "resolved": "Resolved"}


def page() -> None:
    """The whole page; the list refreshes itself."""
    st.title("On-call")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Incidents", list(TABS), format_func=TITLES.__getitem__, default="live"
        )
        me = who()
        st.session_state["may_handle"] = me is None or "handling" in me.permissions
        if me is None or me.anonymous:
            st.text_input(
                "Your name",
                key="actor",
                placeholder="said to others when you acknowledge",
                width=300,
            )
    _incidents(chosen or "live")


@st.fragment(run_every=REFRESH_SECONDS)
def _incidents(chosen: str) -> None:
    guarded(lambda: _list(chosen))()


def _list(chosen: str) -> None:
    now = freshness().as_of
    states, nothing = TABS[chosen]
    found = api().incidents({"state": states, "limit": SHOWN})
    show(tag("p", f"{_summary(found)} As of {phrases.moment(now)} UTC.", class_="tl-quiet-text"))
    if not found:
        st.success(nothing, icon=":material/check_circle:")
    linked = st.query_params.get("incident", "")
    if linked and linked not in {incident.id for incident in found}:
        found = [api().incident(linked), *found]
    for incident in sorted(found, key=lambda one: one.id != linked):
        with st.container(border=True):
            _card(incident, now)


def _summary(incidents: Sequence[Incident]) -> str:
    open_ones = [incident for incident in incidents if incident.state == "open"]
    broken = [incident for incident in incidents if incident.severity == "breach"]
    failing = [incident for incident in incidents if incident.severity == "failure"]
    hops = f"{len(failing)} of a failing hop, " if failing else ""
    return (
        f"{len(incidents)} shown: {hops}{len(broken)} with a broken deadline, {len(open_ones)} not"
        " acknowledged. The most severe and most valuable come first."
    )


def _card(incident: Incident, now: datetime) -> None:
    words, tone = SEVERITY[incident.severity]
    chips = [chip(words, tone)]
    worth = incident.worth or ([incident.value] if incident.value else [])
    if incident.severity == "failure" and incident.state == "resolved":
        # What it was worth is that of those that hung on it last.
        chips, worth = [chip("hop failed", "quiet")], []
    chips += [tag("strong", phrases.amount(money)) for money in worth]
    chips.append(_state(incident, now))
    show(
        tag(
            "div",
            tag("h3", incident.title, class_="tl-title"),
            tag("div", *chips, class_="tl-chips"),
            _facts(incident, now),
            class_="tl-card",
        )
    )
    if incident.state == "open" and st.session_state.get("may_handle", True):
        st.button(
            "Acknowledge",
            key=f"acknowledge-{incident.id}",
            type="primary",
            on_click=_acknowledge,
            args=(incident.id,),
        )
    if incident.severity == "failure":
        with st.expander("The cases", key=f"cases-{incident.id}", on_change="rerun") as more:
            if more.open:
                _affected(incident)
    with st.expander(
        "What happened so far", key=f"history-{incident.id}", on_change="rerun"
    ) as more:
        if more.open:
            _history(incident)


def _facts(incident: Incident, now: datetime) -> Markup:
    where = incident.step_title or incident.step
    waiting = f"{where}, for {phrases.since(incident.since, now)}" if incident.since else where
    failing = incident.severity == "failure"
    pairs = [
        *([] if failing else _what_is_late(incident, now)),
        ("Most wait at" if failing else "Waits at", where if failing else waiting),
        ("First failure", phrases.moment(incident.since) if failing else ""),
        ("Owner", incident.assignee or incident.owner),
        ("What to do", incident.runbook.next),
        ("Replay", incident.runbook.replay),
        ("Undo first", incident.runbook.compensate),
        ("Runbook", runbook(incident.runbook.url)),
        ("Who was told", _told(incident.deliveries)),
    ]
    rows = [cell for name, words in pairs if words for cell in (tag("dt", name), tag("dd", words))]
    return tag("dl", *rows, class_="tl-facts")


def _what_is_late(incident: Incident, now: datetime) -> list[tuple[str, Markup | str]]:
    due = incident.due_at or incident.deadline
    contract = link(links.contract(incident.contract or incident.case_id), incident.number)
    return [
        ("Contract", contract),
        ("Deadline", f"{phrases.deadline(due, now)} ({phrases.instant(due)})"),
    ]


def _affected(incident: Incident) -> None:
    page = api().affected(incident.id, {"limit": AFFECTED})
    rows: list[list[str | Markup]] = [
        [
            link(links.contract(one.contract or one.case_id), one.number),
            one.journey,
            phrases.moment(one.joined_at),
            phrases.moment(one.left_at) if one.left_at else "still waits",
        ]
        for one in page.items
    ]
    show(table(["Contract", "Journey", "Hangs since", "Left"], rows))
    if page.next:
        show(tag("p", f"The first {AFFECTED}; the API has them all.", class_="tl-quiet-text"))


def _state(incident: Incident, now: datetime) -> Markup:
    if incident.state == "acknowledged":
        by = f" by {incident.acknowledged_by}" if incident.acknowledged_by else ""
        ago = phrases.since(incident.acknowledged_at, now)
        return chip(f"acknowledged{by} {ago} ago", "good")
    if incident.state == "resolved":
        return chip(f"resolved {phrases.since(incident.resolved_at, now)} ago", "good")
    return chip(f"open for {phrases.since(incident.opened_at, now)}", "open")


def _told(deliveries: Sequence[Delivery]) -> str:
    together: dict[str, list[str]] = {}
    for delivery in deliveries:
        together.setdefault(_when(delivery), []).append(delivery.receiver)
    said = [f"{' and '.join(receivers)} {when}" for when, receivers in together.items()]
    return "; ".join(said) or "nobody yet"


def _when(delivery: Delivery) -> str:
    if delivery.delivered_at:
        return f"at {phrases.moment(delivery.delivered_at)}"
    if delivery.state == "failed":
        return f"not told ({delivery.failure})"
    return f"on its way, {delivery.attempts} attempts"


def _history(incident: Incident) -> None:
    for event in api().incident(incident.id).history:
        who = f" by {event.who}" if event.who else ""
        words = f"{phrases.moment(event.at)} · {event.what}{who}{_detail(event)}"
        show(tag("div", words, class_="tl-quiet-text"))


def _detail(event: IncidentEvent) -> str:
    """What is worth knowing of an event: of a hop that grows or shrinks, how many hang on it."""
    if event.what == "updated" and "cases" in event.detail:
        return f": {event.detail['cases']} hang on it"
    said = ", ".join(f"{key}: {value}" for key, value in event.detail.items() if value)
    return f" ({said})" if said else ""


def _acknowledge(incident_id: str) -> None:
    try:
        api().act(incident_id, "acknowledge", st.session_state.get("actor") or "on-call dashboard")
    except Refused as error:
        st.toast(f"Not acknowledged: {plain(str(error))}", icon=":material/error:")
