"""What happened to an incident and whom it was told to, in the words people use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dashboards.markup import Markup, chip, table, tag
from threadline.wire import Delivery, IncidentEvent, phrases

_KINDS = {
    "page": "page",
    "update": "news",
    "resolved": "that it is over",
    "digest": "digest",
    "test": "test",
}
_EVENTS = {
    "opened": "Opened",
    "raised": "Became more severe",
    "reopened": "Came back",
    "returned": "Had not gone after all",
    "updated": "Changed",
    "healed": "Nothing hangs on it any more",
    "recovered": "The step has succeeded",
    "folded": "Became part of a larger incident",
    "parted": "Stands on its own again",
    "merged": "Merged: both were about one contract",
    "known-too-late": "Was over before the case was known, so nobody was told",
    "told-with-whole": "Told as part of a larger incident",
    "deadline-moved": "The deadline was moved",
    "deadline-changed": "The deadline has changed",
    "no-rule": "No rule asks for it any more",
    "acknowledged": "Acknowledged",
    "resolved": "Closed by hand",
    "closed-by-hand": "Closed by hand",
    "assigned": "Assigned",
    "noted": "Note",
    "escalated": "Escalated",
    "escalation-exhausted": "Everybody there is has been told",
    "escalation-silenced": "A silence holds it back",
    "escalation-lapsed": "The acknowledgement has lapsed",
    "escalation-not-yet": "Waits for its next step",
    "escalation-part-of": "A larger incident speaks for it",
    "notified": "Told",
    "notification-delayed": "Not reached, tried again",
    "notification-failed": "Not reached, given up",
}
_NAMES = {
    "into": "larger incident",
    "after": "after",
    "cases": "cases",
    "breached": "past a deadline",
}
_ATTEMPT = {"notified", "notification-delayed", "notification-failed"}


def told(deliveries: Sequence[Delivery]) -> Markup:
    """A row for each message, the last one first."""
    if not deliveries:
        return tag("p", "Nobody yet.", class_="tl-quiet-text")
    rows = [
        [
            one.receiver,
            f"{_KINDS[one.kind]}{f', step {one.step}' if one.step else ''}",
            _standing(one),
            tag("span", phrases.moment(one.delivered_at or one.due_at), class_="tl-nowrap"),
            f"{one.attempts}",
            "" if one.state == "delivered" else one.failure,
        ]
        for one in reversed(deliveries)
    ]
    return table(["Receiver", "What", "State", "At (UTC)", "Attempts", "Why"], rows)


def _standing(one: Delivery) -> Markup:
    if one.state == "delivered":
        return chip("told", "good")
    if one.state == "waiting":
        return chip("tried again" if one.attempts else "on its way", "warning")
    return chip("not reached", "bad") if one.attempts else chip("not needed any more", "quiet")


def timeline(history: Sequence[IncidentEvent], now: datetime) -> Markup:
    """What happened, the latest first."""
    rows = [
        tag(
            "li",
            tag("span", _when(one.at, now), class_="tl-quiet-text", title=phrases.moment(one.at)),
            tag("div", _words(one)),
        )
        for one in reversed(history)
    ]
    return tag("ol", *rows, class_="tl-timeline")


def _when(at: datetime, now: datetime) -> str:
    return f"{phrases.moment(at)} UTC · {phrases.since(at, now)} ago"


def _words(event: IncidentEvent) -> str:
    said = _EVENTS.get(event.what, event.what.replace("-", " ").capitalize())
    by = f" by {event.who}" if event.who else ""
    if event.what in _ATTEMPT:
        return f"{said}: {_attempt(event.detail)}"
    return f"{said}{by}{_detail(event)}"


def _attempt(detail: Mapping[str, Any]) -> str:
    step = f", step {detail['step']}" if detail.get("step") else ""
    kind = _KINDS.get(str(detail.get("kind")), str(detail.get("kind", "")))
    again = ", perhaps for the second time" if detail.get("repeat") else ""
    return f"{detail.get('receiver', '')} ({kind}{step}; {detail.get('reason', '')}{again})"


def _detail(event: IncidentEvent) -> str:
    detail = dict(event.detail)
    text = str(detail.pop("text", ""))
    if event.what == "assigned":
        return f": to {detail['assignee']}" if detail.get("assignee") else ": to nobody"
    if event.what == "updated" and "cases" in detail:
        return f": {detail['cases']} belong to it"
    steps = detail.pop("steps", [])
    told_steps = f": step {', '.join(map(str, steps))}" if steps else ""
    more = ", ".join(
        f"{_NAMES.get(name, name.replace('_', ' '))}: {_value(value)}"
        for name, value in detail.items()
        if value
    )
    return f"{told_steps}{f' ({more})' if more else ''}{f': “{text}”' if text else ''}"


def _value(value: Any) -> str:
    try:
        return phrases.instant(datetime.fromisoformat(str(value)))
    except ValueError:
        return str(value)
