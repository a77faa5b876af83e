"""Around the incidents: who is on duty, what is silenced, and whether receivers are reached."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from dashboards.client import api
from dashboards.frame import show
from dashboards.incident_acts import answered, attempt, may_handle, name_asked
from dashboards.markup import Markup, chip, join, table, tag
from threadline.wire import Receiver, Rota, Silence, phrases

_SILENCES = 50


def failing(receivers: Sequence[Receiver]) -> Markup:
    """Said above all else: whoever waits for a message that does not come must look here."""
    lines = [
        f"{one.name}: {one.failure}{f', {one.waiting:,} waiting' if one.waiting else ''}"
        for one in receivers
        if one.failure
    ]
    if not lines:
        return Markup("")
    heading = tag("h3", "Not everybody is reached")
    return tag(
        "div", heading, *(tag("p", line) for line in lines), class_="tl-box tl-bad", role="alert"
    )


def around(receivers: Sequence[Receiver], now: datetime) -> None:
    """Folded, below the list; each part is asked for when it is opened."""
    with st.expander("Who is on duty", key="duty", on_change="rerun") as more:
        if more.open:
            show(_duty(api().rotas()))
    silences = api().silences({"state": "active,pending", "limit": _SILENCES})
    title = f"Silences and maintenance ({len(silences)})"
    with st.expander(title, key="silences", on_change="rerun") as more:
        if more.open:
            _silences(silences, now)
    with st.expander("Delivery", key="delivery", on_change="rerun") as more:
        if more.open:
            show(_delivery(receivers, now))


def _duty(rotas: Sequence[Rota]) -> Markup:
    if not rotas:
        return tag("p", "No rota is defined: docs/on-call.md says how.", class_="tl-quiet-text")
    rows = []
    for rota in rotas:
        shift, *following = rota.shifts
        until = f"until {phrases.instant(shift.until)}" if shift.until else "for good"
        on = ", ".join(shift.members) or chip("nobody", "bad")
        after = ", ".join(following[0].members) or "nobody" if following else ""
        rows.append([rota.title or rota.name, on, until, after])
    return table(["Rota", "On duty", "Until", "Then"], rows)


def _silences(silences: Sequence[Silence], now: datetime) -> None:
    if not silences:
        show(tag("p", "Nothing is silenced, now or soon.", class_="tl-quiet-text"))
    for one in silences:
        with st.container(border=True, key=f"silence-{one.id}"):
            show(_silence(one, now))
            if one.source == "silence" and may_handle():
                st.button("End it now", key=f"end-{one.id}", on_click=_end, args=(one.id,))
            answered(f"silence-{one.id}")


def _silence(one: Silence, now: datetime) -> Markup:
    matched = " and ".join(f"{each.label} {each.op} {each.value}" for each in one.matchers)
    state = chip("on", "warning") if one.state == "active" else chip("comes", "quiet")
    kind = "Maintenance" if one.source == "maintenance" else f"Silence by {one.who}"
    left = (
        f"ends in {phrases.duration((one.until - now).total_seconds())}"
        if one.state == "active"
        else f"begins {phrases.instant(one.starts_at)}"
    )
    return tag(
        "div",
        tag("div", state, " ", tag("strong", matched), class_="tl-chips"),
        tag("p", f"{kind}: {one.comment} ({left}, {phrases.instant(one.until)})"),
        class_="tl-card",
    )


def _end(silence_id: str) -> None:
    place = f"silence-{silence_id}"
    attempt(place, lambda: api().end_silence(silence_id, name_asked()), "It has ended.")


def _delivery(receivers: Sequence[Receiver], now: datetime) -> Markup:
    rows = [
        [
            one.name,
            one.type or "left out",
            _reached(one),
            f"{phrases.since(one.delivered_at, now)} ago" if one.delivered_at else "not today",
            f"{one.waiting:,}",
        ]
        for one in receivers
    ]
    return table(["Receiver", "Type", "State", "Reached last", "Waiting"], rows, numeric=[4])


def _reached(one: Receiver) -> Markup:
    if one.lacks:
        return chip(f"lacks {', '.join(one.lacks)}", "quiet")
    if one.failure:
        return join([chip("failing", "bad"), " ", one.failure])
    return chip("reached", "good") if one.delivered_at else chip("not tried today", "quiet")
