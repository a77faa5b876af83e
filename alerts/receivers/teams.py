"""Microsoft Teams: an Adaptive Card through the webhook of a Workflow.

Sources, all under learn.microsoft.com/microsoftteams/platform: webhooks-and-connectors/how-to/
connectors-using (28 KB, the error inside an answer of 200) and task-modules-and-cards/cards/
cards-format; adaptivecards.io/explorer (elements).
"""

from __future__ import annotations

import json
import re
from typing import Any

from alerts.receivers import DELIVERED, Outcome
from alerts.receivers.http import HttpClient, judge
from alerts.receivers.options import TeamsOptions
from alerts.receivers.wording import Message, message, short
from threadline.clock import Clock
from threadline.model.incidents import Notification

_LARGEST = 28 * 1024  # bytes of the whole message
_MOST_ACTIONS = 6
_LONGEST_VALUES = (1000, 200, 60)  # characters; the next where the message is too large
_COLOURS = {"warning": "Warning", "breach": "Attention", "failure": "Attention"}
# So the older connectors, and flows made like them, report that the message went nowhere.
_ERROR_INSIDE = re.compile(rb"HTTP error (\d{3})")


class TeamsReceiver:
    """Strangers' words are text runs, which are not read as Markdown: no link can hide there."""

    def __init__(self, options: TeamsOptions, http: HttpClient, clock: Clock) -> None:
        self._url, self._http, self._clock = options.url, http, clock

    def deliver(self, notification: Notification) -> Outcome:
        def post() -> Outcome:
            answer = self._http.request("POST", self._url, json=_message(notification))
            inside = _ERROR_INSIDE.search(answer.body)
            if inside is None:
                return DELIVERED
            return judge(int(inside[1]), answer.retry_after, self._clock.now())

        return self._http.attempt(post)

    def close(self) -> None:
        self._http.close()


def _message(notification: Notification) -> dict[str, Any]:
    payload = notification.payload
    colour = "Good" if payload["kind"] == "resolved" else _COLOURS[payload["severity"]]
    said = message(payload)
    for longest in _LONGEST_VALUES:
        whole = {
            "type": "message",
            "attachments": [
                {
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "contentUrl": None,
                    "content": _card(said, colour, longest),
                }
            ],
        }
        if len(json.dumps(whole, ensure_ascii=False).encode()) <= _LARGEST:
            break
    return whole


def _card(said: Message, colour: str, longest: int) -> dict[str, Any]:
    body = [
        _line([_run(short(said.headline, longest), size="Large", weight="Bolder", color=colour)])
    ]
    if said.note:
        body.append(_line([_run(said.note, isSubtle=True)]))
    body += [
        _line([_run(f"{label}: ", weight="Bolder"), _run(short(value, longest))])
        for label, value in said.facts
    ]
    if said.moves:
        body.append(_line([_run("Next", weight="Bolder")]))
        body += [
            _line([_run(f"{number}. {short(move, longest)}")])
            for number, move in enumerate(said.moves, 1)
        ]
    body += [_line([_run(f"• {short(what, longest)}")]) for what, _ in said.items]
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [
            {"type": "Action.OpenUrl", "title": label, "url": url}
            for label, url in said.links[:_MOST_ACTIONS]
        ],
    }


def _line(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs}


def _run(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **more}
