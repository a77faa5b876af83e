"""Closes: what was published of a month, what is known of it since, and why it differs."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from dashboards import close_parts
from dashboards.client import Query, Refused, api
from dashboards.frame import freshness, guarded, show, who
from dashboards.markup import plain, tag
from threadline.wire import Close, Health, Restatement, close_phrases, phrases

SHOWN = 20
MONTHS = 12  # that may be closed from here; older ones by `threadline close`
CLOSING = "closing"  # the permission
BUSY = 503  # the past that it takes is being derived


@guarded
def page() -> None:
    """The month named in the address, or the one closed last; with a KPI, its cases."""
    health = freshness()
    st.title("Monthly closes")
    closes = api().closes()
    if not closes:
        st.info(
            "No month is closed yet. A close freezes every KPI of a month with exactly what it was"
            " computed from; later it is shown beside what is known by then, with the late facts"
            " that make the difference."
        )
    _close_one(closes, health)
    if not closes:
        return
    period = st.query_params.get("period", closes[0].period)
    revision = st.query_params.get("revision", "")
    kpi = st.query_params.get("kpi", "")
    with st.spinner("Reckoning it again from what is known now…"):
        found = api().restatement(period, {"revision": revision, "kpi": kpi})
    if kpi:
        _cases(found, kpi, revision)
        return
    _figures(found)
    st.subheader("All closes")
    show(close_parts.listed(closes))


def _figures(found: Restatement) -> None:
    show(tag("p", f"{close_phrases.taken(found.close)}.", class_="tl-verdict"))
    if found.close.note:
        show(tag("p", f"“{found.close.note}”"))
    restated = {item.kpi for item in found.items if item.differs}
    known = f"Beside it what is known on {phrases.instant(found.as_of)} of the same instant."
    count = "1 KPI is" if len(restated) == 1 else f"{len(restated)} KPIs are"
    words = f"{count} restated." if restated else "Nothing is restated."
    show(tag("p", f"{known} {words}", class_="tl-quiet-text"))
    show(close_parts.figures(found))
    for words in close_parts.since(found):
        show(tag("p", words, class_="tl-quiet-text"))
    show(tag("p", f"SHA-256 {found.close.digest}", class_="tl-quiet-text"))


def _cases(found: Restatement, kpi: str, revision: str) -> None:
    items = found.items
    show(close_parts.back(found.close))
    st.subheader(items[0].title)
    show(tag("p", f"{close_phrases.taken(found.close)}.", class_="tl-quiet-text"))
    show(close_parts.figures(found))
    if items[0].entered is None:
        st.caption("It cannot be told case by case; its figures are compared only.")
        return
    cursor = st.query_params.get("cursor", "")
    asked: Query = {"revision": revision, "limit": SHOWN, "cursor": cursor}
    answer = api().restated_cases(found.close.period, kpi, asked)
    if not answer.items:
        st.success("Everything counts as it did.", icon=":material/check_circle:")
        return
    st.subheader("What counts otherwise, and why")
    for case in answer.items:
        show(close_parts.case(case, found.close, kpi))
    if answer.next and st.button(f"Next {SHOWN}"):
        st.query_params["cursor"] = answer.next
        st.rerun()
    _fact(st.query_params.get("fact", ""))


def _fact(fact_id: str) -> None:
    """The fact named in the address, down to the input it came in."""
    if not fact_id:
        return
    st.subheader("The fact as received")
    try:
        found = api().fact(fact_id)
    except Refused as error:
        st.warning(plain(error.problem.detail), icon=":material/lock:")
        return
    show(close_parts.fact(found))
    if found.raw is None:
        st.caption(plain(found.raw_missing))
    else:
        st.code(found.raw.text or found.raw.base64 or "", language=None, wrap_lines=True)


def _close_one(closes: list[Close], health: Health) -> None:
    me = who()
    if me is None or CLOSING not in me.permissions:
        return
    with st.expander("Close a month", expanded=not closes), st.form("close", border=False):
        known = {one.period for one in closes}
        months = _months(health.as_of)
        period = st.selectbox(
            "Month",
            months,
            format_func=lambda one: f"{one} (closed; adds a revision)" if one in known else one,
            width=300,
        )
        note = st.text_input("Note", placeholder="for whoever reads it later")
        name = st.text_input("Your name", key="close_actor") if me.anonymous else me.who
        st.caption("From what is known now. For a past instant: `threadline close 2026-09 --at …`")
        if st.form_submit_button("Close it", type="primary"):
            _close(period, note, name, again=period in known, now=health.as_of)


def _close(period: str, note: str, name: str, *, again: bool, now: datetime) -> None:
    if not name.strip():
        st.warning("Say who closes it.")
        return
    at = st.session_state.setdefault(f"close_at_{period}", now.isoformat())
    said = {"period": period, "note": note, "actor": name, "again": again, "at": at}
    try:
        api().close(said)
    except Refused as error:
        if error.problem.status != BUSY:
            raise
        st.info(f"{plain(error.problem.detail)} Press the button again in a while.")
        return
    st.session_state.pop(f"close_at_{period}")
    st.query_params.clear()
    st.query_params["period"] = period
    st.rerun()


def _months(now: datetime) -> list[str]:
    """The months that have ended, the last first; the service knows the firm's zone."""
    found, day = [], now
    for _ in range(MONTHS):
        day = day.replace(day=1) - timedelta(days=1)
        found.append(f"{day:%Y-%m}")
    return found
