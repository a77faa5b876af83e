"""Around the incidents: who is on duty, what is silenced, and whether receivers are reached."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from dashboards.client import api
from dashboards.frame import show
from dashboards.incident_acts import answered, attempt, may_handle, name_asked
from dashboards.markup import Markup, chip, table, tag
from threadline.wire import Receiver, Silence, phrases

_SILENCES = 50
_ENDED = "silence-ended"  # where it is said how ending one went


def failing(receivers: Sequence[Receiver]) -> None:
    """Said above all else: whoever waits for a message that does not come must look here."""
    lines = [
        f"{one.name}: {one.failure}{f', {one.waiting:,} waiting' if one.waiting else ''}"
        for one in receivers
        if one.failure
    ]
    if lines:
        said = [tag("h3", "Not everybody is reached"), *(tag("p", line) for line in lines)]
        show(tag("div", *said, class_="tl-box tl-bad", role="alert"))


def duty(_now: datetime) -> None:
    """Who is on duty in each rota, until when, and who follows."""
    rotas = api().rotas()
    if not rotas:
        show(tag("p", "No rota is defined: docs/on-call.md says how.", class_="tl-quiet-text"))
        return
    rows = []
    for rota in rotas:
        shift, *following = rota.shifts
        until = f"until {phrases.instant(shift.until)}" if shift.until else "for good"
        on = ", ".join(shift.members) or chip("nobody", "bad")
        after = ", ".join(following[0].members) or "nobody" if following else ""
        rows.append([rota.title or rota.name, on, until, after])
    show(table(["Rota", "On duty", "Until", "Then"], rows))


def silences(now: datetime) -> None:
    """What is silenced now or soon, maintenance first; what people have silenced ends here."""
    found = api().silences({"state": "active,pending", "limit": _SILENCES})
    if not found:
        show(tag("p", "Nothing is silenced, now or soon.", class_="tl-quiet-text"))
    answered(_ENDED)
    for one in found:
        with st.container(border=True, key=f"silence-{one.id}"):
            show(_silence(one, now))
            if one.source == "silence" and may_handle():
                st.button("End it now", key=f"end-{one.id}", on_click=_end, args=(one.id,))


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
    ended = "It has ended; what it muted is looked at anew."
    attempt(_ENDED, lambda: api().end_silence(silence_id, name_asked()), ended)


def delivery(now: datetime) -> None:
    """How every receiver has taken what it was owed in the last day."""
    rows = [
        [
            one.name,
            one.type or "left out",
            _reached(one),
            f"{phrases.since(one.delivered_at, now)} ago" if one.delivered_at else "not today",
            f"{one.waiting:,}",
        ]
        for one in api().receivers()
    ]
    show(table(["Receiver", "Type", "State", "Reached last", "Waiting"], rows, numeric=[4]))


def _reached(one: Receiver) -> Markup:
    if one.lacks:
        return chip(f"lacks {', '.join(one.lacks)}", "quiet")
    if one.failure:
        return tag("div", chip("failing", "bad"), " ", one.failure)
    return chip("reached", "good") if one.delivered_at else chip("not tried today", "quiet")
