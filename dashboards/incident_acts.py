"""What people do about an incident; how an act went is said beside its button."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import streamlit as st

from dashboards.client import Refused, Unreachable, api
from dashboards.frame import show
from dashboards.markup import join, tag
from threadline.wire import Incident, phrases

DURATIONS = {
    "30 minutes": timedelta(minutes=30),
    "1 hour": timedelta(hours=1),
    "4 hours": timedelta(hours=4),
    "12 hours": timedelta(hours=12),
    "1 day": timedelta(days=1),
    "3 days": timedelta(days=3),
}
EXAMPLES = 3
_NARROW = {"hop": ("about", "system"), "source": ("about", "system")}


def may_handle() -> bool:
    """Whether who looks may act; else no button is shown."""
    return bool(st.session_state.get("may_handle", True))


def name_asked() -> str:
    """In whose name things are done here."""
    typed = str(st.session_state.get("actor", "")).strip()
    return str(st.session_state.get("me", "")) or typed or "on-call dashboard"


def ask_name() -> None:
    """Where nobody signs in, whoever acts says who it is."""
    if not st.session_state.get("me"):
        st.text_input("Your name", key="actor", placeholder="said to others", width=300)


def acknowledge(incident: Incident) -> None:
    """The one button of the list."""
    st.button(
        "Acknowledge",
        key=f"acknowledge-{incident.id}",
        type="primary",
        on_click=_act,
        args=(incident.id, "acknowledge", "Acknowledged: nobody else is told."),
    )
    answered(incident.id)


def acts(incident: Incident, now: datetime) -> None:
    """Every act that its state allows."""
    live = incident.state in ("open", "acknowledged")
    ask_name()
    with st.container(horizontal=True, key="acts"):
        if incident.state == "open":
            _button(incident, "Acknowledge", "acknowledge", "Acknowledged: nobody else is told.")
            _button(incident, "Escalate now", "escalate", "The next step is told now.")
        if live:
            _button(incident, "Resolve", "resolve", "Closed, however late the case still is.")
        with st.popover("Assign", key=f"assigning-{incident.id}"):
            _assign(incident)
        with st.popover("Note", key=f"noting-{incident.id}"):
            _note(incident)
    answered(incident.id)
    if live:
        with st.expander("Silence", key="silencing", on_change="rerun") as more:
            if more.open:
                _silence(incident, now)


def answered(place: str) -> None:
    """How the last act at this place went."""
    said = st.session_state.get(f"said-{place}")
    if not said:
        return
    went, words = said
    show(tag("div", words, class_=f"tl-said tl-{'good' if went else 'bad'}", role="status"))


def attempt(place: str, act: Callable[[], object], done: str) -> None:
    """Do it, and keep how it went for `answered`."""
    try:
        act()
    except (Refused, Unreachable) as error:
        st.session_state[f"said-{place}"] = (False, f"Not done: {error}")
    else:
        st.session_state[f"said-{place}"] = (True, done)


def _button(incident: Incident, words: str, act: str, done: str) -> None:
    st.button(
        words,
        key=f"{act}-{incident.id}",
        type="primary" if act == "acknowledge" else "secondary",
        on_click=_act,
        args=(incident.id, act, done),
    )


def _act(incident_id: str, act: str, done: str, more: Mapping[str, str] | None = None) -> None:
    said = {"actor": name_asked()} | dict(more or {})
    attempt(incident_id, lambda: api().act(incident_id, act, said), done)


def _assign(incident: Incident) -> None:
    key = f"assignee-{incident.id}"
    st.text_input("To whom", key=key, placeholder="empty: to nobody")

    def give(to: str) -> None:
        whose = f"It is {to}'s now." if to else "It is nobody's now."
        _act(incident.id, "assign", whose, {"assignee": to})

    with st.container(horizontal=True):
        st.button(
            "Assign",
            key=f"assign-{incident.id}",
            type="primary",
            on_click=lambda: give(str(st.session_state.get(key, "")).strip()),
        )
        st.button("Take it", key=f"take-{incident.id}", on_click=lambda: give(name_asked()))


def _note(incident: Incident) -> None:
    key = f"note-text-{incident.id}"
    with st.form(f"note-{incident.id}", clear_on_submit=True, border=False):
        st.text_area("What others should know", key=key)

        def write() -> None:
            text = str(st.session_state.get(key, ""))
            _act(incident.id, "note", "Noted.", {"text": text})

        st.form_submit_button("Add the note", type="primary", on_click=write)


def _silence(incident: Incident, now: datetime) -> None:
    labels = dict(incident.labels)
    narrow = _NARROW.get(incident.about, ("contract",) if "contract" in labels else ("about",))
    chosen = st.multiselect(
        "Incidents with",
        list(labels),
        default=[name for name in narrow if name in labels],
        format_func=lambda name: f"{name} = {labels[name]}",
        key=f"matchers-{incident.id}",
    )
    length = st.selectbox("For", list(DURATIONS), index=1, key=f"for-{incident.id}", width=220)
    comment = st.text_input("Why", key=f"why-{incident.id}", placeholder="for whoever finds it")
    matchers = [{"label": name, "op": "=", "value": labels[name]} for name in chosen]
    ends_at = now + DURATIONS[length or "1 hour"]
    if not matchers:
        st.info("Choose at least one label: a silence has to say what it mutes.")
        return
    _preview(matchers)
    made = {"matchers": matchers, "ends_at": ends_at.isoformat(), "comment": comment}
    until = f"Silenced until {phrases.instant(ends_at)}."
    st.button(
        "Silence",
        key=f"silence-{incident.id}",
        on_click=lambda: attempt(
            f"silence-{incident.id}", lambda: api().silence(made | {"actor": name_asked()}), until
        ),
    )
    answered(f"silence-{incident.id}")


def _preview(matchers: list[dict[str, str]]) -> None:
    found = api().muted_by(matchers)
    counted = "1 live incident" if found.count == 1 else f"{found.count:,} live incidents"
    named = [tag("li", one.title) for one in found.items[:EXAMPLES]]
    if found.count > EXAMPLES:
        named.append(tag("li", f"… and {found.count - EXAMPLES:,} more"))
    words = tag("p", "It mutes ", tag("strong", counted), " now, and such as come meanwhile:")
    show(join([words, tag("ul", *named, class_="tl-moves")]))
